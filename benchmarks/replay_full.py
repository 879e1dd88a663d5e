"""`replay_full`, `replay_sparse_ticks`, `replay_two_cores`: whole replays, from files to rankings.

Reading, decoding, checking, five engines, fusion with four strategies, sizing and ranking, with
all processes of a replay bound to one core; their start and end counts.

replay_full          the market that the demo plays, as an archive: 50 assets, a book a minute, and
                     a tick of each asset every ten minutes, as the product runs
replay_sparse_ticks  the recorded data beside the repository with one tick of each asset a day:
                     mostly candles, hardly a decision
replay_two_cores     the market of `replay_full` in one process and in two

The first two run in turn with our technical engine alone on the recorded candles, the yardstick of
the machine: their ratio to it is comparable between machines.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import peers, technical_alone
from benchmarks.job import Times
from benchmarks.recorded import FOLDER
from benchmarks.report import Goals, Result, SkippedError, heading
from benchmarks.throughput import Run
from benchmarks.workers.alone import Task
from schemas.times import DAY_MS
from tests.parity.offline import write_market

FULL, SPARSE, TWO_CORES = "replay_full", "replay_sparse_ticks", "replay_two_cores"
UNIT = "market events/s a core"
YARDSTICK = technical_alone.NAME
FULL_GOALS = Goals({YARDSTICK: 0.157})
TWO_CORES_GOALS = Goals({"one core": 1.8})
SPAN_MS = (1_600_560_000_000, 1_726_790_400_000)
START_MS = 1_767_225_600_000


async def full(*, quick: bool) -> Result:
    """Measure the simulated market with its ten-minute cycles on one core."""
    heading(FULL, "five engines, four strategies, cycles of ten minutes")
    with _simulated(quick) as archive:
        return await asyncio.to_thread(_beside_yardstick, FULL, {"archive": archive}, quick)


async def sparse_ticks(*, quick: bool) -> Result:
    """Measure the recorded data with a tick a day on one core."""
    heading(SPARSE, "recorded data, five engines, four strategies, one tick of each asset a day")
    if not FOLDER.is_dir():
        raise SkippedError(technical_alone.NO_CANDLES)
    order = {
        "directory": str(FOLDER.parent),
        "start_ms": SPAN_MS[1] - 5 * DAY_MS if quick else SPAN_MS[0],
        "until_ms": SPAN_MS[1],
        "cycle_ms": DAY_MS,
    }
    return await asyncio.to_thread(_beside_yardstick, SPARSE, order, quick)


async def two_cores(*, quick: bool) -> Result:
    """Measure the simulated market on one core and on two."""
    heading(TWO_CORES, "the simulated market in one process and in two")
    if len(os.sched_getaffinity(0)) < 2:
        msg = "this machine has one core"
        raise SkippedError(msg)
    return await asyncio.to_thread(_two_cores, quick)


def _beside_yardstick(name: str, order: dict[str, Any], quick: bool) -> Result:
    """Return the rate of a replay, and its ratio to the technical engine alone, run in turn."""
    core = max(os.sched_getaffinity(0))
    runs: list[dict[str, Any]] = []
    alone: list[float] = []
    for _ in range(1 if quick else 3):
        runs.append(_run(name, order, jobs=1, cores=[core]))
        if FOLDER.is_dir():
            alone.append(_yardstick(Task(300 if quick else None, core)))
    value = float(round(median(map(_core_rate, runs))))
    ratios = {}
    found: dict[str, float | str] = {YARDSTICK: technical_alone.NO_CANDLES}
    if alone:
        found = {YARDSTICK: round(median(alone))}
        ratios = {YARDSTICK: round(median(map(_ratio, runs, alone)), 3)}
    goals = FULL_GOALS if name == FULL else Goals()
    met = goals.met(ratios) if goals else None
    note = f"{runs[0]['events']:,} market events, {sum(runs[0]['produced'].values()):,} outputs"
    return Result(name, value, UNIT, str(goals), met, found, ratios, {"runs": runs}, note)


def _yardstick(task: Task) -> float:
    """Return the candles a second of our technical engine alone."""
    report = technical_alone.run_side("ours", task)
    run = Run(report["candles"], Times(**report["times"]))
    print(f"  {YARDSTICK:<21}{run.events:>9,} candles{run.rate:>35,.0f}/s cpu", flush=True)
    return run.rate


def _two_cores(quick: bool) -> Result:
    cores = sorted(os.sched_getaffinity(0))
    runs: dict[str, list[dict[str, Any]]] = {"one": [], "two": []}
    with _simulated(quick) as archive:
        order = {"archive": archive}
        for _ in range(1 if quick else 3):
            runs["one"].append(_run("one process", order, jobs=1, cores=[cores[-1]]))
            runs["two"].append(_run("two processes", order, jobs=2, cores=cores[-2:]))
    one, two = _rate(runs["one"]), _rate(runs["two"])
    ratios = {"one core": round(two / one, 2)}
    return Result(
        TWO_CORES,
        two,
        "market events/s",
        str(TWO_CORES_GOALS),
        TWO_CORES_GOALS.met(ratios),
        {"one core": one},
        ratios,
        {"runs": runs},
    )


def _rate(runs: list[dict[str, Any]]) -> float:
    return float(round(median(run["events"] / run["wall_s"] for run in runs)))


def _core_rate(run: dict[str, Any]) -> float:
    """Return the events a second of processor time, of all processes of a replay together.

    They share one core and wait for nothing but it, so on an idle machine that is the time on the
    wall; beside other load it is what remains comparable with the yardstick.
    """
    return float(run["events"]) / float(run["cpu_s"])


def _ratio(run: dict[str, Any], alone: float) -> float:
    return _core_rate(run) / alone


def _run(title: str, order: dict[str, Any], *, jobs: int, cores: list[int]) -> dict[str, Any]:
    """Run a replay in its own process, print its figures and return its report."""
    found = peers.report_of("replaying", {**order, "jobs": jobs, "cores": cores})
    print(
        f"  {title:<21}{found['events']:>9,} events{found['wall_s']:>8.2f} s wall"
        f"{found['cpu_s']:>8.2f} s cpu{_core_rate(found):>10,.0f}/s cpu",
        flush=True,
    )
    return found


@contextmanager
def _simulated(quick: bool) -> Iterator[str]:
    """Yield an archive of the simulated market: its back-fill and some cycles."""
    with tempfile.TemporaryDirectory(prefix="quantiva-bench-") as folder:
        address = Path(folder) / "archive"
        assets, cycles = (5, 3) if quick else (50, 250)
        write_market(address, _market(assets, cycles), partitions=8)
        yield str(address)


def _market(assets: int, cycles: int) -> Iterator[Any]:
    from marketdata.simulated.assets import ASSETS
    from marketdata.simulated.simulation import backfill, cycle

    state, events = backfill(1, START_MS, ASSETS[:assets])
    yield from events
    for _ in range(cycles):
        state, events = cycle(state, state.now_ms)
        yield from events
