"""Intervals, the Sharpe ratio's own error, random entries."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from streams.backtest import significance
from streams.backtest.round_trips import round_trips
from streams.backtest.significance import (
    best_of,
    intervals,
    probabilistic,
    probability,
    random_entry,
)
from tests.backtests import BEGIN_MS, prices, trip

_RANDOM = np.random.default_rng(11)
_YEAR = _RANDOM.normal(0.002, 0.02, 365)
_UNTIL_MS = BEGIN_MS + 365 * 86_400_000


def test_intervals_hold_the_figure_and_are_the_same_again() -> None:
    found = {one.name: one for one in intervals(_YEAR, (), 1)}
    assert list(found) == ["cagr_pct", "volatility_pct", "sharpe", "sortino"]
    own = float(_YEAR.mean() / _YEAR.std(ddof=1)) * 365**0.5
    assert found["sharpe"].low < own < found["sharpe"].high
    assert intervals(_YEAR, (), 1) == tuple(found.values())
    assert intervals(_YEAR, (), 2) != tuple(found.values())


def test_an_interval_of_independent_days_is_as_wide_as_the_theory_says() -> None:
    """The Sharpe ratio's error is about sqrt(365 / n), here 1."""
    found = {one.name: one for one in intervals(_YEAR, (), 1)}
    assert found["sharpe"].high - found["sharpe"].low == pytest.approx(2 * 1.96, rel=0.2)


def test_no_intervals_of_too_little() -> None:
    assert intervals(_YEAR[:29], round_trips(trip(0, 1.0)), 1) == ()


def test_intervals_of_trades() -> None:
    trips = round_trips([one for day in range(20) for one in trip(2 * day, day - 8.0)])
    found = {one.name: one for one in intervals(np.zeros(0), trips, 1)}
    assert found["expectancy_usd"].low < 1.5 < found["expectancy_usd"].high
    assert found["win_rate_pct"].low < 55.0 < found["win_rate_pct"].high


def test_probability_of_the_paper_s_example() -> None:
    """Bailey & Lopez de Prado 2012: two years of months, Sharpe 0.458, skew -2.448, kurtosis 10.164

    is above 0 at 0.913; with normal returns it were 0.982.
    """
    assert probability(0.458, 0.0, 24, -2.448, 10.164) == pytest.approx(0.913, abs=0.001)
    assert probability(0.458, 0.0, 24, 0.0, 3.0) == pytest.approx(0.982, abs=0.001)
    assert probability(5.0, 0.0, 24, 3.0, 1.0) is None


def test_probabilistic_sharpe_of_normal_returns() -> None:
    """Without skew it is nearly the normal distribution of ratio * sqrt(n - 1)."""
    returns = np.concatenate((_YEAR, 2.0 * _YEAR.mean() - _YEAR))
    ratio = float(returns.mean() / returns.std(ddof=1))
    expected = NormalDist().cdf(ratio * (returns.size - 1) ** 0.5)
    assert probabilistic(returns, 0.0) == pytest.approx(expected, abs=0.005)
    assert probabilistic(returns, ratio) == pytest.approx(0.5)
    assert probabilistic(np.zeros(9), 0.0) is None


@pytest.mark.parametrize(
    ("trials", "low", "high"), [(1, 0.0, 0.0), (10, 1.5, 1.6), (100, 2.5, 2.55), (1000, 3.2, 3.3)]
)
def test_the_best_of_many_by_luck(trials: int, low: float, high: float) -> None:
    """The means of the highest of so many normal values are 1.54, 2.51 and 3.24."""
    assert low <= best_of(trials) <= high


def test_deflated_falls_with_the_trials() -> None:
    found = [significance.significance(_YEAR, trials, None) for trials in (1, 10, 1000)]
    deflated = [one.deflated for one in found if one.deflated is not None]
    assert deflated[0] == found[0].probabilistic
    assert deflated == sorted(deflated, reverse=True)
    assert significance.significance(_YEAR[:2], 10, None).deflated is None


def test_one_who_knows_the_future_beats_chance_and_one_without_skill_does_not() -> None:
    closes = 100.0 * np.cumprod(1.0 + _RANDOM.normal(0.0, 0.03, 365))
    known = {"BTC": prices(closes.tolist())}
    gains = np.diff(closes) / closes[:-1]
    days = np.arange(0, 360, 6)
    best = [int(day + np.argmax(gains[day : day + 4])) for day in days]
    for chosen, beats in ((best, True), (days.tolist(), False)):
        trips = round_trips(
            [one for day in chosen for one in trip(day, 100.0 * float(gains[day]) - 0.2)]
        )
        found = random_entry(trips, known, BEGIN_MS, _UNTIL_MS, 1)
        assert found is not None
        assert (found.percentile > 99.0) == beats
        assert found.trades == len(trips)


def test_random_entries_pay_what_the_trades_paid() -> None:
    """The price stands still, so that every draw loses the costs."""
    known = {"BTC": prices([100.0] * 365)}
    trips = round_trips((*trip(1, 5.0), *trip(3, 5.0)))
    found = random_entry(trips, known, BEGIN_MS, _UNTIL_MS, 1)
    assert found is not None
    assert (found.low_usd, found.mean_usd, found.high_usd) == pytest.approx((-0.4,) * 3)
    assert found.percentile == 100.0


def test_random_entries_need_prices_and_may_be_many() -> None:
    """More trades than candles: they cannot lie beside each other, and are drawn alone."""
    trips = round_trips([one for hour in range(400) for one in trip(hour / 24, 0.1, 1 / 48)])
    assert random_entry(trips, {}, BEGIN_MS, _UNTIL_MS, 1) is None
    found = random_entry(trips, {"BTC": prices([100.0] * 20)}, BEGIN_MS, _UNTIL_MS, 1)
    assert found is not None
    assert found.trades == 400
