"""What became of each strategy in a replay: how often it changed its mind, and what it made.

changes a day   changes of action / sum over assets of the days between first and last signal
return          growth of the equity, less 1, and
drawdown        the deepest fall of it: as a backtest's report has them (`streams.backtest.equity`)
holding         mean over assets of (last price / first price), less 1: bought in equal parts
                with the first signal of each and never sold, without costs
"""

from __future__ import annotations

from math import fsum

import msgspec

from schemas.signals import PortfolioEquity, PortfolioTrade, Signal
from schemas.times import DAY_MS
from streams.backtest.benchmarks import equal_parts
from streams.backtest.equity import Growth
from streams.backtest.round_trips import RESET
from streams.runner import Produced

ASKED = frozenset({"request", "dry_run"})
"""Triggers of what somebody asked for: it changes no action and trades nothing."""


class StrategyResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one strategy.

    signals    cycles and changes; answers to requests are not counted
    changes    signals with another action than the one before of the asset
    asset_days sum over assets of the days between their first and last signal
    return_pct, holding_pct, drawdown_pct   in percent, None where no equity or price came
    trades     closed ones, without those that a reset closed; `won` of them with a profit
    """

    strategy_id: str
    signals: int
    assets: tuple[str, ...]
    changes: int
    asset_days: float
    return_pct: float | None
    holding_pct: float | None
    drawdown_pct: float | None
    trades: int
    won: int

    @property
    def changes_per_day(self) -> float | None:
        """Changes of action per asset and day; None where no time passed."""
        return self.changes / self.asset_days if self.asset_days > 0.0 else None

    @property
    def win_rate_pct(self) -> float | None:
        """Share of the closed trades with a profit, in percent; None without any."""
        return 100.0 * self.won / self.trades if self.trades else None


class _OfAsset:
    """Action, moments and prices of a strategy in an asset."""

    __slots__ = ("action", "changes", "first_ms", "first_usd", "last_ms", "last_usd")

    def __init__(self, signal: Signal) -> None:
        self.action = signal.action
        self.first_ms = self.last_ms = signal.as_of
        self.first_usd = self.last_usd = signal.entry_price_usd
        self.changes = 0

    def take(self, signal: Signal) -> None:
        self.changes += signal.action != self.action
        self.action = signal.action
        self.last_ms = max(self.last_ms, signal.as_of)
        if signal.entry_price_usd is not None:
            self.last_usd = signal.entry_price_usd
            if self.first_usd is None:
                self.first_usd = signal.entry_price_usd


class _OfStrategy:
    def __init__(self) -> None:
        self.assets: dict[str, _OfAsset] = {}
        self.signals = self.trades = self.won = 0
        self.growth: Growth | None = None

    def equity(self, now: PortfolioEquity) -> None:
        if self.growth is None:
            self.growth = Growth()
        self.growth.take(now)

    def trade(self, one: PortfolioTrade) -> None:
        if one.profit_usd is not None and one.reason != RESET:
            self.trades += 1
            self.won += one.profit_usd > 0.0


class Performance:
    """Takes outputs in the order in which they come; memory: a few numbers a strategy and asset."""

    def __init__(self) -> None:
        self._strategies: dict[str, _OfStrategy] = {}

    def take(self, produced: Produced) -> None:
        """Take a signal, a trade or an equity; all else is left."""
        event = produced.event
        if isinstance(event, Signal):
            if event.trigger in ASKED:
                return
            found = self._of(event.strategy_id)
            found.signals += 1
            known = found.assets.get(event.asset)
            if known is None:
                found.assets[event.asset] = _OfAsset(event)
            else:
                known.take(event)
        elif isinstance(event, PortfolioTrade):
            self._of(event.strategy_id).trade(event)
        elif isinstance(event, PortfolioEquity):
            self._of(event.strategy_id).equity(event)

    def results(self) -> tuple[StrategyResult, ...]:
        """Return the result of each strategy, by its id."""
        return tuple(_result(name, self._strategies[name]) for name in sorted(self._strategies))

    def _of(self, strategy_id: str) -> _OfStrategy:
        return self._strategies.setdefault(strategy_id, _OfStrategy())


def _result(strategy_id: str, found: _OfStrategy) -> StrategyResult:
    assets = [found.assets[name] for name in sorted(found.assets)]
    held = [
        one.last_usd / one.first_usd
        for one in assets
        if one.first_usd is not None and one.last_usd is not None
    ]
    growth = found.growth
    return StrategyResult(
        strategy_id=strategy_id,
        signals=found.signals,
        assets=tuple(sorted(found.assets)),
        changes=sum(one.changes for one in assets),
        asset_days=fsum((one.last_ms - one.first_ms) / DAY_MS for one in assets),
        return_pct=None if growth is None else 100.0 * (growth.growth - 1.0),
        holding_pct=100.0 * (equal_parts(held) - 1.0) if held else None,
        drawdown_pct=None if growth is None else 100.0 * growth.deepest,
        trades=found.trades,
        won=found.won,
    )
