"""What a sweep keeps of each trial. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas.signals import PortfolioEquity, PortfolioTrade
from schemas.times import DAY_MS
from streams.backtest import metrics
from streams.backtest.daily import days_of
from streams.backtest.equity import EquityRecorder

Metric = Callable[[Sequence[float]], float | None]


def total_return(returns: Sequence[float]) -> float:
    """Return the product of (1 + r), less 1."""
    return float(np.prod(1.0 + np.asarray(returns)) - 1.0)


def _told(of: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Metric:
    """Return a metric of daily returns that is None where there is nothing to tell."""
    return lambda returns: metrics.number(of(np.asarray(returns))) if len(returns) else None


METRICS: dict[str, Metric] = {
    "sharpe": _told(metrics.sharpe),
    "sortino": _told(metrics.sortino),
    "calmar": _told(metrics.calmar),
    "return": lambda returns: total_return(returns) if returns else None,
}
"""What a sweep may go by, of daily returns; more is better."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A choice that was tried, in a line of `trials.jsonl`.

    key           of the strategy and the data: `streams.backtest.sweep.key_of`
    data          the digest of the scores that it was tried on
    first_day_ms  UTC midnight of the day of `returns[0]`
    returns       of each UTC day (`streams.backtest.daily`), 0.01 is 1 %
    trades        closed ones, `won` of them with a profit; `fees_usd` of all
    """

    key: str
    data: str
    choice: dict[str, str]
    first_day_ms: int
    returns: tuple[float, ...]
    trades: int
    won: int
    fees_usd: float
    equity_usd: float | None


class Ledger:
    """Collects what a trial made."""

    def __init__(self) -> None:
        self._equity = EquityRecorder()
        self._trades = self._won = 0

    def take(self, event: object) -> None:
        """Take an equity or a trade; all else is left."""
        if isinstance(event, PortfolioEquity):
            self._equity.take(event)
        elif isinstance(event, PortfolioTrade) and event.profit_usd is not None:
            self._trades += 1
            self._won += event.profit_usd > 0.0

    def trial(self, key: str, data: str, choice: dict[str, str]) -> Trial:
        """Return the trial as it is kept."""
        curve = self._equity.curve()
        days, last = days_of(curve), curve.last
        return Trial(
            key=key,
            data=data,
            choice=choice,
            first_day_ms=int(days.at_ms[0]) // DAY_MS * DAY_MS if last is not None else 0,
            returns=tuple(days.returns.tolist()),
            trades=self._trades,
            won=self._won,
            fees_usd=0.0 if last is None else last.fees_usd,
            equity_usd=None if last is None else last.equity_usd,
        )
