"""Between cycles the stage sends what choosing for every strategy would find, and no more."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.engines import ENGINES
from streams.confidence.position_sizing import Config as Sizing
from streams.fusion.choice import choose, looked
from streams.fusion.fusion_stage import FusionStage
from streams.fusion.state import FusionState
from streams.fusion.view import view
from streams.stage import Position, StrategyAt, Tables
from tests.factories import CYCLE_MS
from tests.unit.streams.fusion.fusion_draws import held, pinned
from tests.unit.streams.fusion.fusion_factories import T0, make_score

STAGE = FusionStage()


@settings(max_examples=500)
@given(st.lists(pinned(), max_size=4), st.tuples(*map(held, ENGINES)))
def test_it_sends_every_action_that_turns_and_no_other(strategies: Any, scores: Any) -> None:
    state = FusionState(scores, pinned=tuple(strategies), clock_ms=T0)
    score = make_score("technical", 0.1, as_of=T0, sequence=T0 + 1)
    tables = Tables({one.strategy.strategy_id: StrategyAt(one.strategy, 0) for one in strategies})
    after, sent = STAGE.step(state, score, Position("engine.scores", 0, 9, {}), tables)
    seen = view(after.held, T0, 2 * CYCLE_MS)
    choices = [choose(one, seen, Sizing()) for one in strategies]
    turned = [
        (choice.action, choice.override)
        for one, choice in zip(strategies, choices, strict=True)
        if choice.action != one.action
    ]
    assert [(one.event.action, one.event.override) for one in sent] == turned
    for one, choice, kept in zip(strategies, choices, after.pinned, strict=True):
        assert kept.action == choice.action
        if choice.action == one.action:
            assert kept == looked(one, choice, seen)
        if choice.action == "SELL":
            assert kept.holding is None
