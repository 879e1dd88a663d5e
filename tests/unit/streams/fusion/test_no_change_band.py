"""Within the range of `calm_of` no action turns; just outside of it one does."""

from __future__ import annotations

from math import inf, isinf, nextafter
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.engines import ENGINES
from streams.fusion.decision import (
    EVENT_RISK,
    changed_actions,
    decide,
    view,
)
from streams.fusion.no_change_band import Calm, calm_of
from streams.fusion.state import (
    ENGINE_INDEX,
    FusionState,
    latest_score,
    pin,
)
from streams.rules import NoRules
from streams.stage import StrategyAt
from tests.unit.streams.fusion.fusion_draws import FEW, held, pinned
from tests.unit.streams.fusion.fusion_factories import (
    CYCLE_MS,
    T0,
    WORKED_EXAMPLE,
    make_score,
    make_strategy,
)

STALE_MS = 2 * CYCLE_MS
TECHNICAL = ENGINE_INDEX["technical"]


def worked(action: str = "BUY", **strategy: Any) -> FusionState:
    """The state of the worked example with one strategy; its sum without technical is 0.435."""
    own = pin(StrategyAt(make_strategy(**strategy), 0), action)
    scores = tuple(latest_score(make_score(one, WORKED_EXAMPLE[one]), 0, None) for one in ENGINES)
    return FusionState(held=scores, pinned=(own,), clock_ms=T0)


def moved(state: FusionState, index: int, score: float, as_of: int) -> FusionState:
    """The state after another score of an engine."""
    one = replace(state.held[index], score=score, as_of=as_of, freshness=1.0)
    scores = (*state.held[:index], one, *state.held[index + 1 :])
    return replace(state, held=scores, clock_ms=as_of)


def turns(state: FusionState) -> bool:
    return bool(
        changed_actions(state.pinned, view(state.held, state.clock_ms, STALE_MS), NoRules())
    )


def test_the_worked_example_stays_a_buy_until_the_sum_falls_to_the_threshold() -> None:
    calm = calm_of(worked(), TECHNICAL, STALE_MS)
    assert calm is not None
    others = 0.35 * 0.72 + 0.15 * 0.60 + 0.15 * 0.10 + 0.10 * 0.80
    assert abs(calm.low - (0.3 - others) / 0.25) < 1e-6
    assert (calm.high, calm.until_ms) == (inf, T0 + STALE_MS)


def test_nobody_is_calm_beside_a_rule_or_for_the_event_risk() -> None:
    assert calm_of(worked(exit_rule="RSI14@4h > 80"), TECHNICAL, STALE_MS) is None
    assert calm_of(worked(), ENGINE_INDEX["event_risk"], STALE_MS) is None
    late = moved(worked(), TECHNICAL, 0.58, T0 - 1)
    assert calm_of(replace(late, clock_ms=T0), TECHNICAL, STALE_MS) is None


def test_without_a_strategy_it_is_always_calm() -> None:
    state = replace(worked(), pinned=())
    assert calm_of(state, TECHNICAL, STALE_MS) == Calm(TECHNICAL, -inf, inf, inf)


@st.composite
def settled(draw: st.DrawFn) -> tuple[FusionState, int]:
    """A state in which an engine spoke last and no action is about to turn; the engine's index."""
    index = draw(st.sampled_from([one for one in ENGINE_INDEX.values() if one != EVENT_RISK]))
    scores = list(draw(st.tuples(*map(held, ENGINES))))
    scores[index] = latest_score(make_score(ENGINES[index], draw(FEW)), 0, None)
    seen = view(tuple(scores), T0, STALE_MS)
    drawn = draw(st.lists(pinned(), min_size=1, max_size=3))
    plain = [replace(one.strategy, entry_rule=None, exit_rule=None) for one in drawn]
    own = [pin(StrategyAt(one, 0), "") for one in plain]
    settled = tuple(replace(one, action=decide(one, seen, NoRules()).action) for one in own)
    return FusionState(held=tuple(scores), pinned=settled, clock_ms=T0), index


@settings(max_examples=300)
@given(settled(), st.floats(-1.0, 1.0), st.integers(0, 3 * CYCLE_MS))
def test_nothing_turns_within(drawn: Any, score: float, later_ms: int) -> None:
    state, index = drawn
    calm = calm_of(state, index, STALE_MS)
    assume(calm is not None)  # on the very threshold
    assert calm is not None
    as_of = int(min(T0 + later_ms, calm.until_ms))
    for one in (score, nextafter(calm.low, inf), nextafter(calm.high, -inf)):
        if calm.low < one < calm.high and not isinf(one):
            assert not turns(moved(state, index, one, as_of))


@settings(max_examples=300)
@given(settled())
def test_something_turns_just_outside(drawn: Any) -> None:
    state, index = drawn
    calm = calm_of(state, index, STALE_MS)
    assume(calm is not None)
    assert calm is not None
    for edge, away in ((calm.low, -1e-6), (calm.high, 1e-6)):
        if not isinf(edge):
            assert turns(moved(state, index, edge + away, T0))


@settings(max_examples=300)
@given(settled())
def test_it_ends_when_another_engine_is_stale(drawn: Any) -> None:
    state, index = drawn
    calm = calm_of(state, index, STALE_MS)
    assume(calm is not None and not isinf(calm.until_ms))
    assert calm is not None
    now = int(calm.until_ms)
    counted = [view(state.held, at_ms, STALE_MS).usable for at_ms in (T0, now, now + 1)]
    others = [[one for place, one in enumerate(usable) if place != index] for usable in counted]
    assert others[0] == others[1] != others[2]
