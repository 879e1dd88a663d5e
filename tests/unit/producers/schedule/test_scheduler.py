"""Jobs on their cadences: what runs when, and what is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from producers.schedule.cycles import Job, JobReport
from producers.schedule.scheduler import Scheduler
from schemas.times import CYCLE_MS, HOUR_MS, MINUTE_MS
from tests.unit.producers.schedule.harness import NOON, Harness
from transport.clock import scaled


async def test_each_job_runs_once_a_cycle_and_at_once_at_the_start() -> None:
    harness = Harness(NOON + 5_000)
    cadences = {"tens": CYCLE_MS, "hourly": HOUR_MS, "minutes": MINUTE_MS}
    jobs = [harness.job(name, cadence_ms=cadence) for name, cadence in cadences.items()]
    async with harness.running(*jobs):
        await harness.clock.advance_to(NOON + 2 * HOUR_MS)
    for name, cadence_ms in cadences.items():
        cycles = list(range(NOON, NOON + 2 * HOUR_MS + 1, cadence_ms))
        mine = [(cycle, at) for job, cycle, at in harness.runs if job == name]
        assert mine == [(NOON, NOON + 5_000), *((cycle, cycle) for cycle in cycles[1:])]
    assert {told.outcome for told in harness.told} == {"done"}
    assert len(harness.told) == len(harness.runs)


@pytest.mark.parametrize(
    ("last_ms", "first_runs", "missed_count"),
    [
        pytest.param(None, [(NOON, NOON + 5_000)], 0, id="unknown: at once"),
        pytest.param(NOON, [(NOON + CYCLE_MS, NOON + CYCLE_MS)], 0, id="it ran: the next one"),
        pytest.param(NOON - CYCLE_MS, [(NOON, NOON + 5_000)], 0, id="the one before: at once"),
        pytest.param(NOON - 4 * CYCLE_MS, [(NOON, NOON + 5_000)], 3, id="three were missed"),
    ],
)
async def test_a_start_takes_up_where_the_last_process_ended(
    last_ms, first_runs, missed_count
) -> None:
    harness = Harness(NOON + 5_000)
    async with harness.running(harness.job("a", last_cycle_ms=last_ms)):
        await harness.clock.advance_to(first_runs[0][1])
    assert [(cycle, at) for _, cycle, at in harness.runs] == first_runs
    assert sum(told.count for told in harness.told if told.outcome == "missed") == missed_count
    assert "3 cycle(s) missed: nothing ran at that time" in str(harness.told[0]) or not missed_count


async def test_a_run_never_overlaps_the_next_which_is_missed_and_told_when_due() -> None:
    harness = Harness(NOON)
    async with harness.running(harness.job("slow", takes_s=1_500.0)):
        await harness.clock.advance_to(NOON + CYCLE_MS)
        assert harness.outcomes() == [("missed", CYCLE_MS, 1)]
        assert "600 s ago is still under way" in str(harness.told[0])
        await harness.clock.advance_to(NOON + 3 * CYCLE_MS + 1)
        assert [at - NOON for _, _, at in harness.runs] == [0, 3 * CYCLE_MS]
        assert harness.outcomes() == [
            ("missed", CYCLE_MS, 1),
            ("missed", 2 * CYCLE_MS, 1),
            ("done", 0, 1),
        ]
        assert str(harness.told[-1]) == "slow took 1500.0 s"


async def test_a_run_that_ends_when_the_next_is_due_is_followed_by_one_of_the_two() -> None:
    """Whatever comes first of two things at one moment, each cycle is settled once."""
    harness = Harness(NOON)
    async with harness.running(harness.job("exact", takes_s=CYCLE_MS / 1000)):
        await harness.clock.advance_to(NOON + 6 * CYCLE_MS - 1)
    settled = [told.cycle_ms + n * CYCLE_MS for told in harness.told for n in range(told.count)]
    assert sorted(settled) == [NOON + n * CYCLE_MS for n in range(6)]


async def test_a_machine_that_slept_misses_its_cycles_and_goes_on() -> None:
    harness = Harness(NOON)
    async with harness.running(harness.job("a")):
        await harness.clock.jump_to(NOON + 5 * CYCLE_MS + 70_000)
    assert harness.outcomes() == [
        ("done", 0, 1),
        ("missed", CYCLE_MS, 4),
        ("done", 5 * CYCLE_MS, 1),
    ]


async def test_an_exception_is_told_and_the_next_run_comes() -> None:
    harness = Harness(NOON)
    error = ValueError("no coins")
    cycles = []

    async def run(cycle_ms: int) -> None:
        cycles.append(cycle_ms)
        if len(cycles) == 1:
            raise error
        if len(cycles) == 2:
            raise asyncio.CancelledError

    async with harness.running(Job("odd", run)):
        await harness.clock.advance_to(NOON + 2 * CYCLE_MS)
    assert cycles == [NOON, NOON + CYCLE_MS, NOON + 2 * CYCLE_MS]
    assert [told.outcome for told in harness.told] == ["failed", "failed", "done"]
    assert harness.told[0].error is error
    assert str(harness.told[0]) == "odd failed after 0.0 s: ValueError: no coins"
    assert "cancelled from within" in str(harness.told[1])


async def test_a_job_that_hangs_holds_up_no_other() -> None:
    harness = Harness(NOON)
    async with harness.running(harness.job("hangs", takes_s=1e9), harness.job("b")) as scheduler:
        await harness.clock.advance_to(NOON + 5 * CYCLE_MS)
        assert scheduler.running == ("hangs",)
    assert [cycle for job, cycle, _ in harness.runs if job == "b"] == [
        NOON + n * CYCLE_MS for n in range(6)
    ]
    assert sum(told.count for told in harness.told if told.outcome == "missed") == 5


async def test_jitter_spreads_the_runs_and_a_seed_repeats_them() -> None:
    starts = []
    for seed in (7, 7, 8):
        harness = Harness(NOON)
        jobs = [harness.job(name, jitter_ms=30_000) for name in "abc"]
        async with harness.running(*jobs, seed=seed):
            await harness.clock.advance_to(NOON + 8 * CYCLE_MS - 1)
        assert {told.outcome for told in harness.told} == {"done"}
        starts.append(sorted(harness.runs))
    assert starts[0] == starts[1] != starts[2]
    later = [at - cycle for _, cycle, at in starts[0] if cycle > NOON]
    assert len(later) == 21
    assert len(set(later)) > 15
    assert all(0 <= pause <= 30_000 for pause in later)


async def test_a_defect_in_what_is_told_ends_the_scheduler_loudly() -> None:
    def tell(_: JobReport) -> None:
        raise RuntimeError("a defect")

    harness = Harness(NOON)
    scheduler = Scheduler(harness.clock, [harness.job("a"), harness.job("b")], tell)
    with pytest.raises(ExceptionGroup) as caught:
        await scheduler.run()
    assert caught.group_contains(RuntimeError, match="a defect")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param({"cadence_ms": 0}, "a cadence of 0 ms", id="no cadence"),
        pytest.param({"jitter_ms": CYCLE_MS}, "jitter < cadence", id="jitter of a cycle"),
        pytest.param({"jitter_ms": -1}, "jitter < cadence", id="negative jitter"),
    ],
)
def test_a_job_that_cannot_be_is_refused(options: dict[str, int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Harness(NOON).job("a", **options)


def test_two_jobs_of_one_name_are_refused() -> None:
    harness = Harness(NOON)
    jobs: Sequence[Job] = [harness.job("a"), harness.job("a")]
    with pytest.raises(ValueError, match="two jobs have one name: a, a"):
        Scheduler(harness.clock, jobs, harness.told.append)


async def test_a_day_at_a_high_speed_settles_every_cycle_once() -> None:
    """The real clock, 100,000 times as fast: a minute is 0.6 ms, so some are missed, and told."""
    clock = scaled(NOON, 100_000.0)
    told: list[JobReport] = []
    under_way = 0

    async def run(_: int) -> None:
        nonlocal under_way
        under_way += 1
        assert under_way == 1
        await clock.sleep(150.0)
        under_way -= 1

    scheduler = Scheduler(clock, [Job("a", run, cadence_ms=MINUTE_MS)], told.append)
    serving = asyncio.create_task(scheduler.run())
    while clock.now_ms() < NOON + 24 * HOUR_MS:
        await asyncio.sleep(0.05)
    await scheduler.stop()
    await serving
    settled = sorted(one.cycle_ms + n * MINUTE_MS for one in told for n in range(one.count))
    assert settled == [settled[0] + n * MINUTE_MS for n in range(len(settled))]
    assert len(settled) > 1_400
    assert {one.outcome for one in told} == {"done", "missed"}
