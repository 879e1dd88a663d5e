"""The figures of returns equal empyrical-reloaded's; those of trades are worked by hand."""

from __future__ import annotations

from math import isnan, sqrt
from typing import Any

import empyrical
import numpy as np
import pytest

from streams.backtest import metrics
from streams.backtest.daily import days_of, deepest
from streams.backtest.equity import EquityCurve, curve_of
from streams.backtest.round_trips import round_trips
from tests.backtests import daily_curve, equity, fill, trip

_RANDOM = np.random.default_rng(7)
SERIES = {
    "calm": _RANDOM.normal(0.001, 0.01, 400),
    "wild": _RANDOM.normal(0.0, 0.08, 900),
    "falling": _RANDOM.normal(-0.01, 0.02, 50),
    "two days": np.asarray([0.02, -0.01]),
    "rare": np.where(_RANDOM.random(300) < 0.02, 0.2, -0.001),
}


@pytest.mark.parametrize("name", SERIES)
@pytest.mark.parametrize(
    ("ours", "theirs", "sign"),
    [
        pytest.param(metrics.sharpe, "sharpe_ratio", 1.0, id="sharpe"),
        pytest.param(metrics.sortino, "sortino_ratio", 1.0, id="sortino"),
        pytest.param(metrics.calmar, "calmar_ratio", 1.0, id="calmar"),
        pytest.param(metrics.volatility, "annual_volatility", 1.0, id="volatility"),
        pytest.param(metrics.cagr, "annual_return", 1.0, id="cagr"),
        pytest.param(metrics.max_drawdown, "max_drawdown", -1.0, id="max drawdown"),
    ],
)
def test_as_empyrical(name: str, ours: Any, theirs: str, sign: float) -> None:
    returns = SERIES[name]
    settings = {} if theirs == "max_drawdown" else {"annualization": metrics.DAYS_A_YEAR}
    expected = sign * getattr(empyrical, theirs)(returns, **settings)
    assert float(ours(returns)) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_a_strategy_s_figures_are_empyrical_s_of_its_daily_returns() -> None:
    """Through the curve: closes at midnight, the total and the fall in percent."""
    returns = SERIES["calm"]
    found = _of(daily_curve(1000.0 * np.cumprod(np.append(1.0, 1.0 + returns))))
    assert found.days == 400
    assert found.total_return_pct == pytest.approx(100.0 * empyrical.cum_returns_final(returns))
    assert found.sharpe == pytest.approx(
        empyrical.sharpe_ratio(returns, annualization=365), rel=1e-9
    )
    assert found.max_drawdown_pct == pytest.approx(-100.0 * empyrical.max_drawdown(returns))
    assert found.cagr_pct == pytest.approx(
        100.0 * empyrical.annual_return(returns, annualization=365), rel=1e-9
    )


@pytest.mark.parametrize(
    "curve",
    [
        pytest.param(curve_of(()), id="no record"),
        pytest.param(daily_curve([1000.0]), id="one record"),
        pytest.param(daily_curve([1000.0, 1000.0, 1000.0]), id="flat"),
        pytest.param(daily_curve([1000.0, 1010.0]), id="one day"),
        pytest.param(daily_curve([1000.0, 0.0, 0.0, 500.0]), id="nothing left"),
        pytest.param(daily_curve([0.0, 0.0]), id="nothing from the start"),
        pytest.param(daily_curve([1.0, 1e12]), id="beyond all numbers a year"),
        pytest.param(daily_curve(1000.0 * 1.01 ** np.arange(50)), id="the same each day"),
    ],
)
def test_what_cannot_be_told_is_none(curve: EquityCurve) -> None:
    """No NaN, nothing infinite, and no Sharpe ratio out of rounding."""
    found = _of(curve)
    values = [getattr(found, name) for name in found.__struct_fields__]
    assert all(value is None or np.isfinite(value) for value in values)
    if found.worst_day_pct is None or found.worst_day_pct > -100.0:
        assert found.sharpe is None
    assert found.sortino is None or found.worst_day_pct == -100.0


def test_all_lost() -> None:
    found = _of(daily_curve([1000.0, 500.0, 0.0, 0.0]))
    assert (found.total_return_pct, found.cagr_pct, found.max_drawdown_pct) == (-100, -100, 100)


def test_figures_of_trades() -> None:
    """Three won (10, 20, 30), one lost (-15), one of 0."""
    trades = [
        one
        for day, profit in enumerate((10.0, 20.0, -15.0, 0.0, 30.0))
        for one in trip(2.0 * day, profit, days=day + 1.0)
    ]
    found = metrics.of_trips(round_trips(trades))
    assert (found["trades"], found["won"], found["win_rate_pct"]) == (5, 3, 60.0)
    assert found["profit_usd"] == 45.0
    assert found["profit_factor"] == pytest.approx(4.0)
    assert found["expectancy_usd"] == 9.0
    assert (found["average_win_usd"], found["average_loss_usd"]) == (20.0, -15.0)
    assert found["average_hours"] == 72.0
    deviation = sqrt((1 + 11**2 + 24**2 + 9**2 + 21**2) / 4)
    assert found["sqn"] == pytest.approx(sqrt(5) * 9.0 / deviation)


def test_trades_without_a_loss_have_no_profit_factor() -> None:
    found = metrics.of_trips(round_trips(trip(0, 10.0)))
    assert (found["profit_factor"], found["average_loss_usd"], found["sqn"]) == (None, None, None)


def test_time_in_market_exposure_and_turnover() -> None:
    """Half in positions for one of four days; 500 USD bought and sold of 1000 in 4 of 365 days."""
    curve = curve_of(
        [
            equity(0, 1000.0),
            equity(1, 1000.0, positions_usd=500.0),
            equity(2, 1000.0),
            equity(4, 1000.0),
        ]
    )
    trades = (fill("buy", 1, value_usd=500.0), fill("sell", 2, value_usd=500.0))
    found = metrics.of_strategy(curve, days_of(curve), (), (), trades)
    assert (found.exposure_pct, found.time_in_market_pct) == (12.5, 25.0)
    assert found.turnover == pytest.approx(0.5 * 365 / 4)
    assert found.fees_usd == pytest.approx(0.2)


def test_skew_and_kurtosis() -> None:
    skew, kurtosis = metrics.skew_and_kurtosis(_RANDOM.normal(0.0, 0.01, 200_000))
    assert skew == pytest.approx(0.0, abs=0.03)
    assert kurtosis == pytest.approx(3.0, abs=0.1)
    assert metrics.skew_and_kurtosis(np.zeros(5)) == (None, None)


def test_resamples_are_worked_out_as_one_series_is() -> None:
    rows = np.stack((SERIES["calm"], SERIES["calm"][::-1], np.zeros(400)))
    for figure in (metrics.sharpe, metrics.sortino, metrics.cagr, metrics.volatility):
        for row, value in zip(rows, figure(rows), strict=True):
            alone = float(figure(row))
            assert value == pytest.approx(alone) or (isnan(value) and isnan(alone))


def _of(curve: EquityCurve) -> Any:
    return metrics.of_strategy(curve, days_of(curve), deepest(curve), (), ())
