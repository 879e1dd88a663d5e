"""Round trips, what they have in common, and which engine they are owed to."""

from __future__ import annotations

import pytest

from schemas.signals import Contribution
from schemas.times import DAY_MS, HOUR_MS
from streams.backtest import breakdown
from streams.backtest.round_trips import open_trades, round_trips
from streams.confidence.bookkeeping import begun, bought, sold
from streams.confidence.fills import Quote
from streams.confidence.portfolio import Order, Portfolio
from streams.confidence.trading import Fill
from tests.backtests import BEGIN_MS, fill, prices, trip
from tests.factories import decision


def _contribution(engine: str, value: float) -> Contribution:
    return Contribution(engine, "ok", value, 1.0, 1.0, value)


def _fill(side: str, seen_usd: float, price_usd: float, at_ms: int) -> Fill:
    order = Order(side, 2.0, 0.0, f"{side} signal", at_ms, "stop_loss", 1, 0)
    quote = Quote(price_usd, 5.0, 5.0, 1e9)
    return Fill("s", "BTC", order, 2.0, seen_usd, quote, at_ms, 0.4, ())


def test_a_round_trip_of_the_model_portfolio_s_own_fills() -> None:
    """Profit, return and costs as the bookkeeping has them."""
    start = begun(Portfolio(), decision(portfolio_value_usd=1000.0, as_of=BEGIN_MS))
    held, entry = bought(start, _fill("buy", 99.0, 100.0, BEGIN_MS), decision(as_of=BEGIN_MS))
    _, sale = sold(held, _fill("sell", 121.0, 120.0, BEGIN_MS + 5 * HOUR_MS))
    (found,) = round_trips((entry, sale))
    assert (found.entry_signal_id, found.exit_signal_id) == ("buy signal", "sell signal")
    assert found.exit_reason == "stop_loss"
    assert (found.hours, found.cost_usd) == (5.0, 200.0)
    assert found.profit_usd == pytest.approx(240.0 - 200.0 - 0.8)
    assert found.return_pct == pytest.approx(100.0 * 39.2 / 200.4)
    assert found.fees_usd == pytest.approx(0.8)
    assert found.costs_usd == pytest.approx(0.8 + 2.0 + 2.0)


def test_a_purchase_before_the_run_is_known_by_its_sale() -> None:
    """Its fee is what is missing from the profit; what its price was beside is not known."""
    _, sale = trip(3.0, 10.0)
    (found,) = round_trips((sale,))
    assert (found.entry_reason, found.entry_signal_id) == ("", "")
    assert (found.entry_price_usd, found.entered_at) == (100.0, BEGIN_MS + 3 * DAY_MS)
    assert found.fees_usd == pytest.approx(0.2)


def test_a_purchase_after_a_reset_is_another_one() -> None:
    first, sale = trip(0.0, 5.0, reason="reset")
    again, later = trip(4.0, 6.0)
    found = round_trips((first, sale, again, later, fill("buy", 9)))
    assert [one.exit_reason for one in found] == ["reset", "thresholds"]
    assert [one.profit_usd for one in found] == [5.0, 6.0]


def test_nothing_is_open_without_records() -> None:
    assert open_trades(None) == ()


def test_an_engine_is_owed_its_part_of_the_entry() -> None:
    """0.6 and -0.2 of 0.4: 1.5 and -0.5 times the profit of 10 USD."""
    trips = round_trips(trip(0.0, 10.0))
    parts = breakdown.by_engine(
        trips, {"BTC 0.0": (_contribution("technical", 0.6), _contribution("sentiment", -0.2))}
    )
    assert [(one.engine, one.trades) for one in parts] == [("sentiment", 1), ("technical", 1)]
    assert [one.profit_usd for one in parts] == pytest.approx([-5.0, 15.0])


def test_a_rule_s_purchase_is_owed_to_no_engine() -> None:
    entry, sale = trip(0.0, 10.0)
    bought_by_rule = fill("buy", 0.0, reason="entry_rule", signal_id=entry.signal_id)
    known = {entry.signal_id: (_contribution("technical", 0.6),)}
    trips = round_trips((bought_by_rule, sale, *trip(3.0, 4.0), *trip(6.0, 5.0)))
    parts = breakdown.by_engine(trips, {**known, "BTC 6.0": (_contribution("technical", -0.1),)})
    assert [(one.engine, one.profit_usd) for one in parts] == [("rule", 10.0), ("unknown", 9.0)]


@pytest.mark.parametrize(
    ("closes", "at_day", "regime"),
    [
        pytest.param([100.0] * 30 + [111.0], 30.0, "up", id="up"),
        pytest.param([100.0] * 30 + [89.0], 30.0, "down", id="down"),
        pytest.param([100.0] * 30 + [109.0], 30.0, "sideways", id="sideways"),
        pytest.param([100.0] * 30 + [100.0, 500.0], 30.9, "sideways", id="today is not known"),
        pytest.param([100.0] * 30 + [111.0], 29.9, "unknown", id="29 days"),
        pytest.param([100.0] * 31, 40.0, "unknown", id="old candles"),
        pytest.param([], 5.0, "unknown", id="no candles"),
    ],
)
def test_regime(closes: list[float], at_day: float, regime: str) -> None:
    (found,) = breakdown.with_regimes(
        round_trips(trip(at_day, 1.0)), {"BTC": prices(closes)} if closes else {}
    )
    assert found.regime == regime


def test_groups_by_hour_and_asset() -> None:
    trips = round_trips(
        (*trip(0.5, 1.0), *trip(2.5, -2.0), *trip(4.0, 4.0), *trip(9.0, 3.0, asset="ETH"))
    )
    hours = breakdown.by_hour(trips)
    assert [(one.name, one.trades, one.profit_usd) for one in hours] == [
        ("00", 2, 7.0),
        ("12", 2, -1.0),
    ]
    assets = breakdown.by_asset(trips, {"ETH": 12.0, "SOL": 3.0})
    assert [(one.name, one.trades, one.won, one.holding_pct) for one in assets] == [
        ("BTC", 3, 2, None),
        ("ETH", 1, 1, 12.0),
        ("SOL", 0, 0, 3.0),
    ]
