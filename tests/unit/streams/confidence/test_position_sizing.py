"""Position sizing: the formula of SPEC 2, its limits and its exits."""

from __future__ import annotations

from typing import Any

import pytest

from streams.confidence.position_sizing import (
    Config,
    Conviction,
    Sizing,
    correlation,
    diversification_weight,
    kelly_fraction,
    multiplier,
    size,
)
from tests.unit.streams.fusion.fusion_factories import make_strategy

CONFIG = Config()
FULL = Conviction(1.0, 1.0, 1.0)
EXAMPLE = Conviction(0.85, 0.58, 1.0)
PRICE_USD = 50_000.0


def sized(action: str = "BUY", features: dict[str, float] | None = None, **fields: Any) -> Sizing:
    strategy = make_strategy(**fields)
    return size(CONFIG, strategy, "BTC", action, PRICE_USD, EXAMPLE, features or {})


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
    got = sized(kelly=True, win_rate=win_rate, avg_win=avg_win, avg_loss=avg_loss)
    assert got.value_usd == pytest.approx(814.0 * expected, abs=1e-9)
    assert got.confidence == 0.814, "Kelly sizes, it does not change the confidence"


def test_kelly_numbers_are_ignored_while_kelly_is_off() -> None:
    assert sized(win_rate=0.3, avg_win=0.05, avg_loss=0.1).value_usd == 814.0


@pytest.mark.parametrize(
    ("action", "held_usd", "expected"),
    [
        pytest.param("BUY", 0.0, 814.0, id="nothing held"),
        pytest.param("BUY", 4_700.0, 300.0, id="300 below the cap"),
        pytest.param("BUY", 5_000.0, 0.0, id="at the cap"),
        pytest.param("BUY", 9_000.0, 0.0, id="over the cap"),
        pytest.param("SELL", 9_000.0, 814.0, id="a full holding can be sold"),
    ],
)
def test_at_most_a_tenth_of_the_portfolio(action: str, held_usd: float, expected: float) -> None:
    strategy = make_strategy(holdings_usd={"BTC": held_usd})
    config = Config(diversification_weight=0.0, freshness_weight=0.3)  # so that only the cap acts
    got = size(config, strategy, "BTC", action, PRICE_USD, EXAMPLE, {})
    assert got.value_usd == pytest.approx(expected, abs=1e-9)


def test_the_cap_binds_without_holdings() -> None:
    config = Config(base_share=0.5)
    got = size(config, make_strategy(), "BTC", "BUY", PRICE_USD, FULL, {})
    assert got.value_usd == 5_000.0


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, 814.0, id="no stop"),
        pytest.param({"stop_loss_pct": 2.0}, 814.0, id="narrower than the reference"),
        pytest.param({"stop_loss_pct": 5.0}, 814.0, id="the reference"),
        pytest.param({"stop_loss_pct": 10.0}, 407.0, id="twice the reference"),
        pytest.param({"stop_loss_atr": 4.0}, 407.0, id="4 ATR of 2.5 %"),
        pytest.param({"stop_loss_pct": 5.0, "stop_loss_atr": 4.0}, 814.0, id="percent goes first"),
    ],
)
def test_a_wider_stop_makes_a_smaller_position(fields: dict[str, float], expected: float) -> None:
    assert sized(features={"ATR14@1h": 1_250.0}, **fields).value_usd == pytest.approx(expected)


@pytest.mark.parametrize(
    ("action", "fields", "stop_usd", "target_usd"),
    [
        pytest.param("BUY", {}, None, None, id="none"),
        pytest.param(
            "BUY", {"stop_loss_pct": 5.0, "take_profit_pct": 10.0}, 47_500, 55_000, id="%"
        ),
        pytest.param(
            "SELL", {"stop_loss_pct": 5.0, "take_profit_pct": 10.0}, 52_500, 45_000, id="-%"
        ),
        pytest.param(
            "BUY", {"stop_loss_atr": 2.0, "take_profit_atr": 3.0}, 49_000, 51_500, id="ATR"
        ),
        pytest.param(
            "SELL", {"stop_loss_atr": 2.0, "take_profit_atr": 3.0}, 51_000, 48_500, id="-ATR"
        ),
        pytest.param("BUY", {"stop_loss_pct": 100.0}, None, None, id="below 0 nothing trades"),
        pytest.param("HOLD", {"stop_loss_pct": 5.0, "take_profit_pct": 9.0}, None, None, id="HOLD"),
    ],
)
def test_exits(
    action: str, fields: dict[str, float], stop_usd: float | None, target_usd: float | None
) -> None:
    got = sized(action, {"ATR14@1h": 500.0, "ATR14@4h": 9_999.0}, **fields)
    assert got.stop_loss_usd == pytest.approx(stop_usd)
    assert got.take_profit_usd == pytest.approx(target_usd)


def test_the_atr_is_that_of_the_strategys_timeframe() -> None:
    features = {"ATR14@1h": 500.0, "ATR14@4h": 1_000.0}
    assert sized(features=features, timeframe="4h", stop_loss_atr=2.0).stop_loss_usd == 48_000.0


def test_an_unknown_atr_is_said() -> None:
    got = sized(stop_loss_atr=2.0, take_profit_atr=2.0)
    assert (got.stop_loss_usd, got.take_profit_usd, got.value_usd) == (None, None, 814.0)
    assert sorted(got.detail) == ["stop_loss", "take_profit"]
    assert "ATR14@1h" in got.detail["stop_loss"]


def test_hold_has_a_confidence_but_no_size() -> None:
    got = sized("HOLD")
    assert (got.confidence, got.value_usd, got.size) == (0.814, 0.0, 0.0)


def test_without_a_price_there_is_no_size_and_the_detail_says_so() -> None:
    got = size(CONFIG, make_strategy(), "BTC", "BUY", None, EXAMPLE, {})
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
    strategy = make_strategy(holdings_usd=holdings_usd)
    assert diversification_weight(CONFIG, strategy, "BTC") == pytest.approx(expected)
