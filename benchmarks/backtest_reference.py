"""`backtest_reference`, `backtest_ticks`: backtests on recorded candles.

backtest_reference  a moving-average cross with a stop on one market, candles alone, beside
                    backtesting.py: the trades of both are compared one by one, and where one
                    differs the run does not count. Ours is the whole replay: reading, checking,
                    all engines, fusion, portfolio, a tick a candle, and the start of its process.
                    Theirs is its `run()`; its data and averages are computed over whole arrays
backtest_ticks      four strategies, five assets, a tick of each every ten minutes, as the product
                    runs: what a tick costs, in candles of `technical_alone` on the same core; and
                    the most memory of a process over the span, and over ten times of it
"""

from __future__ import annotations

import asyncio
import os
from statistics import median
from typing import Any

from benchmarks import peers, technical_alone
from benchmarks.job import Times
from benchmarks.machine import reserved_core
from benchmarks.recorded import FOLDER
from benchmarks.report import Goals, Result, SideFailedError, SkippedError, heading
from benchmarks.technical_alone import note
from benchmarks.throughput import Run
from benchmarks.workers.alone import Task
from benchmarks.workers.reference import Order, difference
from schemas.times import DAY_MS

NAME, TICKS = "backtest_reference", "backtest_ticks"
PEER = "backtesting.py"
GOALS = Goals({PEER: 2.5})
MOST_CANDLES = 35.0
MOST_GROWTH = 1.1
_FROM_MS = 1_640_995_200_000
"""2022-01-01, UTC."""
_CYCLE_MS = 600_000
_ASSETS = 5


async def measure(*, quick: bool) -> Result:
    """Trade the reference strategy by both, in turn."""
    heading(NAME, "a cross with a stop on hourly candles, and the same trades")
    if not FOLDER.is_dir():
        raise SkippedError(technical_alone.NO_CANDLES)
    return await asyncio.to_thread(_measure, quick)


def _measure(quick: bool) -> Result:
    missing = peers.missing("backtesting", install=not quick)
    days, repetitions = (30, 1) if quick else (730, 3)
    runs: dict[str, list[Run]] = {"ours": [], PEER: []}
    trades = 0
    with reserved_core() as core:
        order = Order(
            *(str(FOLDER.parent), "BTC", "1h", _FROM_MS, _FROM_MS + days * DAY_MS, core)
        )._asdict()
        for _ in range(repetitions):
            ours = peers.report_of("reference_ours", order)
            trades = len(ours["trades"])
            _note(runs, "ours", ours, f"{trades} trades")
            if missing is None:
                theirs = peers.report_of("reference_backtesting", order, of_peer=True)
                if wrong := difference(ours["trades"], theirs["trades"]):
                    raise SideFailedError(wrong)
                _note(runs, PEER, theirs, "the same trades")
    rates = {side: round(median(run.rate for run in of)) for side, of in runs.items() if of}
    ratios = {PEER: round(rates["ours"] / rates[PEER], 3)} if PEER in rates else {}
    found: dict[str, float | str] = {PEER: missing or rates[PEER]}
    text = f"{trades} trades, each the same" if ratios else f"{trades} trades"
    return Result(
        *(NAME, rates["ours"], "candles/s", str(GOALS), GOALS.met(ratios), found, ratios),
        {side: [round(run.rate) for run in of] for side, of in runs.items()},
        text,
    )


def _note(runs: dict[str, list[Run]], side: str, found: dict[str, Any], text: str) -> None:
    """Keep a run by its processor time: both wait for nothing but their core."""
    times = Times(**found["times"])
    note(runs, side, Run(found["candles"], Times(times.cpu_s, times.cpu_s, 0.0)), text)


async def ticks(*, quick: bool) -> Result:
    """Measure what a tick costs, and whether memory grows with the span."""
    heading(TICKS, "five assets, four strategies, a tick of each asset every ten minutes")
    if not FOLDER.is_dir():
        raise SkippedError(technical_alone.NO_CANDLES)
    return await asyncio.to_thread(_ticks, quick)


def _ticks(quick: bool) -> Result:
    days = 1 if quick else 18
    core = max(os.sched_getaffinity(0))
    costs, short_mib, long_mib = [], 0.0, 0.0
    for _ in range(1 if quick else 3):
        short, long = _replayed(days, core), _replayed(10 * days, core)
        report = technical_alone.run_side("ours", Task(300 if quick else None, core))
        candle_s = report["times"]["cpu_s"] / report["candles"]
        # The difference of both spans: without the start, and the candles before the first tick.
        tick_s = (long["cpu_s"] - short["cpu_s"]) / (9 * days * DAY_MS // _CYCLE_MS * _ASSETS)
        costs.append(tick_s / candle_s)
        short_mib, long_mib = short["peak_mib"], long["peak_mib"]
        print(
            f"  a tick {tick_s * 1e3:.3f} ms, a candle {candle_s * 1e6:.1f} us: {costs[-1]:.1f}; "
            f"{short_mib:.0f} MiB over {days} days, {long_mib:.0f} MiB over {10 * days}",
            flush=True,
        )
    cost, growth = round(median(costs), 1), round(long_mib / short_mib, 3)
    return Result(
        *(TICKS, cost, "candles of technical_alone a tick", f"<= {MOST_CANDLES:.0f}, memory flat"),
        cost <= MOST_CANDLES and growth <= MOST_GROWTH,
        {},
        {},
        {"costs": [round(one, 1) for one in costs], "peak_mib": [short_mib, long_mib]},
        f"{short_mib:.0f} MiB over {days} days, {long_mib:.0f} MiB over {10 * days}",
    )


def _replayed(days: int, core: int) -> dict[str, Any]:
    order = {
        "directory": str(FOLDER.parent),
        "start_ms": _FROM_MS,
        "until_ms": _FROM_MS + days * DAY_MS,
        "cycle_ms": _CYCLE_MS,
        "jobs": 1,
        "cores": [core],
        "is_brief": True,
    }
    return peers.report_of("replaying", order)
