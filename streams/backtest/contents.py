"""What stands in a report. The formulas are in docs/backtest.md.

Everywhere: `_pct` is in percent, `_usd` in USD, `_ms` in ms since 1970 UTC; None is what cannot be
told from what is there, and no number is NaN or infinite. "Trades" are round trips, from a purchase
to the sale of it all, without those that a reset closed, unless a field says otherwise.
"""

from __future__ import annotations

import msgspec

from streams.backtest.round_trips import OpenTrade, RoundTrip
from streams.backtest.run_data import RunInfo


class Doubt(msgspec.Struct, frozen=True):
    """A reason not to believe the numbers: a stable `code`, and a sentence for people."""

    code: str
    text: str


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a strategy. Ratios are of daily returns at UTC midnight, 365 days a year.

    days                   daily returns there are
    max_drawdown_pct       the deepest fall of all records of equity, 0 or above
    max_drawdown_days      from the high before it to the recovery, or to the end
    longest_drawdown_days  the longest time below an earlier high
    calmar                 CAGR by the deepest fall of the daily closes
    best_day_pct, worst_day_pct, skew, kurtosis  of the daily returns; kurtosis of a normal is 3
    profit_usd             of the trades, after fees; what is still open is not in it
    profit_factor          gross profit by gross loss; None without a loss
    average_win_*, average_loss_*  losses are below 0
    sqn                    system quality number: sqrt(trades) * mean / deviation of the profits
    turnover               purchases and sales in a year, halved, by the mean equity
    fees_usd               of all fills, those of resets too
    exposure_pct           mean over time of the share of the equity in positions
    time_in_market_pct     share of the time with any position
    """

    days: int
    total_return_pct: float | None
    cagr_pct: float | None
    volatility_pct: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown_pct: float | None
    max_drawdown_days: float | None
    longest_drawdown_days: float | None
    best_day_pct: float | None
    worst_day_pct: float | None
    skew: float | None
    kurtosis: float | None
    trades: int
    won: int
    win_rate_pct: float | None
    profit_usd: float
    profit_factor: float | None
    expectancy_usd: float | None
    expectancy_pct: float | None
    average_win_usd: float | None
    average_loss_usd: float | None
    average_win_pct: float | None
    average_loss_pct: float | None
    average_hours: float | None
    sqn: float | None
    turnover: float | None
    fees_usd: float
    exposure_pct: float | None
    time_in_market_pct: float | None


class CurvePoint(msgspec.Struct, frozen=True, gc=False):
    """The close of a day, UTC midnight or the end.

    growth        time-weighted, 1 at the first record
    drawdown_pct  below the highest of all records so far, 0 or above
    exposure_pct  share of the equity in positions at that moment; None without equity
    """

    at_ms: int
    growth: float
    equity_usd: float
    invested_usd: float
    drawdown_pct: float
    exposure_pct: float | None


class Moment(msgspec.Struct, frozen=True, gc=False):
    """A value at a moment."""

    at_ms: int
    value: float | None


class PeriodReturn(msgspec.Struct, frozen=True, gc=False):
    """The return of a calendar month or year in UTC; `month` is 0 for a year."""

    year: int
    month: int
    return_pct: float


class Drawdown(msgspec.Struct, frozen=True, gc=False):
    """A fall below a high. `recovered_ms` is None where it lasts at the end.

    days  from the high to the recovery, or to the end
    """

    high_ms: int
    lowest_ms: int
    recovered_ms: int | None
    depth_pct: float
    days: float


class Bin(msgspec.Struct, frozen=True, gc=False):
    """How many values are at least `low_pct` and below `high_pct`."""

    low_pct: float
    high_pct: float
    count: int


class Group(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Trades that have something in common: an asset, a regime, an hour of the entry in UTC.

    name         BTC; up, down, sideways, unknown; 00 to 23
    holding_pct  of an asset: what holding it brought over the run after the cost of one purchase;
                 None of others, and without prices
    """

    name: str
    trades: int
    won: int
    win_rate_pct: float | None
    profit_usd: float
    average_pct: float | None
    average_hours: float | None
    holding_pct: float | None = None


class EnginePart(msgspec.Struct, frozen=True, gc=False):
    """The part of an engine in the profit of all trades.

    engine  its name; "rule": a rule bought, not the scores; "unknown": the contributions are not
            known, or their sum is not above 0
    trades  in which it had a part
    """

    engine: str
    trades: int
    profit_usd: float


class Interval(msgspec.Struct, frozen=True, gc=False):
    """The range that holds `level_pct` of the bootstrap's values of a figure of `Metrics`."""

    name: str
    low: float
    high: float
    level_pct: float


class Significance(msgspec.Struct, frozen=True, gc=False):
    """How likely it is that the Sharpe ratio is above 0 (Bailey & Lopez de Prado).

    probabilistic    0 to 1: that the true Sharpe is above 0, for one strategy that was not picked
    deflated         0 to 1: that it is above the best of `trials` strategies without any skill
    best_by_luck     that best one's expected Sharpe, annualised
    """

    probabilistic: float | None
    deflated: float | None
    trials: int
    best_by_luck: float | None


class RandomEntry(msgspec.Struct, frozen=True, gc=False):
    """The same trades at random moments: as many of each asset, as long, of as much, at that cost.

    profit_usd  of the strategy's trades that have prices, which `trades` counts
    mean_usd, low_usd, high_usd  profits of the draws: mean, 5th and 95th percentile
    percentile              share of the draws that the strategy beat, in percent; ties count half
    """

    draws: int
    trades: int
    profit_usd: float
    mean_usd: float
    low_usd: float
    high_usd: float
    percentile: float


class Benchmark(msgspec.Struct, frozen=True, gc=False):
    """What holding the strategy's assets over the same days came to.

    name   "holding": bought in equal parts at the start, never sold; "equal weight": the same,
           brought back to equal parts at the first daily close of each month. Both pay fee and
           slippage for what they buy and sell; neither sells at the end.
    curve  growth at daily closes, 1 at the start before costs
    """

    name: str
    assets: tuple[str, ...]
    total_return_pct: float
    cagr_pct: float | None
    volatility_pct: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown_pct: float
    curve: tuple[Moment, ...]


class StrategyReport(msgspec.Struct, frozen=True, kw_only=True):
    """All of one strategy.

    from_ms, until_ms  first and last record of equity; None without any
    equity             at daily closes, the first record first
    rolling_sharpe     of the 90 days before each day; a value is None where nothing moved
    drawdowns          the ten deepest of all records of equity, deepest first
    daily_returns, trade_returns  histograms; () without values
    trades             all round trips in order of their exits, those that a reset closed too
    by_engine          by name; profits sum to that of all trades, as in the other groups
    """

    strategy_id: str
    name: str
    version: int
    assets: tuple[str, ...]
    from_ms: int | None
    until_ms: int | None
    metrics: Metrics
    intervals: tuple[Interval, ...]
    significance: Significance
    random_entry: RandomEntry | None
    benchmarks: tuple[Benchmark, ...]
    equity: tuple[CurvePoint, ...]
    drawdowns: tuple[Drawdown, ...]
    monthly: tuple[PeriodReturn, ...]
    yearly: tuple[PeriodReturn, ...]
    rolling_sharpe: tuple[Moment, ...]
    daily_returns: tuple[Bin, ...]
    trade_returns: tuple[Bin, ...]
    trades: tuple[RoundTrip, ...]
    open_trades: tuple[OpenTrade, ...]
    by_engine: tuple[EnginePart, ...]
    by_asset: tuple[Group, ...]
    by_regime: tuple[Group, ...]
    by_hour: tuple[Group, ...]
    doubts: tuple[Doubt, ...]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A run and its strategies, by id. `doubts` are those of the run, true of every strategy."""

    info: RunInfo
    strategies: tuple[StrategyReport, ...]
    doubts: tuple[Doubt, ...]
