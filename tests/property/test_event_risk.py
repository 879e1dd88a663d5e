"""Laws of the event risk engine over random calendars."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.validation import CATEGORIES
from streams.engines.event_risk import ENGINE
from tests.property import _text_laws as laws
from tests.unit.streams.engines._records import (
    DAY_MS,
    HOUR_MS,
    T0,
    fed,
    make_event,
    make_heartbeat,
    readings,
    said,
)

RISKS = ["delisting", "unlock", "hard_fork"]
GOODS = ["listing", "partnership", "upgrade", "burn", "airdrop", "conference"]
shares = st.floats(0.0, 1.0)
records = st.builds(
    make_event,
    st.sampled_from(sorted(CATEGORIES)),
    st.integers(-2 * DAY_MS, 40 * DAY_MS) | st.integers(-(2**50), 2**50),
    laws.times,
    source_id=st.sampled_from("abcdef"),
    source=st.sampled_from(["lunarcrush", "file"]),
    impact=shares,
    certainty=shares,
    cancelled=st.booleans(),
)
events = st.lists(records | laws.ticks, max_size=25)
cuts = st.integers(0, 25)
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


@laws.unhurried
@given(events)
def test_bounds(given_events: list[Any]) -> None:
    for reading in readings(ENGINE, given_events):
        laws.check_bounds(reading, -1.0)


@laws.unhurried
@given(events, cuts)
def test_what_comes_after_cannot_matter(given_events: list[Any], cut: int) -> None:
    laws.check_prefix(ENGINE, given_events, cut)


@laws.unhurried
@given(events, cuts)
def test_storage_in_mid_stream(given_events: list[Any], cut: int) -> None:
    laws.check_storage(ENGINE, given_events, cut)


@laws.unhurried
@given(events)
def test_repetition(given_events: list[Any]) -> None:
    laws.check_repetition(ENGINE, given_events)


@laws.unhurried
@given(events)
def test_old_states_stay(given_events: list[Any]) -> None:
    laws.check_frozen(ENGINE, given_events)


@laws.unhurried
@given(events)
def test_scores_are_valid(given_events: list[Any]) -> None:
    laws.check_scores(ENGINE, given_events)


@laws.unhurried
@given(others, st.data())
def test_order_of_one_fetch_does_not_matter(calendar: list[Any], data: Any) -> None:
    shuffled = data.draw(st.permutations(calendar))
    assert said(ENGINE, *calendar).score == said(ENGINE, *shuffled).score


@laws.unhurried
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


@laws.unhurried
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


@laws.unhurried
@given(others, st.sampled_from(RISKS), st.integers(1, 29 * DAY_MS), shares, shares)
def test_a_greater_risk_is_never_better(
    calendar: list[Any], category: str, ahead_ms: int, one: float, other: float
) -> None:
    small, great = (
        said(ENGINE, *calendar, make_event(category, ahead_ms, impact=impact)).score
        for impact in sorted((one, other))
    )
    assert great <= small


@laws.unhurried
@given(others, st.integers(0, 47 * HOUR_MS))
def test_time_alone_moves_the_score_without_a_jump(calendar: list[Any], at_ms: int) -> None:
    """A minute moves it little, unless an event has just passed."""
    state = fed(ENGINE, make_heartbeat(), *calendar)
    now = T0 + at_ms
    before = ENGINE.read(ENGINE.config, state, now)
    after = ENGINE.read(ENGINE.config, state, now + 60_000)
    if before.features["events_ahead"] <= after.features["events_ahead"]:
        assert abs(after.score - before.score) < 0.005
