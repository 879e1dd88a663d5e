"""Position sizing: the formula of SPEC 2, its limits, and the portfolio that it is made of."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.signals import OpenPosition
from streams.confidence.portfolio import Order, Portfolio, Position
from streams.confidence.position_sizing import Config, Sizing, kelly_fraction, multiplier, size
from tests.factories import START_MS
from tests.unit.streams.confidence.worked import decision

CONFIG = Config()
FEE = 0.001
EMPTY = Portfolio(begun=True, capital_usd=50_000.0, invested_usd=50_000.0)


def sized(portfolio: Portfolio = EMPTY, config: Config = CONFIG, **changes: Any) -> Sizing:
    """Size SPEC's worked example, or what is changed of it."""
    return size(config, portfolio, decision(**changes), FEE)


def holding(asset: str, value_usd: float, **changes: Any) -> Portfolio:
    position = Position(value_usd / 50_000.0, 50_000.0, 0.0, START_MS, 50_000.0, START_MS)
    fields = {"invested_usd": 50_000.0, "positions": {asset: position}}
    return Portfolio(begun=True, **(fields | changes))


def with_trades(won: int, avg_win: float, lost: int, avg_loss: float) -> Portfolio:
    return Portfolio(
        begun=True,
        invested_usd=50_000.0,
        closed=won + lost,
        won=won,
        wins=won * avg_win,
        losses=lost * avg_loss,
    )


def test_worked_example() -> None:
    """SPEC 8; all numbers come out exactly in binary floating point too."""
    got = sized()
    assert got.confidence == 0.814
    assert got.value_usd == 814.0
    assert got.size == 0.01628
    assert got.held_size == 0.0
    assert got.detail == {}
    assert got.terms == {
        "portfolio_usd": 50_000.0,
        "base_usd": 1000.0,
        "sentiment_confidence": 0.85,
        "trend_strength": 0.58,
        "data_freshness": 1.0,
        "diversification_weight": 1.0,
        "multiplier": 0.814,
        "kelly": 1.0,
        "stop_factor": 1.0,
        "room_usd": 5000.0,
        "cash_room_usd": pytest.approx(50_000.0 / 1.001),
    }


@pytest.mark.parametrize(
    ("sentiment", "trend", "freshness", "diversification", "expected"),
    [
        pytest.param(1.0, 0.0, 0.0, 0.0, 0.4, id="sentiment confidence"),
        pytest.param(0.0, 1.0, 0.0, 0.0, 0.3, id="trend strength"),
        pytest.param(0.0, 0.0, 1.0, 0.0, 0.2, id="data freshness"),
        pytest.param(0.0, 0.0, 0.0, 1.0, 0.1, id="diversification"),
        pytest.param(0.0, 0.0, 0.0, 0.0, 0.0, id="nothing"),
    ],
)
def test_multiplier_weighs_each_term(
    sentiment: float, trend: float, freshness: float, diversification: float, expected: float
) -> None:
    one = decision(sentiment_confidence=sentiment, trend_strength=trend, data_freshness=freshness)
    assert multiplier(CONFIG, one, diversification) == expected


@pytest.mark.parametrize(
    ("win_rate", "avg_win", "avg_loss", "expected"),
    [
        pytest.param(0.6, 0.10, 0.05, 0.4, id="good odds"),
        pytest.param(0.5, 0.05, 0.05, 0.0, id="even odds"),
        pytest.param(0.3, 0.05, 0.10, 0.0, id="bad odds are 0, not a short"),
        pytest.param(1.0, 0.05, 0.10, 1.0, id="never loses"),
        pytest.param(0.0, 0.0, 0.10, 0.0, id="never wins"),
    ],
)
def test_kelly_fraction(win_rate: float, avg_win: float, avg_loss: float, expected: float) -> None:
    assert kelly_fraction(win_rate, avg_win, avg_loss) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("portfolio", "share", "expected", "said"),
    [
        pytest.param(with_trades(18, 0.10, 12, 0.05), 0.5, 0.2, "18 of 30 trades", id="half"),
        pytest.param(with_trades(18, 0.10, 12, 0.05), 1.0, 0.4, "fraction 0.400", id="all of it"),
        pytest.param(with_trades(18, 0.10, 11, 0.05), 0.5, 1.0, "there are 29", id="too few"),
        pytest.param(with_trades(30, 0.10, 0, 0.0), 0.5, 0.5, "30 of 30 trades", id="never lost"),
    ],
)
def test_kelly_is_of_the_closed_trades(
    portfolio: Portfolio, share: float, expected: float, said: str
) -> None:
    got = sized(portfolio, kelly=True, kelly_share=share)
    assert got.value_usd == pytest.approx(814.0 * expected)
    assert got.terms["kelly"] == pytest.approx(expected)
    assert said in got.detail["size.kelly"]
    assert got.confidence == 0.814, "Kelly sizes, it does not change the confidence"


def test_kelly_of_a_losing_strategy_buys_nothing() -> None:
    got = sized(with_trades(10, 0.05, 30, 0.05), kelly=True)
    assert (got.size, got.terms["kelly"]) == (0.0, 0.0)
    assert "less than the least order" in got.detail["size"]


def test_kelly_is_off_by_default() -> None:
    assert sized(with_trades(10, 0.05, 30, 0.05)).value_usd == 814.0


def test_at_most_a_tenth_of_the_portfolio() -> None:
    got = sized(config=Config(base_share=0.5))
    assert got.value_usd == 5_000.0
    assert "10% of the portfolio" in got.detail["size.cap"]


@pytest.mark.parametrize(
    ("cash_usd", "waiting_usd", "value_usd"),
    [
        pytest.param(1_001.0, 0.0, 814.0, id="enough"),
        pytest.param(500.5, 0.0, 500.0, id="less than wanted, the fee left out"),
        pytest.param(1_001.0, 400.0, 600.0, id="orders that wait have it"),
        pytest.param(1_001.0, 999.5, 0.0, id="less than the least order is left"),
        pytest.param(0.0, 0.0, 0.0, id="none"),
    ],
)
def test_never_more_than_the_cash_less_the_fee(
    cash_usd: float, waiting_usd: float, value_usd: float
) -> None:
    order = Order("buy", 1.0, waiting_usd, "id", START_MS, "thresholds", 1, 0)
    config = Config(diversification_weight=0.0, freshness_weight=0.3)
    got = sized(
        holding("USDT", 50_000.0 - cash_usd, orders={"ETH": order} if waiting_usd else {}), config
    )
    assert got.value_usd == pytest.approx(value_usd)
    assert ("size.cash" in got.detail) == (value_usd < 814.0)


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        pytest.param(None, 814.0, id="no position"),
        pytest.param(OpenPosition(50_000.0, START_MS), 814.0, id="no stop"),
        pytest.param(OpenPosition(50_000.0, START_MS, 49_000.0), 814.0, id="narrower"),
        pytest.param(OpenPosition(50_000.0, START_MS, 47_500.0), 814.0, id="the reference"),
        pytest.param(OpenPosition(50_000.0, START_MS, 45_000.0), 407.0, id="twice as wide"),
        pytest.param(
            OpenPosition(50_000.0, START_MS, trailing_stop_usd=45_000.0), 407.0, id="trailing"
        ),
        pytest.param(
            OpenPosition(50_000.0, START_MS, 30_000.0, None, 45_000.0), 407.0, id="first of both"
        ),
        pytest.param(OpenPosition(50_000.0, START_MS, 51_000.0), 814.0, id="above the price"),
    ],
)
def test_a_wider_stop_makes_a_smaller_position(
    position: OpenPosition | None, expected: float
) -> None:
    got = sized(position=position)
    assert got.value_usd == pytest.approx(expected)
    assert ("size.stop" in got.detail) == (expected < 814.0)


def test_correlated_holdings_lower_confidence_and_size() -> None:
    got = sized(holding("ETH", 25_000.0))
    assert got.confidence == pytest.approx(0.814 - 0.1 * 0.4)
    assert got.value_usd == pytest.approx(774.0)
    assert "moves with BTC, most of it in ETH" in got.detail["size.diversification"]


@pytest.mark.parametrize(
    ("portfolio", "changes", "key", "said"),
    [
        pytest.param(
            holding("BTC", 814.0), {}, "size", "held since 2026-01-01 00:00", id="held already"
        ),
        pytest.param(
            holding("BTC", 814.0), {"price_usd": None}, "size", "held since", id="without a price"
        ),
        pytest.param(EMPTY, {"price_usd": None}, "price", "no current price of BTC", id="no price"),
        pytest.param(
            Portfolio(), {}, "size", "less than the least order of 1.00 USD", id="no capital"
        ),
        pytest.param(
            EMPTY, {"action": "SELL"}, "size", "nothing of BTC is held", id="nothing to sell"
        ),
    ],
)
def test_what_has_no_size_says_why(
    portfolio: Portfolio, changes: dict[str, Any], key: str, said: str
) -> None:
    got = sized(portfolio, **changes)
    assert (got.size, got.value_usd) == (0.0, 0.0)
    assert said in got.detail[key]
    assert got.confidence > 0.7


def test_a_sale_is_of_all_that_is_held() -> None:
    got = sized(holding("BTC", 5_000.0), action="SELL", price_usd=60_000.0)
    assert (got.size, got.held_size) == (0.1, 0.1)
    assert got.value_usd == pytest.approx(6_000.0)


def test_hold_has_a_confidence_but_no_size() -> None:
    got = sized(action="HOLD")
    assert (got.confidence, got.value_usd, got.size, got.detail) == (0.814, 0.0, 0.0, {})


def test_a_portfolio_holds_at_most_500_assets() -> None:
    position = Position(1.0, 1.0, 0.0, START_MS, 1.0, START_MS)
    full = Portfolio(
        begun=True,
        invested_usd=50_000.0,
        positions={f"A{number}": position for number in range(500)},
    )
    assert "500 assets" in sized(full).detail["size"]
