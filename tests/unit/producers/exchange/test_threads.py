"""A coroutine in a thread: its result, its error, and its end with whoever waits for it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from producers.exchange.connection import in_thread


async def test_the_result_comes_from_another_thread() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return threading.get_ident()

    assert await in_thread(work) != threading.get_ident()


async def test_an_error_is_raised() -> None:
    async def work() -> None:
        msg = "no such market"
        raise LookupError(msg)

    with pytest.raises(LookupError, match="no such market"):
        await in_thread(work)


async def test_it_ends_when_nobody_waits_any_more() -> None:
    begun, closed = threading.Event(), threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0)  # what it has to close may take its time
            closed.set()

    waiting = asyncio.create_task(in_thread(work))
    while not begun.is_set():
        await asyncio.sleep(0.001)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.wait_for(asyncio.get_running_loop().shutdown_default_executor(), 5)
    assert closed.is_set()
