"""`replay_full` and `replay_two_cores`: whole replays, from the files to the rankings.

Reading, decoding, checking, five engines, fusion with four strategies, sizing and ranking, with
all processes of a replay bound to one core; start and end of the processes are inside the clock.
Two markets: the recorded data beside the repository, and an archive of the simulated market that
the demo plays (50 assets, a book a minute, a tick every ten minutes).
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.recorded import FOLDER
from benchmarks.report import Result, heading
from benchmarks.throughput import SideFailedError
from benchmarks.workers import RESULT
from tests.parity.offline import write_market

FULL, TWO_CORES = "replay_full", "replay_two_cores"
UNIT = "market events/s a core"
GOAL_RATE = 60_000
GOAL_SPEEDUP = 1.8
LIMIT_S = 300.0
SPAN_MS = (1_600_560_000_000, 1_726_790_400_000)
DAY_MS = 86_400_000
START_MS = 1_767_225_600_000


async def full(*, quick: bool) -> Result:
    """Measure both markets on one core; the figure is that of the recorded data."""
    heading(FULL, "five engines, four strategies, fusion, sizing, ranking")
    return await asyncio.to_thread(_full, quick)


async def two_cores(*, quick: bool) -> Result:
    """Measure the simulated market on one core and on two."""
    heading(TWO_CORES, "the simulated market in one process and in two")
    return await asyncio.to_thread(_two_cores, quick)


def _full(quick: bool) -> Result:
    goal = f">= {GOAL_RATE:,} {UNIT}"
    core = [max(os.sched_getaffinity(0))]
    runs: dict[str, list[dict[str, Any]]] = {}
    repetitions = 1 if quick else 3
    with _simulated(quick) as archive:
        orders: dict[str, dict[str, Any]] = {"simulated": {"archive": archive}}
        if FOLDER.is_dir():
            start_ms = SPAN_MS[1] - 90 * DAY_MS if quick else SPAN_MS[0]
            orders["recorded"] = {
                "directory": str(FOLDER.parent),
                "start_ms": start_ms,
                "until_ms": SPAN_MS[1],
                "cycle_ms": DAY_MS,
            }
        for _ in range(repetitions):
            for name, order in orders.items():
                runs.setdefault(name, []).append(_run(name, order, jobs=1, cores=core))
    middle = {name: _rate(found) for name, found in runs.items()}
    value = middle.get("recorded", middle["simulated"])
    events = runs["recorded" if "recorded" in runs else "simulated"][0]["events"]
    text = (
        f"{events:,} recorded candles, headlines, books and daily ticks; of the simulated market "
        f"{middle['simulated']:,.0f}/s"
    )
    return Result(FULL, value, UNIT, goal, value >= GOAL_RATE, detail={"runs": runs}, note=text)


def _two_cores(quick: bool) -> Result:
    goal = f">= {GOAL_SPEEDUP}x one core"
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return Result(TWO_CORES, None, "x", goal, None, note="this machine has one core")
    runs: dict[str, list[dict[str, Any]]] = {"one": [], "two": []}
    with _simulated(quick) as archive:
        order = {"archive": archive}
        for _ in range(1 if quick else 3):
            runs["one"].append(_run("one process", order, jobs=1, cores=[cores[-1]]))
            runs["two"].append(_run("two processes", order, jobs=2, cores=cores[-2:]))
    one, two = _rate(runs["one"]), _rate(runs["two"])
    value = round(two / one, 2)
    text = f"{two:,.0f} market events/s on two cores, {one:,.0f} on one"
    return Result(
        TWO_CORES, value, "x", goal, value >= GOAL_SPEEDUP, detail={"runs": runs}, note=text
    )


def _rate(runs: list[dict[str, Any]]) -> float:
    return float(round(median(run["events"] / run["wall_s"] for run in runs)))


def _run(title: str, order: dict[str, Any], *, jobs: int, cores: list[int]) -> dict[str, Any]:
    """Run a replay in a process of its own, and print what it says."""
    given = json.dumps({**order, "jobs": jobs, "cores": cores})
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.workers.replaying", given],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    for line in ended.stdout.splitlines():
        if line.startswith(RESULT):
            found: dict[str, Any] = json.loads(line.removeprefix(RESULT))
            print(
                f"  {title:<15}{found['events']:>9,} events{found['wall_s']:>8.2f} s wall"
                f"{found['cpu_s']:>8.2f} s cpu{found['events'] / found['wall_s']:>10,.0f}/s",
                flush=True,
            )
            return found
    msg = f"status {ended.returncode}: {ended.stdout[-400:]}"
    raise SideFailedError(msg)


@contextmanager
def _simulated(quick: bool) -> Iterator[str]:
    """Yield an archive of the simulated market: its back-fill and some cycles."""
    with tempfile.TemporaryDirectory(prefix="quantiva-bench-") as folder:
        address = Path(folder) / "archive"
        write_market(address, _market(20 if quick else 250), partitions=8)
        yield str(address)


def _market(cycles: int) -> Iterator[Any]:
    from marketdata.simulated.assets import ASSETS
    from marketdata.simulated.simulation import backfill, cycle

    state, events = backfill(1, START_MS, ASSETS[:50])
    yield from events
    for _ in range(cycles):
        state, events = cycle(state, state.now_ms)
        yield from events
