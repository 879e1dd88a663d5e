"""A coroutine in a thread and an event loop of its own, for what would stop the caller's loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

_T = TypeVar("_T")


async def in_thread(work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Return what `work` returns, and raise what it raises; it ends when its caller is cancelled.

    A thread is not told of that by itself: it would go on, and the process could not end before.
    """
    ended = threading.Event()
    begun: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = []

    async def run() -> _T:
        task = asyncio.ensure_future(work())
        begun.append((asyncio.get_running_loop(), task))
        if ended.is_set():
            task.cancel()
        return await task

    try:
        return await asyncio.to_thread(lambda: asyncio.run(run()))
    except asyncio.CancelledError:
        ended.set()
        for loop, task in begun:
            with suppress(RuntimeError):  # its loop has closed meanwhile
                loop.call_soon_threadsafe(task.cancel)
        raise
