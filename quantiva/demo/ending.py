"""How a run ends: by itself, by Ctrl-C, or because a part cannot go on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from embedded.stack import Stack
from quantiva.demo.summary import Summary
from transport.supervision.processes import kill_all

STOP_WITHIN_S = 10.0
"""All has ended so long after it was asked to, whatever is dead or hangs."""
_IN_ORDER_S = 5.0
_IN_ORDER_AFTER_A_FAILURE_S = 3.0
_CUT_EVERY_S = 0.25


@dataclass(slots=True)
class Course:
    """How far a run is: whether its source runs, and what it came to."""

    stop: asyncio.Event
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    failed: asyncio.Event = field(default_factory=asyncio.Event)
    watching: asyncio.Task[None] | None = None
    summary: Summary | None = None
    error: BaseException | None = None

    def fail(self, error: BaseException) -> None:
        """Note why the run cannot go on; the first reason counts."""
        self.error = self.error or error
        self.failed.set()


async def cut_off(running: asyncio.Task[None], course: Course) -> None:
    """End by force what does not end in order: the processes first, then what waits for them."""
    ending = {asyncio.create_task(one.wait()) for one in (course.stop, course.failed)}
    await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
    if course.watching is not None:
        course.watching.cancel()  # nothing is started again any more
    if course.begun.is_set() or course.error is not None:
        in_order_s = _IN_ORDER_S if course.error is None else _IN_ORDER_AFTER_A_FAILURE_S
        await asyncio.wait({running}, timeout=in_order_s)
        if not running.done():
            # Clients that are cut off are not closed; nobody needs to read that.
            logging.getLogger("asyncio").setLevel(logging.CRITICAL)
            await asyncio.to_thread(kill_all)
    while not running.done():
        running.cancel()
        await asyncio.wait({running}, timeout=_CUT_EVERY_S)


@contextlib.contextmanager
def watched(stack: Stack, course: Course) -> Iterator[None]:
    """Start dead parts again; cancel this task, with the reason in `course`, where that fails."""
    owner = asyncio.current_task()
    watching = course.watching = asyncio.create_task(stack.watch())

    def on_end(task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and owner is not None:
            course.fail(error)
            owner.cancel()

    watching.add_done_callback(on_end)
    try:
        yield
    finally:
        watching.cancel()


async def parts_are_back(stack: Stack) -> None:
    """Return when no part is being started again.

    What fails meanwhile follows from the dead part: when that one is given up, `watched` cancels
    this task, and the part's own reason is the run's.
    """
    while not stack.is_whole():
        await asyncio.sleep(_CUT_EVERY_S)


async def cancelled(task: asyncio.Task[Any]) -> None:
    """End a task and wait for it; a cancellation meanwhile is handed on, and raised then."""
    cut_off = False
    task.cancel()
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cut_off = True
            task.cancel()
    if cut_off:
        raise asyncio.CancelledError
