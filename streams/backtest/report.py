"""The report of a run: figures, tables and doubts of each strategy. Pure.

`contents` says what stands in it, `run_data` what it is made of, docs/backtest.md the formulas.
"""

from __future__ import annotations

import numpy as np

from streams.backtest import breakdown, daily, doubts, metrics
from streams.backtest.benchmarks import benchmarks, bought_share, price_growth
from streams.backtest.contents import Moment, Report, StrategyReport
from streams.backtest.daily import Days, days_of
from streams.backtest.round_trips import RESET, open_trades, round_trips
from streams.backtest.run_data import RunData, StrategyRun
from streams.backtest.significance import intervals, random_entry, significance

ROLLING_DAYS = 90


def make_report(run: RunData) -> Report:
    """Return the report of a run; the same run gives the same report, in whatever order."""
    ordered = sorted(run.strategies, key=lambda one: one.strategy.strategy_id)
    return Report(
        info=run.info,
        strategies=tuple(strategy_report(run, one) for one in ordered),
        doubts=doubts.of_run(run.info),
    )


def strategy_report(run: RunData, one: StrategyRun) -> StrategyReport:
    """Return what a run says of one of its strategies, as if it were alone."""
    curve, days = one.equity, days_of(one.equity)
    assets = one.strategy.assets or run.info.assets
    all_trips = breakdown.with_regimes(round_trips(one.trades), run.prices)
    trips = tuple(trip for trip in all_trips if trip.exit_reason != RESET)
    drawdowns = daily.deepest(curve)
    found = metrics.of_strategy(curve, days, drawdowns, trips, one.trades)
    grown = price_growth(run.prices, assets, days.at_ms)
    held = benchmarks(run.info, grown, days.at_ms)
    share = bought_share(run.info)
    holding_pct = {name: 100.0 * (float(line[-1]) * share - 1.0) for name, line in grown.items()}
    sure = significance(days.returns, run.trials, run.trials_variance)
    from_ms, until_ms = (curve.at_ms[0], curve.at_ms[-1]) if len(curve) else (None, None)
    by_chance = None
    if from_ms is not None and until_ms is not None:
        by_chance = random_entry(trips, run.prices, from_ms, until_ms, run.seed)
    opened = open_trades(curve.last)
    return StrategyReport(
        strategy_id=one.strategy.strategy_id,
        name=one.strategy.name,
        version=one.strategy.version,
        assets=assets,
        from_ms=from_ms,
        until_ms=until_ms,
        metrics=found,
        intervals=intervals(days.returns, trips, run.seed),
        significance=sure,
        random_entry=by_chance,
        benchmarks=held,
        equity=daily.closes(curve, days),
        drawdowns=drawdowns,
        monthly=daily.months(days),
        yearly=daily.years(days),
        rolling_sharpe=_rolling(days),
        daily_returns=daily.histogram(100.0 * days.returns),
        trade_returns=daily.histogram(np.asarray([trip.return_pct for trip in trips])),
        trades=all_trips,
        open_trades=opened,
        by_engine=breakdown.by_engine(trips, one.contributions),
        by_asset=breakdown.by_asset(trips, holding_pct),
        by_regime=breakdown.by_regime(trips),
        by_hour=breakdown.by_hour(trips),
        doubts=doubts.of_strategy(found, trips, opened, held, sure, by_chance),
    )


def _rolling(days: Days) -> tuple[Moment, ...]:
    if days.returns.size < ROLLING_DAYS:
        return ()
    windows = np.lib.stride_tricks.sliding_window_view(days.returns, ROLLING_DAYS)
    ratios = metrics.sharpe(windows).tolist()
    ends = days.at_ms[ROLLING_DAYS:].tolist()
    return tuple(
        Moment(at_ms, metrics.number(ratio)) for at_ms, ratio in zip(ends, ratios, strict=True)
    )
