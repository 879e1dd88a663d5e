"""`technical_alone`: our technical engine beside backtesting.py and NautilusTrader, without broker.

Each side takes the same recorded candles through the same indicators and reads their ten values
after each candle, in a process of its own that is bound to one core, for all the same: reading the
files and making each library's own candles is outside the clock. Ours goes on to trend, score and
confidence. Values after the last candle are compared: equal to 1e-6, or the run does not count.
"""

from __future__ import annotations

import asyncio
from math import isnan
from statistics import median
from typing import Any

from benchmarks import peers
from benchmarks.job import Times
from benchmarks.machine import reserved_core
from benchmarks.report import Goals, Result, SideFailedError, SkippedError, heading
from benchmarks.throughput import Run
from benchmarks.workers.alone import NAMES, Task

NAME = "technical_alone"
UNIT = "candles/s"
GOALS = Goals({"backtesting.py": 2.0, "NautilusTrader": 2.5})
TOLERANCE = 1e-6
SIDES = {
    "ours": ("alone_ours", None),
    "backtesting.py": ("alone_backtesting", "backtesting"),
    "NautilusTrader": ("alone_nautilus", "nautilus-trader"),
}
"""The module of each side, and the peer's package."""
NO_CANDLES = "no recorded candles beside the repository"

Values = dict[str, list[float]]


async def measure(*, quick: bool) -> Result:
    """Run all sides in turn, some times over."""
    heading(NAME, "recorded candles through the same indicators")
    try:
        from benchmarks.recorded import bars

        limit, repetitions = (900, 1) if quick else (None, 5)
        candles = len(await asyncio.to_thread(bars, limit))
    except ImportError as error:
        msg = f"pyarrow is not installed: {error}"
        raise SkippedError(msg) from error
    if not candles:
        raise SkippedError(NO_CANDLES)
    return await asyncio.to_thread(_measure, candles, limit, repetitions, quick)


def _measure(candles: int, limit: int | None, repetitions: int, quick: bool) -> Result:
    missing = {
        side: reason
        for side, (_, package) in SIDES.items()
        if package and (reason := peers.missing(package, install=not quick))
    }
    chosen = [side for side in SIDES if side not in missing]
    with reserved_core() as core:
        bound = "not bound to a core" if core is None else f"each alone on core {core}"
        print(f"  {candles:,} candles, {bound}; files are read before the clock runs")
        print(f"  {'side':<17}{'wall s':>9}{'cpu s':>9}{'lost s':>9}{UNIT:>14}")
        runs, values = _interleaved(chosen, Task(limit, core), candles, repetitions)
    return _result(runs, values, missing, candles)


def _interleaved(
    chosen: list[str], task: Task, candles: int, repetitions: int
) -> tuple[dict[str, list[Run]], dict[str, Values]]:
    """Run A B C A B C; return the runs of each side, and its last values."""
    runs: dict[str, list[Run]] = {side: [] for side in chosen}
    last: dict[str, Values] = {}
    for _ in range(repetitions):
        for side in chosen:
            try:
                result = run_side(side, task)
                last[side] = result["values"]
                apart = difference(last["ours"], last[side])
                if apart > TOLERANCE:
                    msg = f"its values differ from ours by {apart:.1e}"
                    raise SideFailedError(msg)
            except SideFailedError as error:
                print(f"  {side:<17} failed: {error}", flush=True)
                continue
            note(runs, side, Run(candles, Times(**result["times"])), f"values within {apart:.0e}")
            if "through_stage" in result:
                staged = Run(candles, Times(**result["through_stage"]))
                note(runs, "ours, in a stage", staged, "an EngineScore each")
    return runs, last


def note(runs: dict[str, list[Run]], side: str, run: Run, text: str) -> None:
    """Keep a run and print it."""
    runs.setdefault(side, []).append(run)
    wall_s, cpu_s, lost_s = run.times
    print(
        f"  {side:<17}{wall_s:>9.2f}{cpu_s:>9.2f}{lost_s:>9.2f}{run.rate:>14,.0f}   {text}",
        flush=True,
    )


def difference(ours: Values, theirs: Values) -> float:
    """Return the largest relative difference of any value of any market.

    MACD and its like cross zero: theirs is relative to ATR14, which has their unit and size.
    Infinite where a market or a value is missing.
    """
    apart = []
    if ours.keys() != theirs.keys():
        return float("inf")
    for market, values in ours.items():
        atr14 = values[NAMES.index("ATR14")]
        for name, one, other in zip((*NAMES, "CLOSE"), values, theirs[market], strict=True):
            scale = atr14 if name.startswith("MACD") else abs(one)
            apart.append(abs(one - other) / scale)
    return float("inf") if any(map(isnan, apart)) else max(apart)


def run_side(side: str, task: Task) -> dict[str, Any]:
    """Run a side's process to its end and return its report: `times`, and `values` by market."""
    module, package = SIDES[side]
    return peers.report_of(module, task._asdict(), of_peer=bool(package))


def _result(
    runs: dict[str, list[Run]], last: dict[str, Values], missing: dict[str, str], candles: int
) -> Result:
    rates = {side: [run.rate for run in of_side] for side, of_side in runs.items()}
    middle = {side: round(median(of_side)) for side, of_side in rates.items() if of_side}
    ours, staged = middle.pop("ours", None), middle.pop("ours, in a stage", None)
    found: dict[str, float | str] = {
        side: missing.get(side, middle.get(side, "failed")) for side in SIDES if side != "ours"
    }
    detail = {
        "candles": candles,
        "through_a_stage": staged,
        "largest_difference": {
            side: float(f"{difference(last['ours'], values):.1e}")
            for side, values in last.items()
            if side != "ours"
        },
        "runs": {
            side: [{k: round(v, 3) for k, v in run.times._asdict().items()} for run in of_side]
            for side, of_side in runs.items()
        },
    }
    if ours is None or staged is None:
        msg = "our side failed, see above"
        raise SideFailedError(msg)
    ratios = {side: round(ours / rate, 2) for side, rate in middle.items()}
    text = f"{candles:,} candles; {staged:,} a second through a stage, an EngineScore each"
    return Result(NAME, ours, UNIT, str(GOALS), GOALS.met(ratios), found, ratios, detail, text)
