"""The pre-built strategies are valid, and `balanced` is what the specification gives."""

from __future__ import annotations

import pytest

from producers.strategies import BALANCED, PREBUILT
from schemas.codec import local_codec
from schemas.engines import ENGINES
from schemas.validation import problem


@pytest.mark.parametrize("strategy", PREBUILT, ids=lambda strategy: strategy.strategy_id)
def test_a_prebuilt_strategy_is_valid_and_survives_the_codec(strategy):
    codec = local_codec()
    assert problem(strategy) is None
    assert codec.decode(codec.encode(strategy)) == strategy
    assert set(BALANCED.weights) <= set(strategy.weights) <= set(ENGINES)
    assert sum(strategy.weights.values()) == pytest.approx(1.0)
    assert (strategy.owner, strategy.user_id, strategy.active) == ("admin", None, True)
    assert strategy.portfolio_value_usd == 50_000.0
    assert (strategy.stop_loss_pct is None) != (strategy.stop_loss_atr is None)
    assert (strategy.take_profit_pct is None) != (strategy.take_profit_atr is None)
    assert strategy.entry_rule is None
    assert strategy.exit_rule is None


def test_the_four_differ():
    assert [strategy.strategy_id for strategy in PREBUILT] == [
        "balanced",
        "momentum",
        "news",
        "cautious",
    ]
    assert len({tuple(strategy.weights.values()) for strategy in PREBUILT}) == 4
    assert len({(s.buy_threshold, s.sell_threshold) for s in PREBUILT}) == 4


def test_balanced_is_the_specification():
    assert BALANCED.weights == {
        "sentiment": 0.35,
        "technical": 0.25,
        "fundamental": 0.15,
        "event_risk": 0.15,
        "liquidity": 0.10,
    }
    assert (BALANCED.buy_threshold, BALANCED.sell_threshold) == (0.3, -0.3)
    assert BALANCED.event_risk_floor == -0.5
