"""Growth without flows, days, months, falls and histograms."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from schemas.times import DAY_MS
from streams.backtest import daily
from streams.backtest.equity import curve_of
from tests.backtests import BEGIN_MS, daily_curve, equity


def test_flows_are_no_gain_and_a_reset_begins_anew() -> None:
    curve = curve_of(
        [
            equity(0, 1000.0),
            equity(1, 1100.0),
            equity(1.5, 2200.0, invested_usd=2000.0, kind="deposit"),  # 1200 without it
            equity(2, 1700.0, invested_usd=1500.0, kind="withdrawal"),
            equity(3, 1360.0, invested_usd=1500.0),
            equity(4, 9000.0, invested_usd=9000.0, kind="reset"),
            equity(5, 9900.0, invested_usd=9000.0),
        ]
    )
    assert curve.growth.tolist() == pytest.approx([1.0, 1.1, 1.2, 1.2, 0.96, 0.96, 1.056])
    assert curve.drawdown.tolist() == pytest.approx([0.0, 0.0, 0.0, 0.0, 0.2, 0.2, 0.12])


def test_a_day_closes_at_midnight_and_one_without_records_as_the_one_before() -> None:
    """The first record at noon; none on the third day; the last one in the evening."""
    curve = curve_of(
        [
            equity(0.5, 1000.0),
            equity(1, 1010.0),  # midnight itself is the close
            equity(1.7, 1100.0),
            equity(3.2, 1200.0),
            equity(3.8, 900.0),
        ]
    )
    days = daily.days_of(curve)
    assert ((days.at_ms - BEGIN_MS) / DAY_MS).tolist() == [0.5, 1.0, 2.0, 3.0, 3.8]
    assert days.growth.tolist() == pytest.approx([1.0, 1.01, 1.1, 1.1, 0.9])
    points = daily.closes(curve, days)
    assert [one.equity_usd for one in points] == [1000.0, 1010.0, 1100.0, 1100.0, 900.0]
    assert points[-1].drawdown_pct == pytest.approx(25.0)


def test_months_and_years() -> None:
    """Over the end of a year; the midnight that ends December is December's."""
    curve = daily_curve(1000.0 * 1.001 ** np.arange(400))
    days = daily.days_of(curve)
    found = daily.months(days)
    assert [(one.year, one.month) for one in found][-3:] == [(2022, 12), (2023, 1), (2023, 2)]
    assert found[0].return_pct == pytest.approx(100.0 * (1.001**31 - 1.0))
    assert found[-1].return_pct == pytest.approx(100.0 * (1.001**3 - 1.0))
    assert [(one.year, one.month) for one in daily.years(days)] == [(2022, 0), (2023, 0)]


def test_falls_deepest_first() -> None:
    curve = daily_curve([100.0, 90.0, 100.0, 110.0, 55.0, 66.0, 110.0, 110.0, 104.5, 100.1])
    found = daily.deepest(curve)
    assert [one.depth_pct for one in found] == pytest.approx([50.0, 10.0, 9.0])
    assert [one.days for one in found] == [3.0, 2.0, 2.0]
    assert [one.recovered_ms is None for one in found] == [False, False, True]
    assert (found[0].lowest_ms - BEGIN_MS) / DAY_MS == 4.0
    assert daily.falls(curve).longest_ms == 3 * DAY_MS


def test_falls_that_touch_and_none_at_all() -> None:
    """A recovery that is the start of the next fall."""
    touching = daily.deepest(daily_curve([100.0, 80.0, 100.0, 70.0, 100.0]))
    assert [one.depth_pct for one in touching] == pytest.approx([30.0, 20.0])
    assert daily.deepest(daily_curve([100.0, 100.0, 110.0])) == ()
    assert daily.deepest(curve_of(())) == ()


def test_histogram_has_an_edge_at_0_and_all_values() -> None:
    values = np.asarray([-3.1, -0.1, 0.0, 0.2, 7.9])
    bins = daily.histogram(values)
    assert sum(one.count for one in bins) == 5
    assert any(one.low_pct == 0.0 for one in bins)
    assert len(bins) <= 40
    assert all(one.high_pct == after.low_pct for one, after in itertools.pairwise(bins))


@pytest.mark.parametrize("values", [[], [0.0], [5.0] * 3, [-100.0, 1e6]])
def test_histogram_of_odd_values(values: list[float]) -> None:
    bins = daily.histogram(np.asarray(values))
    assert sum(one.count for one in bins) == len(values)
    assert len(bins) <= 40
