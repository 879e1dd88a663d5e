"""`turned` finds between cycles what deciding for every strategy would find."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.control import Strategy
from schemas.engines import ENGINES
from streams.engines.fusion_decision import decide, turned, view
from streams.engines.fusion_state import hold, pin
from streams.stage import StrategyAt
from tests.unit.engines.fusion_factories import CYCLE_MS, T0, make_score, make_strategy

FEW = st.sampled_from([-0.4, -0.2, 0.0, 0.2, 0.4])
"""Few enough that scores and limits are often the same."""


class ByPrice:
    """Rules that look at a fact: true exits below 0.0, true entries above it."""

    def override(self, strategy: Strategy, facts: Any) -> str | None:
        score = facts("final_score")
        if strategy.exit_rule is not None and score < 0.0:
            return "exit_rule"
        return "entry_rule" if strategy.entry_rule is not None and score > 0.0 else None


@st.composite
def pinned(draw: st.DrawFn) -> Any:
    sell, buy = sorted(draw(st.lists(FEW, min_size=2, max_size=2, unique=True)))
    weights = draw(st.dictionaries(st.sampled_from(ENGINES), st.sampled_from([0.0, 0.5, 1.0])))
    strategy = make_strategy(
        weights=weights,
        buy_threshold=buy,
        sell_threshold=sell,
        event_risk_floor=draw(FEW),
        entry_rule=draw(st.sampled_from([None, None, "rule"])),
        exit_rule=draw(st.sampled_from([None, None, "rule"])),
        entry_over_event_risk=draw(st.booleans()),
    )
    return pin(StrategyAt(strategy, 0), draw(st.sampled_from(["BUY", "SELL", "HOLD"])))


@st.composite
def held(draw: st.DrawFn, engine: str) -> Any:
    if draw(st.integers(0, 5)) == 0:
        return None
    as_of = T0 - draw(st.integers(0, 3)) * CYCLE_MS
    score = make_score(engine, draw(FEW), as_of=as_of, freshness=draw(st.sampled_from([0, 1.0])))
    return hold(score, 0, None)


@settings(max_examples=500)
@given(st.lists(pinned(), max_size=4), st.tuples(*map(held, ENGINES)))
def test_it_finds_every_action_that_turns_and_no_other(strategies: Any, scores: Any) -> None:
    seen, rules = view(scores, T0, 2 * CYCLE_MS), ByPrice()
    decisions = {place: decide(one, seen, rules) for place, one in enumerate(strategies)}
    assert turned(strategies, seen, rules) == {
        place: decision
        for place, decision in decisions.items()
        if decision.action != strategies[place].action
    }
