"""Position sizing: the formula of SPEC 2, its limits and its exits."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from schemas.signals import Decision, OpenPosition
from streams.confidence.position_sizing import (
    Config,
    Conviction,
    Sizing,
    correlation,
    diversification_weight,
    exits,
    kelly_fraction,
    multiplier,
    size,
)
from tests.unit.streams.fusion.fusion_factories import make_strategy

CONFIG = Config()
PRICE_USD = 50_000.0
EXAMPLE = Decision(
    decision_id="d",
    strategy_id="s",
    asset="BTC",
    as_of=0,
    action="BUY",
    price_usd=PRICE_USD,
    sentiment_confidence=0.85,
    trend_strength=0.58,
    data_freshness=1.0,
    portfolio_value_usd=50_000.0,
)


def sized(config: Config = CONFIG, **fields: Any) -> Sizing:
    return size(config, replace(EXAMPLE, **fields))


def test_worked_example() -> None:
    """SPEC 8; all four numbers come out exactly in binary floating point too."""
    got = sized()
    assert got.confidence == 0.814
    assert got.value_usd == 814.0
    assert got.size == 0.01628
    assert got.terms == {
        "base_usd": 1000.0,
        "sentiment_confidence": 0.85,
        "trend_strength": 0.58,
        "data_freshness": 1.0,
        "diversification_weight": 1.0,
        "multiplier": 0.814,
        "kelly": 1.0,
        "stop_factor": 1.0,
        "room_usd": 5000.0,
    }


@pytest.mark.parametrize(
    ("conviction", "diversification", "expected"),
    [
        pytest.param(Conviction(1.0, 0.0, 0.0), 0.0, 0.4, id="sentiment confidence"),
        pytest.param(Conviction(0.0, 1.0, 0.0), 0.0, 0.3, id="trend strength"),
        pytest.param(Conviction(0.0, 0.0, 1.0), 0.0, 0.2, id="data freshness"),
        pytest.param(Conviction(0.0, 0.0, 0.0), 1.0, 0.1, id="diversification"),
        pytest.param(Conviction(0.0, 0.0, 0.0), 0.0, 0.0, id="nothing"),
    ],
)
def test_multiplier_weighs_each_term(
    conviction: Conviction, diversification: float, expected: float
) -> None:
    assert multiplier(CONFIG, conviction, diversification) == expected


@pytest.mark.parametrize(
    ("win_rate", "avg_win", "avg_loss", "expected"),
    [
        pytest.param(0.6, 0.10, 0.05, 0.4, id="good odds"),
        pytest.param(0.5, 0.05, 0.05, 0.0, id="even odds"),
        pytest.param(0.3, 0.05, 0.10, 0.0, id="bad odds are 0, not a short"),
        pytest.param(1.0, 0.05, 0.10, 1.0, id="never loses"),
    ],
)
def test_kelly(win_rate: float, avg_win: float, avg_loss: float, expected: float) -> None:
    assert kelly_fraction(win_rate, avg_win, avg_loss) == pytest.approx(expected, abs=1e-12)


def test_at_most_a_tenth_of_the_portfolio() -> None:
    full = {"sentiment_confidence": 1.0, "trend_strength": 1.0}
    assert sized(Config(base_share=0.5), **full).value_usd == 5_000.0


@pytest.mark.parametrize(
    ("stop_usd", "expected"),
    [
        pytest.param(None, 814.0, id="no stop"),
        pytest.param(49_000.0, 814.0, id="narrower than the reference"),
        pytest.param(47_500.0, 814.0, id="the reference"),
        pytest.param(45_000.0, 407.0, id="twice the reference"),
        pytest.param(51_000.0, 814.0, id="above the price it is none"),
    ],
)
def test_a_wider_stop_makes_a_smaller_position(stop_usd: float | None, expected: float) -> None:
    position = OpenPosition(PRICE_USD, 0, stop_usd)
    assert sized(position=position).value_usd == pytest.approx(expected)


@pytest.mark.parametrize(
    ("fields", "stop_usd", "target_usd"),
    [
        pytest.param({}, None, None, id="none"),
        pytest.param({"stop_loss_pct": 5.0, "take_profit_pct": 10.0}, 47_500, 55_000, id="%"),
        pytest.param({"stop_loss_atr": 2.0, "take_profit_atr": 3.0}, 49_000, 51_500, id="ATR"),
        pytest.param({"stop_loss_pct": 5.0, "stop_loss_atr": 4.0}, 47_500, None, id="% goes first"),
        pytest.param({"stop_loss_pct": 100.0}, None, None, id="below 0 nothing trades"),
        pytest.param({"stop_loss_atr": 2.0, "timeframe": "4h"}, 30_002, None, id="own timeframe"),
    ],
)
def test_exits(fields: dict[str, Any], stop_usd: float | None, target_usd: float | None) -> None:
    features = {"ATR14@1h": 500.0, "ATR14@4h": 9_999.0}
    got = exits(make_strategy(**fields), PRICE_USD, features)
    assert got == (pytest.approx(stop_usd), pytest.approx(target_usd), {})


def test_an_unknown_atr_is_said() -> None:
    strategy = make_strategy(stop_loss_atr=2.0, take_profit_atr=2.0)
    stop_usd, target_usd, lacking = exits(strategy, PRICE_USD, {})
    assert (stop_usd, target_usd) == (None, None)
    assert sorted(lacking) == ["stop_loss", "take_profit"]
    assert "ATR14@1h" in lacking["stop_loss"]


def test_hold_has_a_confidence_but_no_size() -> None:
    got = sized(action="HOLD")
    assert (got.confidence, got.value_usd, got.size) == (0.814, 0.0, 0.0)


def test_without_a_price_there_is_no_size_and_the_detail_says_so() -> None:
    got = sized(price_usd=None)
    assert (got.confidence, got.value_usd, got.size) == (0.814, 0.0, 0.0)
    assert "no current price of BTC" in got.detail["price"]


@pytest.mark.parametrize(
    ("asset", "other", "expected"),
    [
        pytest.param("BTC", "BTC", 1.0, id="itself"),
        pytest.param("XYZ", "XYZ", 1.0, id="itself, in no group"),
        pytest.param("BTC", "ETH", 0.8, id="one group"),
        pytest.param("BTC", "DOGE", 0.55, id="two groups"),
        pytest.param("XYZ", "ABC", 0.55, id="two assets in no group"),
        pytest.param("BTC", "USDC", 0.0, id="cash"),
        pytest.param("USDT", "USDC", 0.0, id="two kinds of cash"),
        pytest.param("BTC", "EURC", 0.0, id="cash that is no dollar"),
        pytest.param("MATIC", "ARB", 0.8, id="one group, by an earlier ticker"),
    ],
)
def test_correlation(asset: str, other: str, expected: float) -> None:
    assert correlation(CONFIG, asset, other) == expected
    assert correlation(CONFIG, other, asset) == expected


@pytest.mark.parametrize(
    ("holdings_usd", "expected"),
    [
        pytest.param({}, 1.0, id="nothing held"),
        pytest.param({"USDT": 50_000.0}, 1.0, id="cash only"),
        pytest.param({"ETH": 25_000.0}, 0.6, id="half in ETH"),
        pytest.param({"DOGE": 25_000.0}, 0.725, id="half in DOGE"),
        pytest.param({"ETH": 10_000.0, "DOGE": 10_000.0}, 0.73, id="both"),
        pytest.param({"BTC": 50_000.0}, 0.0, id="all in BTC"),
        pytest.param({"BTC": 90_000.0}, 0.0, id="never below 0"),
    ],
)
def test_correlated_holdings_lower_the_diversification(
    holdings_usd: dict[str, float], expected: float
) -> None:
    got = diversification_weight(CONFIG, "BTC", holdings_usd, 50_000.0)
    assert got == pytest.approx(expected)
