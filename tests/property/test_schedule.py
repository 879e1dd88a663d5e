"""Laws of cycles and of the scheduler: each cycle is settled once, in order, one run at a time."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from producers.schedule.cycles import Job, JobReport, cycle_of, jitter_of, missed
from producers.schedule.scheduler import Scheduler
from tests.unit.producers.schedule.virtual_clock import VirtualClock, settle

times = st.integers(0, 4_000_000_000_000)
cadences = st.sampled_from([1_000, 60_000, 600_000, 3_600_000, 86_400_000])


@given(times, cadences)
def test_a_cycle_holds_its_times(now_ms: int, cadence_ms: int) -> None:
    start_ms = cycle_of(now_ms, cadence_ms)
    assert start_ms <= now_ms < start_ms + cadence_ms
    assert start_ms % cadence_ms == 0


@given(times, st.integers(0, 50), st.integers(0, 999), cadences)
def test_the_last_the_missed_and_the_present_cycle_have_no_hole(
    first_ms: int, cycles: int, rest: int, cadence_ms: int
) -> None:
    last_ms = cycle_of(first_ms, cadence_ms)
    now_ms = last_ms + cycles * cadence_ms + rest
    between = list(missed(last_ms, now_ms, cadence_ms))
    whole = [last_ms, *between, cycle_of(now_ms, cadence_ms)]
    assert sorted(set(whole)) == list(range(last_ms, now_ms + 1, cadence_ms))
    assert len(between) == max(cycles - 1, 0)


@given(st.integers(), st.text(max_size=5), times, st.integers(0, 1_000_000))
def test_jitter_stays_within_its_bound(seed: int, name: str, cycle_ms: int, most_ms: int) -> None:
    drawn = jitter_of(seed, name, cycle_ms, most_ms)
    assert 0 <= drawn <= most_ms
    assert drawn == jitter_of(seed, name, cycle_ms, most_ms)


@settings(max_examples=60)
@given(
    start_ms=times,
    durations_s=st.lists(st.floats(0.0, 400.0), min_size=1, max_size=12),
    jitter_ms=st.integers(0, 59_999),
    jumps_s=st.lists(st.tuples(st.booleans(), st.integers(1, 500)), min_size=1, max_size=8),
    failing=st.integers(2, 5),
)
def test_every_cycle_is_run_or_missed_once_and_runs_never_overlap(
    start_ms: int,
    durations_s: list[float],
    jitter_ms: int,
    jumps_s: list[tuple[bool, int]],
    failing: int,
) -> None:
    """Runs of any length, some of which raise, on a machine that is suspended now and then."""
    clock, told, spans = VirtualClock(start_ms), list[JobReport](), list[list[int]]()

    async def run(_: int) -> None:
        number = len(spans)
        spans.append([clock.now_ms(), -1])
        await clock.sleep(durations_s[number % len(durations_s)])
        spans[number][1] = clock.now_ms()
        if number % failing == 0:
            raise ValueError

    async def live() -> None:
        job = Job("a", run, cadence_ms=60_000, jitter_ms=jitter_ms)
        scheduler = Scheduler(clock, [job], told.append)
        serving = asyncio.create_task(scheduler.run())
        await settle()
        for suspended, seconds in jumps_s:
            until_ms = clock.now_ms() + seconds * 1000
            await (clock.jump_to if suspended else clock.advance_to)(until_ms)
        await scheduler.stop(deadline_s=0.0)
        await serving

    asyncio.run(live())
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert all(before[1] >= 0 for before in spans[:-1])
    settled = sorted(one.cycle_ms + n * 60_000 for one in told for n in range(one.count))
    first_ms = cycle_of(start_ms, 60_000)
    assert settled == [first_ms + n * 60_000 for n in range(len(settled))]
    assert settled[-1] >= cycle_of(clock.now_ms(), 60_000) - 60_000
    assert [one.outcome for one in told if one.outcome != "missed"].count("cut") <= 1
