"""Figures of returns and of trades. Formulas: docs/backtest.md. Pure.

Of returns: the last axis is time, so that one function serves a strategy and a thousand resamples
of it; what cannot be told is NaN there, and None after `number`. Those of one strategy equal
empyrical-reloaded's with period 365 and no risk-free rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum, isfinite, sqrt
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from schemas.signals import PortfolioTrade
from schemas.times import DAY_MS
from streams.backtest.contents import Drawdown, Metrics
from streams.backtest.daily import Days, falls
from streams.backtest.equity import EquityCurve
from streams.backtest.round_trips import RoundTrip

Floats: TypeAlias = NDArray[np.float64]
DAYS_A_YEAR = 365
_STEADY = 1e-12  # a deviation below this part of the largest return is rounding


def number(value: Any, scale: float = 1.0) -> float | None:
    """Return a float, or None for what is not finite."""
    scaled = float(value) * scale
    return scaled if isfinite(scaled) else None


def deviation(returns: Floats) -> Floats:
    """Return the standard deviation (n - 1); 0 where it is nothing but rounding, NaN of < 2."""
    if returns.shape[-1] < 2:
        return np.full(returns.shape[:-1], np.nan)
    found = returns.std(axis=-1, ddof=1)
    return np.where(found > _STEADY * np.abs(returns).max(axis=-1), found, 0.0)


def sharpe(returns: Floats) -> Floats:
    """Return mean / deviation * sqrt(365); NaN where nothing varies."""
    return _by(returns.mean(axis=-1), deviation(returns)) * sqrt(DAYS_A_YEAR)


def sortino(returns: Floats) -> Floats:
    """Return mean * 365 / (sqrt(mean(min(r, 0)^2)) * sqrt(365)); NaN without a losing day."""
    downside = np.sqrt((np.minimum(returns, 0.0) ** 2).mean(axis=-1))
    return _by(returns.mean(axis=-1), downside) * sqrt(DAYS_A_YEAR)


def volatility(returns: Floats) -> Floats:
    """Return the deviation * sqrt(365), as a fraction."""
    return deviation(returns) * sqrt(DAYS_A_YEAR)


def cagr(returns: Floats) -> Floats:
    """Return product(1 + r)^(365 / days) - 1, as a fraction; NaN where it is beyond all numbers."""
    with np.errstate(over="ignore"):
        grown = np.prod(1.0 + returns, axis=-1) ** (DAYS_A_YEAR / returns.shape[-1]) - 1.0
    return np.where(np.isfinite(grown), grown, np.nan)


def max_drawdown(returns: Floats) -> Floats:
    """Return the deepest fall of the closes below their highest so far, 0 to 1."""
    growth = np.cumprod(1.0 + returns, axis=-1)
    highest = np.maximum(np.maximum.accumulate(growth, axis=-1), 1.0)
    return np.asarray((1.0 - growth / highest).max(axis=-1))


def calmar(returns: Floats) -> Floats:
    """Return CAGR / deepest fall of the closes; NaN where it never fell."""
    return _by(cagr(returns), max_drawdown(returns))


def skew_and_kurtosis(returns: Floats) -> tuple[float | None, float | None]:
    """Return m3 / m2^1.5 and m4 / m2^2 of the moments about the mean; None where none varies."""
    if returns.size < 2 or not float(deviation(returns)) > 0.0:
        return None, None
    apart = returns - returns.mean()
    second = (apart**2).mean()
    return number((apart**3).mean() / second**1.5), number((apart**4).mean() / second**2)


def of_returns(returns: Floats) -> dict[str, Any]:
    """Return the figures that a benchmark has too, by their names in `Metrics`."""
    if not returns.size:
        names = ("cagr_pct", "volatility_pct", "sharpe", "sortino", "calmar")
        return dict.fromkeys(names)
    return {
        "cagr_pct": number(cagr(returns), 100.0),
        "volatility_pct": number(volatility(returns), 100.0),
        "sharpe": number(sharpe(returns)),
        "sortino": number(sortino(returns)),
        "calmar": number(calmar(returns)),
    }


def of_trips(trips: Sequence[RoundTrip]) -> dict[str, Any]:
    """Return the figures of trades, by their names in `Metrics`."""
    profits = [one.profit_usd for one in trips]
    won = [one for one in trips if one.profit_usd > 0.0]
    lost = [one for one in trips if one.profit_usd < 0.0]
    loss_usd = -fsum(one.profit_usd for one in lost)
    won_usd = fsum(one.profit_usd for one in won)
    spread = float(deviation(np.asarray(profits)))
    expectancy_usd = mean(profits)
    sqn = None
    if expectancy_usd is not None and spread > 0.0:
        sqn = number(sqrt(len(profits)) * expectancy_usd / spread)
    return {
        "trades": len(trips),
        "won": len(won),
        "win_rate_pct": 100.0 * len(won) / len(trips) if trips else None,
        "profit_usd": fsum(profits),
        "profit_factor": number(won_usd / loss_usd) if loss_usd > 0.0 else None,
        "expectancy_usd": expectancy_usd,
        "expectancy_pct": mean([one.return_pct for one in trips]),
        "average_win_usd": mean([one.profit_usd for one in won]),
        "average_loss_usd": mean([one.profit_usd for one in lost]),
        "average_win_pct": mean([one.return_pct for one in won]),
        "average_loss_pct": mean([one.return_pct for one in lost]),
        "average_hours": mean([one.hours for one in trips]),
        "sqn": sqn,
    }


def of_strategy(
    curve: EquityCurve,
    days: Days,
    drawdowns: Sequence[Drawdown],
    trips: Sequence[RoundTrip],
    trades: Sequence[PortfolioTrade],
) -> Metrics:
    """Return all figures of a strategy; `trips` without those that a reset closed."""
    returns = days.returns
    skew, kurtosis = skew_and_kurtosis(returns)
    exposure, in_market = _exposure(curve)
    longest = falls(curve)
    deepest = drawdowns[0].days if drawdowns else 0.0
    return Metrics(
        days=returns.size,
        total_return_pct=100.0 * (curve.growth[-1] - 1.0) if len(curve) else None,
        max_drawdown_pct=100.0 * max(curve.drawdown) if len(curve) else None,
        max_drawdown_days=deepest if len(curve) else None,
        longest_drawdown_days=longest.longest_ms / DAY_MS if len(curve) else None,
        best_day_pct=number(returns.max(), 100.0) if returns.size else None,
        worst_day_pct=number(returns.min(), 100.0) if returns.size else None,
        skew=skew,
        kurtosis=kurtosis,
        turnover=_turnover(curve, trades),
        fees_usd=fsum(one.fee_usd for one in trades),
        exposure_pct=exposure,
        time_in_market_pct=in_market,
        **of_returns(returns),
        **of_trips(trips),
    )


def mean(values: Sequence[float]) -> float | None:
    """Return the mean; None of nothing."""
    return fsum(values) / len(values) if values else None


def _by(above: Floats, below: Floats) -> Floats:
    """Return the quotient; NaN where what is below is not above 0."""
    positive = np.where(below > 0.0, below, np.nan)
    return np.asarray(above / positive)


def _exposure(curve: EquityCurve) -> tuple[float | None, float | None]:
    """Return exposure and time in market in percent, each record standing until the next."""
    if len(curve) < 2 or curve.at_ms[-1] == curve.at_ms[0]:
        return None, None
    lasts = np.diff(np.asarray(curve.at_ms)) / (curve.at_ms[-1] - curve.at_ms[0])
    positions = np.asarray(curve.positions_usd)[:-1]
    share = shares(positions, np.asarray(curve.equity_usd)[:-1])
    return number(100.0 * (share @ lasts)), number(100.0 * ((positions > 0.0) @ lasts))


def shares(part: Floats, whole: Floats) -> Floats:
    """Return part / whole, 0 where the whole is not above 0."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0.0)


def _turnover(curve: EquityCurve, trades: Sequence[PortfolioTrade]) -> float | None:
    """Return purchases and sales a year, halved, by the mean equity."""
    if len(curve) < 2 or curve.at_ms[-1] == curve.at_ms[0]:
        return None
    years = (curve.at_ms[-1] - curve.at_ms[0]) / (DAYS_A_YEAR * DAY_MS)
    equity_usd = float(np.asarray(curve.equity_usd).mean())
    if not equity_usd > 0.0:
        return None
    return number(fsum(one.value_usd for one in trades) / 2.0 / equity_usd / years)
