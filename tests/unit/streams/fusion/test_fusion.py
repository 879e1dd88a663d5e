"""Fusion: what one decision is made of, with all engines heard."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.control import effective_weights
from schemas.engines import DEFAULT_WEIGHTS, ENGINES
from schemas.scores import InputPosition
from schemas.signals import Signal
from streams.fusion.decision_builder import decision_id
from tests.factories import CYCLE_MS, MINUTE_MS
from tests.unit.streams.fusion.fusion_factories import (
    T0,
    Feed,
    answers,
    make_missing,
    make_score,
    make_strategy,
)


def statuses(signal: Signal) -> dict[str, str]:
    return {part.engine: part.status for part in signal.contributions}


def test_worked_example() -> None:
    """SPEC 8. The weighted sum is 0.582 in decimals; the nearest floats of its five products add
    up to 0.5820000000000001, so it is compared to 12 digits. The other three are exact.
    """
    signal = Feed(make_strategy()).signal(*answers())
    assert round(signal.final_score, 12) == 0.582
    assert signal.action == "BUY"
    assert signal.confidence == 0.814
    assert signal.position_value_usd == 814.0
    assert signal.position_size == 0.01628
    parts = {part.engine: round(part.contribution, 12) for part in signal.contributions}
    assert parts == dict.fromkeys(ENGINES, 0.0) | {
        "sentiment": 0.252,
        "technical": 0.145,
        "fundamental": 0.090,
        "event_risk": 0.015,
        "liquidity": 0.080,
    }


def test_a_signal_says_everything_that_led_to_it() -> None:
    feed = Feed(make_strategy(user_id="u1", version=7))
    features = {"RSI14@1h": 61.0, "ATR14@1h": 400.0}
    scores = answers()
    scores[1] = make_score("technical", 0.58, cycle=T0, features=features)
    scores[0] = make_score("sentiment", 0.72, cycle=T0, detail={"model": "no weights"})
    signal = feed.signal(*scores)
    assert signal.signal_id == decision_id("balanced", "BTC", T0)
    assert (signal.trigger, signal.cycle, signal.as_of) == ("cycle", T0, T0)
    assert (signal.user_id, signal.request_id, signal.override) == ("u1", None, None)
    assert signal.fused_action == "BUY"
    assert signal.entry_price_usd == 50_000.0
    assert list(signal.features.items()) == sorted(features.items())
    assert signal.detail["sentiment.model"] == "no weights"
    assert list(signal.detail) == ["fill", "sentiment.model"], "there is no book"
    assert [part.engine for part in signal.contributions] == list(ENGINES)
    assert [part.age_ms for part in signal.contributions] == [1_000] * len(ENGINES)
    assert [part.offset for part in signal.contributions] == list(range(len(ENGINES)))
    assert signal.inputs == (
        InputPosition("control.strategies", 0, 7),
        *(InputPosition("engine.scores", 0, offset) for offset in range(len(ENGINES))),
        InputPosition("signals.decisions", 0, 0),
    )
    assert signal.sizing["multiplier"] == signal.confidence


def test_signal_id_is_32_hex_digits_of_strategy_asset_and_time() -> None:
    ids = {
        decision_id("a", "BTC", T0),
        decision_id("b", "BTC", T0),
        decision_id("a", "ETH", T0),
        decision_id("a", "BTC", T0 + 1),
    }
    assert len(ids) == 4
    assert all(len(one) == 32 and int(one, 16) >= 0 for one in ids)
    assert decision_id("a", "BTC", T0) in ids


@pytest.mark.parametrize(
    ("fields", "scores", "expected"),
    [
        pytest.param({}, {"sentiment": 1.0}, "BUY", id="0.35 is above 0.3"),
        pytest.param({}, {"sentiment": -1.0}, "SELL", id="-0.35 is below -0.3"),
        pytest.param({}, {"sentiment": 0.5}, "HOLD", id="0.175 is between"),
        pytest.param({"buy_threshold": 0.35}, {"sentiment": 1.0}, "HOLD", id="at, not above"),
        pytest.param({"sell_threshold": -0.35}, {"sentiment": -1.0}, "HOLD", id="at, not below"),
        pytest.param({"buy_threshold": 0.1}, {"sentiment": 0.5}, "BUY", id="own buy threshold"),
        pytest.param(
            {"sell_threshold": -0.1}, {"sentiment": -0.5}, "SELL", id="own sell threshold"
        ),
        pytest.param({"weights": {"liquidity": 0.9}}, {"liquidity": 0.5}, "BUY", id="own weight"),
        pytest.param({"weights": {"sentiment": 0.0}}, {"sentiment": 1.0}, "HOLD", id="weight 0"),
    ],
)
def test_thresholds_and_weights(
    fields: dict[str, Any], scores: dict[str, float], expected: str
) -> None:
    assert Feed(make_strategy(**fields)).signal(*answers(scores)).action == expected


@pytest.mark.parametrize(
    ("event_risk", "floor", "action", "override"),
    [
        pytest.param(-0.6, -0.5, "HOLD", "event_risk", id="below"),
        pytest.param(-0.5, -0.5, "BUY", None, id="at the floor"),
        pytest.param(-0.6, -0.7, "BUY", None, id="own floor"),
    ],
)
def test_event_risk_holds(
    event_risk: float, floor: float, action: str, override: str | None
) -> None:
    feed = Feed(make_strategy(event_risk_floor=floor))
    scores = {"sentiment": 1.0, "technical": 1.0, "event_risk": event_risk}
    signal = feed.signal(*answers(scores))
    assert (signal.action, signal.override, signal.fused_action) == (action, override, "BUY")
    assert (signal.position_value_usd == 0.0) == (action == "HOLD")


def test_unknown_event_risk_is_not_a_risk_of_0() -> None:
    """A floor above 0 asks for good news; without any engine to give them it holds nothing."""
    scores = answers({"sentiment": 1.0})
    scores[3] = make_missing("event_risk", T0)
    signal = Feed(make_strategy(event_risk_floor=0.05)).signal(*scores)
    assert (signal.action, signal.override) == ("BUY", None)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        pytest.param({}, 0.7, id="the defaults"),
        pytest.param({"liquidity": 0.5, "event_risk": 0.3}, 0.55 / 0.8, id="together 0.8"),
        pytest.param(dict.fromkeys(ENGINES, 0.0), 0.0, id="weights of 0"),
    ],
)
def test_data_freshness_is_weighted(weights: dict[str, float], expected: float) -> None:
    scores = answers()
    scores[0] = make_score("sentiment", 0.72, cycle=T0, freshness=0.5)
    scores[1] = make_score("technical", 0.58, cycle=T0, freshness=0.5)
    if "liquidity" in weights:
        scores[4] = make_score("liquidity", 0.8, cycle=T0, freshness=0.5)
    signal = Feed(make_strategy(weights=weights)).signal(*scores)
    assert signal.sizing["data_freshness"] == pytest.approx(expected)


def test_a_missing_engine_adds_nothing_and_lowers_the_confidence() -> None:
    scores = answers()
    place = ENGINES.index("liquidity")
    scores[place] = make_missing("liquidity", T0)
    signal = Feed(make_strategy()).signal(*scores)
    assert round(signal.final_score, 12) == round(0.582 - 0.080, 12)
    assert statuses(signal)["liquidity"] == "missing"
    assert round(signal.sizing["data_freshness"], 12) == 0.9
    assert round(signal.confidence, 12) == round(0.814 - 0.2 * 0.1, 12)
    assert signal.detail["liquidity.status"].startswith("missing")
    assert signal.contributions[place].age_ms is None
    record = InputPosition("engine.scores", 0, place)
    assert record in signal.inputs, "the missing record is an input"


@pytest.mark.parametrize(
    ("engine", "lost"),
    [
        pytest.param("sentiment", 0.4 * 0.85 + 0.2 * 0.35, id="sentiment: its confidence too"),
        pytest.param("technical", 0.3 * 0.58 + 0.2 * 0.25, id="technical: the trend too"),
        pytest.param("fundamental", 0.2 * 0.15, id="fundamental: freshness only"),
    ],
)
@pytest.mark.parametrize("how", ["missing", "stale"])
def test_what_an_absent_engine_costs(engine: str, lost: float, how: str) -> None:
    scores = answers()
    place = ENGINES.index(engine)
    scores[place] = (
        make_missing(engine, T0)
        if how == "missing"
        else make_score(engine, scores[place].score, cycle=T0, freshness=0.0)
    )
    signal = Feed(make_strategy()).signal(*scores)
    assert round(signal.confidence, 12) == round(0.814 - lost, 12)
    assert statuses(signal)[engine] == how
    assert signal.contributions[place].contribution == 0.0


@pytest.mark.parametrize(
    ("age_ms", "status"),
    [
        pytest.param(20 * MINUTE_MS, "ok", id="20 minutes"),
        pytest.param(20 * MINUTE_MS + 1, "stale", id="a millisecond more"),
    ],
)
def test_a_score_is_stale_after_20_minutes(age_ms: int, status: str) -> None:
    feed = Feed(make_strategy())
    feed.put(make_score("sentiment", 0.9, as_of=T0 - age_ms))
    later = [one for one in answers() if one.engine != "sentiment"]
    # The engine answered this tick with a score that had stood for long.
    answer = make_score("sentiment", 0.9, cycle=T0, as_of=T0 - age_ms, sequence=T0)
    signal = feed.signal(*later, answer)
    assert signal.as_of == T0, "the clock is that of the newest score"
    assert statuses(signal)["sentiment"] == status
    assert ("sentiment.status" in signal.detail) == (status == "stale")


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        pytest.param(
            {"liquidity": (1.0, 0), "technical": (2.0, 0)}, 1.0, id="the book's mid first"
        ),
        pytest.param({"technical": (2.0, 0), "sentiment": (3.0, 0)}, 2.0, id="then the candle's"),
        pytest.param({"fundamental": (4.0, 0), "sentiment": (3.0, 0)}, 3.0, id="then the ticks'"),
        pytest.param({"liquidity": (1.0, -1), "technical": (2.0, 0)}, 2.0, id="newer goes first"),
        pytest.param({"event_risk": (5.0, 0)}, 5.0, id="any is better than none"),
        pytest.param({}, None, id="none"),
    ],
)
def test_entry_price(prices: dict[str, tuple[float, int]], expected: float | None) -> None:
    scores = []
    for engine in ENGINES:
        price, late_ms = prices.get(engine, (None, 0))
        as_of = T0 + late_ms
        scores.append(make_score(engine, 0.5, cycle=T0, as_of=as_of, price_usd=price))
    assert Feed(make_strategy()).signal(*scores).entry_price_usd == expected


def test_a_headline_does_not_bring_the_price_of_the_last_tick_back() -> None:
    feed = Feed(make_strategy())
    feed.put(*answers(price_usd=100.0, price_at=T0))
    mid = make_score("liquidity", 0.8, as_of=T0 + 120_000, price_usd=89.0, price_at=T0 + 119_000)
    news = make_score("sentiment", -1.0, as_of=T0 + 180_000, price_usd=100.0, price_at=T0)
    feed.put(mid)
    (signal,) = feed.decisions(news)
    assert (signal.price_usd, signal.price_at) == (89.0, T0 + 119_000)


def test_the_price_of_a_score_without_its_time_is_as_old_as_the_score() -> None:
    feed = Feed(make_strategy())
    older = make_score("technical", 0.5, as_of=T0 - 60_000, price_usd=2.0, price_at=T0 - 60_000)
    feed.put(older)
    (decision,) = feed.decisions(*answers(price_usd=1.0))
    assert (decision.price_usd, decision.price_at) == (1.0, T0)


def test_the_price_of_a_stale_engine_is_not_taken() -> None:
    scores = answers()
    scores[4] = make_score("liquidity", 0.8, cycle=T0, freshness=0.0, price_usd=1.0)
    scores[1] = make_score("technical", 0.5, cycle=T0, price_usd=2.0)
    signal = Feed(make_strategy()).signal(*scores)
    assert signal.entry_price_usd == 2.0


def test_features_of_an_engine_that_is_out_are_not_seen() -> None:
    scores = answers()
    scores[1] = make_score("technical", 0.5, cycle=T0, features={"RSI14@1h": 20.0}, freshness=0.0)
    scores[4] = make_score("liquidity", 0.5, cycle=T0, features={"SPREAD_BPS": 2.0})
    assert Feed(make_strategy()).signal(*scores).features == {"SPREAD_BPS": 2.0}


def test_the_next_cycle_is_a_signal_of_its_own() -> None:
    feed = Feed(make_strategy())
    first = feed.signal(*answers())
    second = feed.signal(*answers(cycle=T0 + CYCLE_MS))
    assert (first.cycle, second.cycle) == (T0, T0 + CYCLE_MS)
    assert first.signal_id != second.signal_id


@pytest.mark.parametrize(
    ("weights", "effective"),
    [
        pytest.param({}, DEFAULT_WEIGHTS, id="none: the defaults"),
        pytest.param({"technical": 1.0}, {"technical": 1.0}, id="one: the others are 0"),
        pytest.param({"sentiment": 0.3, "liquidity": 0.0}, {"sentiment": 0.3}, id="two"),
        pytest.param(DEFAULT_WEIGHTS, DEFAULT_WEIGHTS, id="all"),
    ],
)
def test_weights_are_a_whole_set(weights: dict[str, float], effective: dict[str, float]) -> None:
    strategy = make_strategy(weights=weights)
    signal = Feed(strategy).signal(*answers(dict.fromkeys(ENGINES, 1.0)))
    said = {part.engine: part.weight for part in signal.contributions}
    assert said == effective_weights(strategy) == dict.fromkeys(ENGINES, 0.0) | effective
    assert signal.final_score == pytest.approx(sum(effective.values()))
    assert abs(signal.final_score) <= 1.0
