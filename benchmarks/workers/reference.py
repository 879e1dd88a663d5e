"""The reference strategy as both sides of `backtest_reference` trade it, and the candles they see.

A moving average of 20 candles crosses that of 50, with a stop at a percentage below the price that
the entry was decided at. The fill rule is ours where there is no book: what is decided is filled at
the price of the asset's next tick, an hour later with hourly candles. Costs are a fee alone, for
backtesting.py knows a spread at entries only. A purchase is 2 % of the equity.
"""

from __future__ import annotations

import json
import os
import sys
from math import isclose
from typing import Any, NamedTuple

from benchmarks.job import Times
from benchmarks.workers import RESULT

CAPITAL_USD = 50_000.0
FAST, SLOW = 20, 50
STOP_PCT = 3.0
FEE_SHARE = 0.001
SHARE = 0.02
UNIT = 1e-8
"""The smallest part of a coin that backtesting.py trades here: its orders are whole numbers."""


class Order(NamedTuple):
    """Candles of `asset` at `timeframe` in `directory`, from a start to an end.

    Ticks are made of hourly candles, so without those of 1h we trade nothing.
    core  the only one to use, None: any
    """

    directory: str
    asset: str
    timeframe: str
    start_ms: int
    until_ms: int
    core: int | None = None


class RoundTrip(NamedTuple):
    """A closed trade; times are those of the prices that filled it, in ms."""

    entered_at: int
    left_at: int
    entry_price_usd: float
    exit_price_usd: float
    size: float
    reason: str


def order() -> Order:
    """Return this process's order, after binding the process to its core."""
    given = Order(**json.loads(sys.argv[1]))
    if given.core is not None:
        os.sched_setaffinity(0, {given.core})
    return given


def difference(ours: list[list[Any]], theirs: list[list[Any]]) -> str | None:
    """Return what is the first that differs between two lists of round trips, None: nothing.

    Times to the millisecond that a tick comes after the close, prices exactly but for rounding,
    sizes to the parts of a coin that backtesting.py trades.
    """
    for number, (one, other) in enumerate(zip(ours, theirs, strict=False), start=1):
        mine, its = RoundTrip(*one), RoundTrip(*other)
        equal = (
            mine.entered_at - its.entered_at in (0, 1)
            and mine.left_at - its.left_at in (0, 1)
            and isclose(mine.entry_price_usd, its.entry_price_usd, rel_tol=1e-9)
            and isclose(mine.exit_price_usd, its.exit_price_usd, rel_tol=1e-9)
            and isclose(mine.size, its.size, rel_tol=1e-5)
            and mine.reason == its.reason
        )
        if not equal:
            return f"trade {number} is {mine} here and {its} there"
    if len(ours) != len(theirs):
        return f"{len(ours)} trades here, {len(theirs)} there"
    return None


def report(times: Times, candles: int, trades: list[RoundTrip]) -> None:
    """Report what came of a run, and end the process."""
    found = {"times": times._asdict(), "candles": candles, "trades": trades}
    sys.stdout.write(f"\n{RESULT}{json.dumps(found)}\n")
    sys.stdout.flush()
    os._exit(0)
