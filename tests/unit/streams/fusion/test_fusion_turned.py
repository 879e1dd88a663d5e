"""`changed_actions` finds between cycles what deciding for every strategy would find."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.control import Strategy
from schemas.engines import ENGINES
from streams.fusion.decision import changed_actions, decide, view
from tests.factories import CYCLE_MS
from tests.unit.streams.fusion.fusion_draws import held, pinned
from tests.unit.streams.fusion.fusion_factories import T0


class ByPrice:
    """Rules that look at a fact: true exits below 0.0, true entries above it."""

    def override(self, strategy: Strategy, facts: Any) -> str | None:
        score = facts("final_score")
        if strategy.exit_rule is not None and score < 0.0:
            return "exit_rule"
        return "entry_rule" if strategy.entry_rule is not None and score > 0.0 else None


@settings(max_examples=500)
@given(st.lists(pinned(), max_size=4), st.tuples(*map(held, ENGINES)))
def test_it_finds_every_action_that_turns_and_no_other(strategies: Any, scores: Any) -> None:
    seen, rules = view(scores, T0, 2 * CYCLE_MS), ByPrice()
    decisions = {place: decide(one, seen, rules) for place, one in enumerate(strategies)}
    assert changed_actions(strategies, seen, rules) == {
        place: decision
        for place, decision in decisions.items()
        if decision.action != strategies[place].action
    }
