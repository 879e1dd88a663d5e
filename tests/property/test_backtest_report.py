"""What holds of every report: sums, products, and that order does not matter."""

from __future__ import annotations

from math import fsum, isfinite, prod
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.signals import Contribution, PortfolioEquity
from streams.backtest.equity import EquityCurve, Growth, curve_of
from streams.backtest.metrics import max_drawdown
from streams.backtest.report import make_report
from streams.backtest.run_data import RunData, StrategyRun
from tests.backtests import daily_curve, equity, fill, info, prices, trip
from tests.factories import strategy

_KINDS = st.sampled_from(["cycle", "cycle", "cycle", "deposit", "withdrawal", "reset"])
_STEP = st.tuples(st.floats(0.01, 9.0), _KINDS, st.floats(-0.9, 2.0), st.floats(0.0, 0.9))


@st.composite
def curves(draw: Any) -> EquityCurve:
    """A curve with flows and resets, over up to some years; sometimes all is lost."""
    return curve_of(draw(_records()))


@st.composite
def _records(draw: Any) -> list[PortfolioEquity]:
    day, worth, invested = draw(st.floats(0.0, 40.0)), 1000.0, 1000.0
    found = [equity(day, worth)] if draw(st.booleans()) else []
    for passed, kind, gain, share in draw(st.lists(_STEP, max_size=25)):
        day += passed
        worth *= 1.0 + gain
        if kind == "deposit":
            worth, invested = worth + 500.0, invested + 500.0
        elif kind == "withdrawal":
            taken = share * worth
            worth, invested = worth - taken, invested - taken
        elif kind == "reset":
            worth = invested = 2000.0
        changes = {"kind": kind, "invested_usd": invested, "positions_usd": share * worth}
        found.append(equity(day, worth, **changes))
    if draw(st.booleans()):
        found.append(equity(day + 1.0, 0.0, invested_usd=invested))
    return found


_TRIP = st.tuples(
    st.integers(0, 400),
    st.floats(-100.0, 1e4),
    st.floats(0.01, 30.0),
    st.sampled_from(["BTC", "ETH", "SOL"]),
    st.sampled_from(["thresholds", "stop_loss", "reset"]),
)
_PARTS = st.lists(st.floats(-1.0, 1.0), min_size=0, max_size=3)
_PRICES = {
    "BTC": prices([100.0 + day % 50 for day in range(500)]),
    "ETH": prices([100.0 + day % 7 for day in range(3000)], hourly=True),
}


@st.composite
def runs(draw: Any) -> StrategyRun:
    """A strategy with any trades, contributions and curve."""
    trades, known = [], {}
    for day, profit, days, asset, reason in draw(st.lists(_TRIP, max_size=25)):
        entry, sale = trip(day, profit, days, asset, reason=reason)
        trades += [entry, sale]
        parts = enumerate(draw(_PARTS))
        known[entry.signal_id] = tuple(
            Contribution(f"engine {place}", "ok", one, 1.0, 1.0, one) for place, one in parts
        )
    if draw(st.booleans()):
        trades.append(fill("buy", 500.0))
    name = draw(st.sampled_from("abcdefgh"))
    return StrategyRun(strategy(name), tuple(trades), draw(curves()), known)


@given(st.lists(runs(), max_size=3, unique_by=lambda one: one.strategy.strategy_id), st.randoms())
@settings(max_examples=15)
def test_the_order_of_strategies_and_prices_changes_nothing(
    several: list[StrategyRun], shuffler: Any
) -> None:
    made = make_report(RunData(info(), tuple(several), _PRICES))
    shuffled = list(several)
    shuffler.shuffle(shuffled)
    turned = dict(reversed(_PRICES.items()))
    assert make_report(RunData(info(), tuple(shuffled), turned)) == made
    for one in several:
        alone = make_report(RunData(info(), (one,), _PRICES)).strategies[0]
        assert alone in made.strategies


@given(runs())
@settings(max_examples=40)
def test_parts_sum_to_the_profit_and_months_compound_to_the_return(one: StrategyRun) -> None:
    found = make_report(RunData(info(), (one,), _PRICES)).strategies[0]
    total = found.metrics.profit_usd
    close = pytest.approx(total, rel=1e-9, abs=1e-6)
    for groups in (found.by_asset, found.by_regime, found.by_hour):
        assert fsum(part.profit_usd for part in groups) == close
        assert sum(part.trades for part in groups) == found.metrics.trades
    size = fsum(abs(part.profit_usd) for part in found.by_engine)
    by_engine = fsum(part.profit_usd for part in found.by_engine)
    assert by_engine == pytest.approx(total, abs=1e-6 + 1e-9 * size)
    if found.monthly:
        whole = pytest.approx(1.0 + (found.metrics.total_return_pct or 0.0) / 100.0)
        assert prod(1.0 + period.return_pct / 100.0 for period in found.monthly) == whole
        assert prod(1.0 + period.return_pct / 100.0 for period in found.yearly) == whole
    assert sum(one.count for one in found.daily_returns) == found.metrics.days


@given(runs())
@settings(max_examples=40)
def test_every_number_is_finite(one: StrategyRun) -> None:
    report = make_report(RunData(info(), (one,), _PRICES, trials=50))
    seen = _numbers(msgspec.to_builtins(report))
    assert all(isfinite(value) for value in seen)
    assert msgspec.json.decode(msgspec.json.encode(report), type=type(report)) == report


def _numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [one for part in value for one in _numbers(part)]
    return [value] if isinstance(value, float) else []


@given(st.lists(st.floats(1.0, 1e6), min_size=2, max_size=60))
def test_the_running_drawdown_is_that_of_the_returns(values: list[float]) -> None:
    curve = daily_curve(values)
    running = Growth()
    for place, value in enumerate(values):
        running.take(equity(place, value))
    made = make_report(RunData(info(), (StrategyRun(strategy(), (), curve),))).strategies[0]
    assert made.metrics.max_drawdown_pct == pytest.approx(100.0 * running.deepest)
    returns = np.diff(values) / np.asarray(values[:-1])
    assert float(max_drawdown(returns)) == pytest.approx(running.deepest, abs=1e-9)
