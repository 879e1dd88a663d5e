"""The equity of one strategy over time, with what was put in and taken out removed. Pure.

growth    product of (equity - flow) / equity before over the records, 1 at the first; a flow is
          the change of the invested capital; a reset, or a record after nothing was left, begins
          anew: it changes no growth
drawdown  1 - growth / the highest growth so far

This is the time-weighted return (each period weighs the same, however much money was in it), so
that a deposit is no gain and a withdrawal no loss. It starts at the first record: what a portfolio
paid before it, within its first cycle, is not in it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

from schemas.signals import PortfolioEquity


class Growth:
    """The growth and drawdown so far; takes records in their order, remembers a few numbers.

    growth     1 before anything happened; 0 when all is lost
    drawdown   the newest, 0 to 1; `deepest` is the most so far
    """

    __slots__ = ("_equity_usd", "_invested_usd", "deepest", "drawdown", "growth", "highest")

    def __init__(self) -> None:
        self.growth = self.highest = 1.0
        self.drawdown = self.deepest = 0.0
        self._equity_usd = self._invested_usd = 0.0

    def take(self, now: PortfolioEquity) -> None:
        """Take the next record of the strategy."""
        before_usd, flow_usd = self._equity_usd, now.invested_usd - self._invested_usd
        self._equity_usd, self._invested_usd = now.equity_usd, now.invested_usd
        if now.kind == "reset" or not before_usd > 0.0:
            return
        self.growth *= (now.equity_usd - flow_usd) / before_usd
        self.highest = max(self.highest, self.growth)
        self.drawdown = 1.0 - self.growth / self.highest
        self.deepest = max(self.deepest, self.drawdown)


@dataclass(frozen=True, slots=True)
class EquityCurve:
    """The records of equity of one strategy as columns, in their order: 48 bytes a record.

    at_ms          ms since 1970 UTC, never falling
    equity_usd     cash and positions
    invested_usd   capital put in less what was taken out, since the last reset
    positions_usd  of the equity, what is in positions
    growth         time-weighted, 1 at the first record
    drawdown       0 to 1
    last           the newest record, with its open positions; None of an empty curve
    """

    at_ms: array[int]
    equity_usd: array[float]
    invested_usd: array[float]
    positions_usd: array[float]
    growth: array[float]
    drawdown: array[float]
    last: PortfolioEquity | None

    def __len__(self) -> int:
        return len(self.at_ms)


class EquityRecorder:
    """Collects the records of one strategy while a replay runs; `curve()` gives what came."""

    def __init__(self) -> None:
        self._growth = Growth()
        self._at_ms = array("q")
        self._columns = tuple(array("d") for _ in range(5))
        self._last: PortfolioEquity | None = None

    def take(self, now: PortfolioEquity) -> None:
        """Take the next record."""
        growth = self._growth
        growth.take(now)
        self._last = now
        self._at_ms.append(now.as_of)
        equity, invested, positions, grown, drawdown = self._columns
        equity.append(now.equity_usd)
        invested.append(now.invested_usd)
        positions.append(now.positions_usd)
        grown.append(growth.growth)
        drawdown.append(growth.drawdown)

    def curve(self) -> EquityCurve:
        """Return the curve so far; it grows with what is taken later, so take it at the end."""
        equity, invested, positions, grown, drawdown = self._columns
        return EquityCurve(self._at_ms, equity, invested, positions, grown, drawdown, self._last)


def curve_of(records: Iterable[PortfolioEquity]) -> EquityCurve:
    """Return the curve of the records of one strategy, oldest first."""
    recorder = EquityRecorder()
    for one in records:
        recorder.take(one)
    return recorder.curve()
