"""`strategies_alone`: how many strategies a core decides a second, beside backtesting.py's loop.

Ours: each of the four pre-built strategies at every recorded candle, as fusion decides it, its
features computed before the clock runs. backtesting.py: its own run over the same files, the loop
and the indicators that `technical_alone` gives it, where a strategy that trades nothing is called
once a candle. Each in a process of its own, bound to one core.
"""

from __future__ import annotations

import asyncio
from statistics import median

from benchmarks import peers, technical_alone
from benchmarks.job import Times
from benchmarks.machine import reserved_core
from benchmarks.report import Goals, Result, SideFailedError, SkippedError, heading
from benchmarks.technical_alone import NO_CANDLES, note, run_side
from benchmarks.throughput import Run
from benchmarks.workers.alone import Task

NAME = "strategies_alone"
UNIT = "decisions/s"
PEER = "backtesting.py"
GOALS = Goals({PEER: 2.0})
_LIMIT, _LIMIT_QUICK = 900, 250
"""Candles of each market; theirs are all, which is its best."""


async def measure(*, quick: bool) -> Result:
    """Run both sides in turn, some times over."""
    heading(NAME, "the four strategies at recorded candles")
    return await asyncio.to_thread(_measure, quick)


def _measure(quick: bool) -> Result:
    try:
        from benchmarks.recorded import bars

        limit, repetitions = (_LIMIT_QUICK, 1) if quick else (None, 3)
        candles = len(bars(limit))
    except ImportError as error:
        msg = f"pyarrow is not installed: {error}"
        raise SkippedError(msg) from error
    if not candles:
        raise SkippedError(NO_CANDLES)
    missing = peers.missing(technical_alone.SIDES[PEER][1] or "", install=not quick)
    runs: dict[str, list[Run]] = {"ours": [], PEER: []}
    with reserved_core() as core:
        print(f"  {'side':<17}{'wall s':>9}{'cpu s':>9}{'lost s':>9}{'a second':>14}")
        for _ in range(repetitions):
            order = Task(_LIMIT_QUICK if quick else _LIMIT, core)._asdict()
            found = peers.report_of("strategies_ours", order)
            run = Run(found["evaluations"], Times(**found["times"]))
            note(runs, "ours", run, f"{found['actions']['BUY']:,} would BUY")
            if missing is None:
                _peer(runs, Task(limit, core), candles)
    return _result(runs, missing)


def _peer(runs: dict[str, list[Run]], order: Task, candles: int) -> None:
    try:
        times = Times(**run_side(PEER, order)["times"])
    except SideFailedError as error:
        print(f"  {PEER:<17} failed: {error}", flush=True)
        return
    note(runs, PEER, Run(candles, times), "candles")


def _result(runs: dict[str, list[Run]], missing: str | None) -> Result:
    ours = round(median(run.rate for run in runs["ours"]))
    theirs = round(median(run.rate for run in runs[PEER])) if runs[PEER] else None
    ratios = {} if theirs is None else {PEER: round(ours / theirs, 2)}
    return Result(
        NAME,
        ours,
        UNIT,
        str(GOALS),
        GOALS.met(ratios),
        {PEER: missing or theirs or "failed"},
        ratios,
        {side: [round(run.rate) for run in of_side] for side, of_side in runs.items()},
        f"{PEER}: candles a second of its own loop, with one strategy that trades nothing",
    )
