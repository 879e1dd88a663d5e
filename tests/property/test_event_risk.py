"""Laws of the event risk engine over random calendars."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.validation import CATEGORIES
from streams.engines.event_risk import ENGINE
from tests.factories import DAY_MS, HOUR_MS
from tests.property.engine_streams import shares
from tests.unit.streams.engines._records import T0, fed, make_event, make_heartbeat, said

RISKS = ["delisting", "unlock", "hard_fork"]
GOODS = ["listing", "partnership", "upgrade", "burn", "airdrop", "conference"]
others = st.lists(
    st.builds(
        make_event,
        st.sampled_from(sorted(CATEGORIES)),
        st.integers(1, 40 * DAY_MS),
        source_id=st.uuids().map(str),
        impact=shares,
        certainty=shares,
    ),
    max_size=4,
)


@given(others, st.data())
def test_order_of_one_fetch_does_not_matter(calendar: list[Any], data: Any) -> None:
    shuffled = data.draw(st.permutations(calendar))
    assert said(ENGINE, *calendar).score == said(ENGINE, *shuffled).score


@given(
    others,
    st.sampled_from(RISKS),
    shares,
    shares,
    st.tuples(st.integers(1, 40 * DAY_MS), st.integers(1, 40 * DAY_MS)),
)
def test_a_nearer_risk_is_never_better(
    calendar: list[Any], category: str, impact: float, certainty: float, ahead: tuple[int, int]
) -> None:
    near, far = (
        said(ENGINE, *calendar, make_event(category, at, impact=impact, certainty=certainty)).score
        for at in sorted(ahead)
    )
    assert near <= far


@given(
    others,
    st.sampled_from(GOODS),
    shares,
    shares,
    st.tuples(st.integers(1, 40 * DAY_MS), st.integers(1, 40 * DAY_MS)),
)
def test_a_nearer_catalyst_is_never_worse(
    calendar: list[Any], category: str, impact: float, certainty: float, ahead: tuple[int, int]
) -> None:
    near, far = (
        said(ENGINE, *calendar, make_event(category, at, impact=impact, certainty=certainty)).score
        for at in sorted(ahead)
    )
    assert near >= far


@given(others, st.sampled_from(RISKS), st.integers(1, 29 * DAY_MS), shares, shares)
def test_a_greater_risk_is_never_better(
    calendar: list[Any], category: str, ahead_ms: int, one: float, other: float
) -> None:
    small, great = (
        said(ENGINE, *calendar, make_event(category, ahead_ms, impact=impact)).score
        for impact in sorted((one, other))
    )
    assert great <= small


@given(others, st.integers(0, 47 * HOUR_MS))
def test_time_alone_moves_the_score_without_a_jump(calendar: list[Any], at_ms: int) -> None:
    """A minute moves it little, unless an event has just passed."""
    state = fed(ENGINE, make_heartbeat(), *calendar)
    now = T0 + at_ms
    before = ENGINE.read(ENGINE.config, state, now)
    after = ENGINE.read(ENGINE.config, state, now + 60_000)
    if before.features["events_ahead"] <= after.features["events_ahead"]:
        assert abs(after.score - before.score) < 0.005
