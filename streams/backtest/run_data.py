"""What a report is made of: a run and its strategies, collected by who ran or recorded them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from schemas.control import Strategy
from schemas.signals import Contribution, PortfolioTrade
from streams.backtest.equity import EquityCurve


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Where the numbers come from; it stands in the report as it is.

    kind            "backtest" or "live"
    command         the command that makes this report again; "" of a live record
    source          what was read: a directory, an archive or topics
    code_version    of this project
    settings        the digest of all constants
    from_ms, until_ms  the span asked for, ms since 1970 UTC
    assets          all that were run
    engines_absent  engines that had no data in the whole run
    gaps            holes in the data, a sentence each
    notes           anything else a reader should know, a sentence each
    look_ahead      what of the run may have known its future, a sentence each; () nothing known
    chosen_today    True where the assets were picked knowing which did well (survivorship)
    fee_bps, slippage_bps  what a benchmark pays for each purchase and sale, in basis points of its
                    value: the run's fee, and half the spread with the slippage
    """

    kind: str = "backtest"
    command: str = ""
    source: str = ""
    code_version: str = ""
    settings: str = ""
    from_ms: int
    until_ms: int
    assets: tuple[str, ...] = ()
    engines_absent: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    look_ahead: tuple[str, ...] = ()
    chosen_today: bool = True
    fee_bps: float = 10.0
    slippage_bps: float = 10.0


class Bar(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A closed candle; `at_ms` is when it closed, so when it was known, in ms since 1970 UTC."""

    at_ms: int
    open_usd: float
    high_usd: float
    low_usd: float
    close_usd: float


class Prices(msgspec.Struct, frozen=True):
    """Closed candles of an asset, oldest first; () where there are none.

    daily   from 30 days before the run where they exist, so that the regime is known from its start
    hourly  of the run
    """

    daily: tuple[Bar, ...] = ()
    hourly: tuple[Bar, ...] = ()


@dataclass(frozen=True, slots=True)
class StrategyRun:
    """One strategy of a run.

    strategy       its newest version
    trades         all fills of its model portfolio, in their order
    equity         `EquityRecorder.curve()` or `curve_of(records)`
    contributions  of the signals that bought, by `signal_id`; others are not looked at
    """

    strategy: Strategy
    trades: tuple[PortfolioTrade, ...]
    equity: EquityCurve
    contributions: Mapping[str, tuple[Contribution, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunData:
    """A run: all that `make_report` needs.

    strategies       in any order, each id once
    prices           by asset
    trials           how many settings were tried to find these strategies, 1 where none were: the
                     best of many is good by luck, which the deflated Sharpe takes off
    trials_variance  of the trials' daily Sharpe ratios (not annualised); None: not known, then as
                     if none of them could do anything
    seed             of all that is drawn
    """

    info: RunInfo
    strategies: tuple[StrategyRun, ...]
    prices: Mapping[str, Prices] = field(default_factory=dict)
    trials: int = 1
    trials_variance: float | None = None
    seed: int = 1
