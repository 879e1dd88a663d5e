"""The end of a scheduler: what waits, what is cut off, what is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from producers.schedule.cycles import Job
from producers.schedule.scheduler import Scheduler
from schemas.times import CYCLE_MS
from tests.unit.producers.schedule.harness import NOON, Harness
from tests.unit.producers.schedule.virtual_clock import VirtualClock, settle


async def _goes_on(clock: VirtualClock) -> None:
    await clock.sleep(1e9)


async def _cleans_up(clock: VirtualClock) -> None:
    try:
        await clock.sleep(1e9)
    finally:
        await asyncio.sleep(0.01)


async def _raises(clock: VirtualClock) -> None:
    try:
        await clock.sleep(1e9)
    finally:
        raise OSError("disk full")


@pytest.mark.parametrize(
    ("work", "outcome"),
    [
        pytest.param(_goes_on, "cut", id="cut"),
        pytest.param(_cleans_up, "cut", id="cut, and cleans up"),
        pytest.param(_raises, "failed", id="its clean-up fails"),
    ],
)
async def test_a_stop_waits_for_its_deadline_and_then_cancels(
    work: Callable[[VirtualClock], Awaitable[None]], outcome: str
) -> None:
    harness = Harness(NOON)
    scheduler = Scheduler(
        harness.clock,
        [Job("a", lambda _: work(harness.clock)), harness.job("b")],
        harness.told.append,
    )
    serving = asyncio.create_task(scheduler.run())
    await settle()
    await scheduler.stop(deadline_s=0.05)
    await serving
    assert [(told.job, told.outcome) for told in harness.told] == [("b", "done"), ("a", outcome)]
    assert scheduler.running == ()


async def test_a_stop_lets_a_run_end_within_the_deadline_and_begins_no_other() -> None:
    harness = Harness(NOON)
    ends = asyncio.Event()

    async def run(_: int) -> None:
        await ends.wait()

    scheduler = Scheduler(harness.clock, [Job("a", run)], harness.told.append)
    serving = asyncio.create_task(scheduler.run())
    await settle()
    stopping = asyncio.create_task(scheduler.stop(deadline_s=60.0))
    await harness.clock.advance_to(NOON + 3 * CYCLE_MS)
    assert not stopping.done()
    ends.set()
    await stopping
    await serving
    assert harness.outcomes() == [("done", 0, 1)]


async def test_a_run_deaf_to_its_cancellation_is_left_behind() -> None:
    harness = Harness(NOON)
    released = asyncio.Event()

    async def run(_: int) -> None:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    scheduler = Scheduler(harness.clock, [Job("deaf", run)], harness.told.append)
    serving = asyncio.create_task(scheduler.run())
    await settle()
    await scheduler.stop(deadline_s=0.0)
    await serving
    assert "left behind" in str(harness.told[-1])
    released.set()
    await settle()


async def test_a_cancelled_scheduler_cancels_its_runs() -> None:
    harness = Harness(NOON)
    scheduler = Scheduler(harness.clock, [harness.job("a", takes_s=1e9)], harness.told.append)
    serving = asyncio.create_task(scheduler.run())
    await settle()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert harness.outcomes() == [("cut", 0, 1)]


async def test_a_stop_before_the_run_lets_nothing_begin() -> None:
    harness = Harness(NOON)
    scheduler = Scheduler(harness.clock, [harness.job("a")], harness.told.append)
    await scheduler.stop()
    await scheduler.run()
    assert harness.runs == []
