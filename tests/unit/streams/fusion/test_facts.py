"""The values that a rule may name."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.engines import ENGINES
from streams.confidence.position_sizing import Config as Sizing
from streams.fusion.facts import Facts
from streams.fusion.position import enter
from streams.fusion.state import LatestScore, latest_missing, latest_score, pin
from streams.fusion.view import view
from streams.stage import StrategyAt
from tests.factories import CYCLE_MS, HOUR_MS, WORKED_EXAMPLE
from tests.unit.streams.fusion.fusion_factories import T0, make_missing, make_score, make_strategy

FEATURES: dict[str, dict[str, float]] = {
    "technical": {"RSI14@1h": 33.0, "ADX(14).ADX@4h": 21.0},
    "sentiment": {"galaxy_score": 71.0, "sentiment_news": 0.2},
    "liquidity": {"spread_bps": 1.5, "volume_24h_usd": 2e9},
}


def held(**changes: LatestScore | None) -> tuple[LatestScore | None, ...]:
    known = {
        engine: latest_score(
            make_score(
                engine,
                WORKED_EXAMPLE[engine],
                confidence=0.85,
                price_usd=51_000.0 if engine == "liquidity" else None,
                features=FEATURES.get(engine, {}),
            ),
            0,
            None,
        )
        for engine in ENGINES
    }
    return tuple({**known, **changes}[engine] for engine in ENGINES)


def facts(scores: tuple[LatestScore | None, ...] | None = None, **fields: Any) -> Facts:
    seen = view(held() if scores is None else scores, T0 + HOUR_MS // 6, 2 * CYCLE_MS)
    return Facts(pin(StrategyAt(make_strategy(**fields), 0), "HOLD"), seen, 0.582, Sizing())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("RSI14@1h", 33.0, id="indicator"),
        pytest.param("ADX(14).ADX@4h", 21.0, id="indicator with parameters"),
        pytest.param("galaxy_score", 71.0, id="feature of an engine"),
        pytest.param("volume_24h_usd", 2e9, id="volume"),
        pytest.param("nope", None, id="unknown"),
        pytest.param("PRICE", 51_000.0, id="price"),
        pytest.param("FINAL_SCORE", 0.582, id="final score"),
        pytest.param("SENTIMENT", 0.72, id="score"),
        pytest.param("EVENT_RISK", 0.10, id="event risk"),
        pytest.param("SENTIMENT_CONFIDENCE", 0.85, id="confidence of an engine"),
        pytest.param("CONFIDENCE", 0.4 * 0.85 + 0.3 * 0.58 + 0.2, id="confidence"),
        pytest.param("POSITION", 0.0, id="not in"),
        pytest.param("ENTRY_PRICE", None, id="no entry"),
        pytest.param("AGE", None, id="no age"),
        pytest.param("PROFIT_PCT", None, id="no profit"),
    ],
)
def test_without_a_position(name: str, value: float | None) -> None:
    found = facts()[name]
    assert found == (None if value is None else pytest.approx(value))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("POSITION", 1.0, id="in"),
        pytest.param("ENTRY_PRICE", 50_000.0, id="entry"),
        pytest.param("STOP_LOSS", 47_500.0, id="stop"),
        pytest.param("TAKE_PROFIT", None, id="no target"),
        pytest.param("TRAILING_STOP", 51_000.0 * 0.9, id="trailing, with the price at hand"),
        pytest.param("AGE", 4.0, id="hours"),
        pytest.param("PROFIT_PCT", 2.0, id="percent"),
    ],
)
def test_of_a_position(name: str, value: float | None) -> None:
    strategy = make_strategy(stop_loss_pct=5.0, trailing_stop_pct=10.0)
    holding, _ = enter(strategy, 50_000.0, T0 + HOUR_MS // 6 - 4 * HOUR_MS, None)
    one = pin(StrategyAt(strategy, 0), "BUY")
    seen = view(held(), T0 + HOUR_MS // 6, 2 * CYCLE_MS)
    known = Facts(
        type(one)(one.strategy, 0, one.weights, "BUY", 0, "", 0, holding), seen, 0.5, Sizing()
    )
    found = known[name]
    assert found == (None if value is None else pytest.approx(value))


def test_an_engine_that_does_not_count_says_nothing() -> None:
    missing = latest_missing(make_missing("sentiment", T0), 0, None)
    known = facts(held(sentiment=missing, liquidity=None))
    for name in ("SENTIMENT", "SENTIMENT_CONFIDENCE", "galaxy_score", "LIQUIDITY", "PRICE"):
        assert known[name] is None
    assert known["CONFIDENCE"] == pytest.approx(0.3 * 0.58 + 0.2 * 0.55)


def test_a_risk_that_stands_is_known_while_its_engine_is_silent() -> None:
    silent = latest_score(make_score("event_risk", -0.7, freshness=0.0), 0, None)
    assert facts(held(event_risk=silent))["EVENT_RISK"] == -0.7
