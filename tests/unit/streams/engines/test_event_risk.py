"""The event risk engine: dates, catalysts, calm, and time that passes."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from math import atanh, exp2, tanh
from typing import Any

import pytest

from schemas.validation import CATEGORIES
from streams.engines.event_risk import ENGINE
from tests.factories import DAY_MS, HOUR_MS, MINUTE_MS
from tests.unit.streams.engines._records import T0, fed, make_event, make_heartbeat, make_tick, said

CALM = atanh(0.10)
WEEK_MS = 7 * DAY_MS


def near(days: float) -> float:
    """Return the proximity of an event so many days ahead."""
    return exp2(-days / 7) * (1 - days / 30)


def test_no_calendar_ever() -> None:
    reading = said(ENGINE, make_tick(price_usd=3.0))
    assert (reading.score, reading.confidence, reading.freshness) == (0.0, 0.0, 0.0)
    assert (reading.data_time, reading.price_usd, reading.evidence) == (None, 3.0, ())
    assert reading.detail == {"calendar": "no record yet"}
    assert reading.features == {"events_ahead": 0.0}


def test_live_calendar_with_nothing_ahead() -> None:
    reading = said(ENGINE, make_heartbeat())
    assert (reading.score, reading.confidence, reading.freshness) == (0.10, 0.5, 1.0)
    assert reading.evidence == (0,)
    assert reading.detail == {}


@pytest.mark.parametrize(
    ("category", "days", "impact", "certainty", "push", "unrest"),
    [
        pytest.param("delisting", 1, 0.8, 1.0, -2.0 * 0.8, 0.8, id="sure-delisting"),
        pytest.param("delisting", 1, 0.8, 0.0, -1.0 * 0.8, 0.8, id="rumoured-delisting"),
        pytest.param("unlock", 3, 0.5, 1.0, -1.0 * 0.5, 0.5, id="unlock"),
        pytest.param("hard_fork", 2, 1.0, 1.0, -0.6, 1.0, id="sure-fork"),
        pytest.param("hard_fork", 2, 1.0, 0.0, -1.2, 1.0, id="vague-fork"),
        pytest.param("listing", 1, 0.9, 1.0, 0.9, 0.0, id="listing"),
        pytest.param("partnership", 10, 0.5, 0.5, 0.8 * 0.25, 0.0, id="half-sure-partnership"),
        pytest.param("upgrade", 7, 1.0, 1.0, 0.6, 0.0, id="upgrade"),
        pytest.param("burn", 7, 1.0, 1.0, 0.6, 0.0, id="burn"),
        pytest.param("airdrop", 7, 1.0, 1.0, 0.4, 0.0, id="airdrop"),
        pytest.param("conference", 7, 1.0, 1.0, 0.2, 0.0, id="conference"),
        pytest.param("other", 7, 1.0, 1.0, 0.0, 1.0, id="other-takes-the-calm-away"),
    ],
)
def test_one_event_by_hand(
    category: str, days: float, impact: float, certainty: float, push: float, unrest: float
) -> None:
    event = make_event(category, days * DAY_MS, impact=impact, certainty=certainty)
    reading = said(ENGINE, event)
    expected = tanh(push * near(days) + CALM * (1 - unrest * near(days)))
    assert reading.score == pytest.approx(expected)
    risky = {"risk_ends_hours": days * 24} if push < 0.0 else {}
    assert reading.features == {"events_ahead": 1.0, "nearest_event_hours": days * 24} | risky
    assert reading.evidence == (0,)


def test_numbers_to_remember() -> None:
    """What SPEC's override at -0.5 means in practice."""
    assert said(ENGINE, make_event("delisting", DAY_MS)).score == pytest.approx(-0.940, abs=1e-3)
    assert said(ENGINE, make_event("delisting", WEEK_MS)).score < -0.5
    assert said(ENGINE, make_event("unlock", DAY_MS, impact=0.7)).score < -0.5
    assert said(ENGINE, make_event("delisting", 20 * DAY_MS)).score > -0.5
    assert said(ENGINE, make_event("listing", DAY_MS)).score > 0.7


def test_every_category_has_constants() -> None:
    assert set(ENGINE.config.categories) == CATEGORIES


def test_events_add_up() -> None:
    reading = said(
        ENGINE,
        make_event("unlock", 2 * DAY_MS, impact=0.5),
        make_event("listing", 4 * DAY_MS, impact=0.5),
    )
    unlock, listing = 0.5 * near(2), 0.5 * near(4)
    assert reading.score == pytest.approx(tanh(listing - unlock + CALM * (1 - unlock)))
    assert reading.features == {
        "events_ahead": 2.0,
        "nearest_event_hours": 48.0,
        "risk_ends_hours": 48.0,
    }
    assert reading.confidence == pytest.approx(0.5 + 0.5 * (unlock + listing))


def test_confidence_follows_the_certainty() -> None:
    vague = said(ENGINE, make_event("unlock", DAY_MS, certainty=0.1)).confidence
    sure = said(ENGINE, make_event("unlock", DAY_MS, certainty=1.0)).confidence
    assert 0.5 < vague < 0.6 < 0.9 < sure < 1.0


def test_confidence_of_many_events() -> None:
    events = [make_event("unlock", 1, source_id=str(n), certainty=n / 4) for n in range(5)]
    assert said(ENGINE, *events).confidence == pytest.approx(0.75)


@pytest.mark.parametrize("days", [30, 31, 400], ids=str)
def test_beyond_the_horizon(days: int) -> None:
    reading = said(ENGINE, make_event("delisting", days * DAY_MS))
    assert (reading.score, reading.features) == (0.10, {"events_ahead": 0.0})


def test_an_event_enters_the_horizon_without_a_jump() -> None:
    state = fed(ENGINE, make_event("delisting", 30 * DAY_MS))
    assert ENGINE.read(ENGINE.config, state, T0 + 1000).score == pytest.approx(0.10, abs=1e-4)


def test_score_moves_as_time_passes() -> None:
    """Read with nothing new: nearer is worse, and past is past."""
    state = fed(ENGINE, make_event("delisting", 40 * HOUR_MS))
    told = [ENGINE.read(ENGINE.config, state, T0 + h * HOUR_MS) for h in (0, 10, 20, 30, 39, 40)]
    scores = [reading.score for reading in told]
    assert scores[:5] == sorted(scores[:5], reverse=True)
    assert scores[4] < scores[0] - 0.03
    assert scores[5] == 0.10
    assert told[4].features["nearest_event_hours"] == 1.0


@pytest.mark.parametrize(
    ("age_hours", "expected"), [(0, 1.0), (3, 1.0), (25.5, 0.5), (48, 0.0), (100, 0.0)]
)
def test_freshness(age_hours: float, expected: float) -> None:
    state = fed(ENGINE, make_heartbeat())
    reading = ENGINE.read(ENGINE.config, state, T0 + int(age_hours * HOUR_MS))
    assert reading.freshness == pytest.approx(expected)


def test_silent_calendar_is_no_calm() -> None:
    state = fed(ENGINE, make_heartbeat(), make_tick(T0 + 47 * HOUR_MS))
    assert ENGINE.read(ENGINE.config, state, T0 + 48 * HOUR_MS - 1).score == 0.10
    reading = ENGINE.read(ENGINE.config, state, T0 + 48 * HOUR_MS)
    assert (reading.score, reading.confidence) == (0.0, 0.0)
    assert reading.detail == {"calendar": "no record for 48 h: known dates only"}


def test_silent_calendar_keeps_its_dates() -> None:
    state = fed(ENGINE, make_event("delisting", 3 * DAY_MS))
    reading = ENGINE.read(ENGINE.config, state, T0 + 2 * DAY_MS)
    assert reading.score == pytest.approx(tanh(-2.0 * near(1)))
    assert reading.confidence == pytest.approx(0.5 * (0.5 + 0.5 * near(1)))


@pytest.mark.parametrize("category", ["delisting", "unlock", "hard_fork", "listing", "burn"])
@pytest.mark.parametrize("silent_days", [1, 3, 6])
def test_silence_never_makes_a_risk_smaller(category: str, silent_days: int) -> None:
    """A calendar that is asked on says the same or better of the same date."""
    event = make_event(category, 7 * DAY_MS)
    now = T0 + silent_days * DAY_MS
    silent = said(ENGINE, make_heartbeat(), event, now=now)
    asked_on = said(ENGINE, make_heartbeat(), event, make_heartbeat(now))
    assert silent.score <= asked_on.score
    assert silent.confidence <= asked_on.confidence


def test_risk_ends_with_the_last_risky_date() -> None:
    reading = said(
        ENGINE,
        make_event("delisting", 2 * DAY_MS, source_id="1"),
        make_event("unlock", 5 * DAY_MS, source_id="2"),
        make_event("listing", 9 * DAY_MS, source_id="3"),
    )
    assert reading.features["risk_ends_hours"] == 5 * 24


def test_same_id_replaces() -> None:
    later = make_event("delisting", 20 * DAY_MS, T0 + HOUR_MS)
    reading = said(ENGINE, make_event("delisting", DAY_MS), later)
    assert reading.features["nearest_event_hours"] == reading.features["risk_ends_hours"] == 480.0
    assert reading.evidence == (1,)


@pytest.mark.parametrize("earlier", [True, False], ids=["known before", "new"])
def test_records_of_one_event_and_moment_have_no_order(earlier: bool) -> None:
    """The one still ahead counts, the nearest first: the safe side."""
    now = T0 + HOUR_MS
    records = [
        make_event("delisting", 5 * DAY_MS, now, impact=0.8),
        make_event("delisting", 5 * DAY_MS, now, impact=0.5),
        make_event("delisting", 6 * DAY_MS, now),
        make_event("delisting", 5 * DAY_MS, now, cancelled=True),
        make_event("delisting", -DAY_MS, now),
    ]
    before = [make_event("delisting", 9 * DAY_MS)] if earlier else []
    told = {said(ENGINE, *before, *order).score for order in permutations(records)}
    assert told == {said(ENGINE, *before, records[0]).score}


def test_same_id_of_another_source_does_not() -> None:
    other = make_event("delisting", 20 * DAY_MS, T0 + HOUR_MS, source="coinmarketcal")
    reading = said(ENGINE, make_event("delisting", DAY_MS), other)
    assert reading.features["events_ahead"] == 2.0


def test_cancelled_is_gone() -> None:
    event = make_event("delisting", DAY_MS)
    off = make_event("delisting", DAY_MS, T0 + HOUR_MS, cancelled=True)
    assert said(ENGINE, event, off).score == 0.10


@pytest.mark.parametrize("starts_in_ms", [DAY_MS, -DAY_MS], ids=["cancelled", "moved-to-the-past"])
def test_late_record_brings_nothing_back(starts_in_ms: int) -> None:
    event = make_event("delisting", 5 * DAY_MS)
    gone = make_event("delisting", starts_in_ms, T0 + HOUR_MS, cancelled=starts_in_ms > 0)
    state = fed(ENGINE, event, gone)
    assert ENGINE.update(ENGINE.config, state, event, 2) is state
    assert ENGINE.read(ENGINE.config, state, T0 + HOUR_MS).score == 0.10


def test_repetition_changes_nothing() -> None:
    event, beat = make_event("unlock", DAY_MS), make_heartbeat()
    state = fed(ENGINE, event, beat, make_tick())
    for again in (event, beat, make_tick()):
        assert ENGINE.update(ENGINE.config, state, again, 9) is state


def test_seen_again_later_keeps_the_calendar_live() -> None:
    """The hourly fetch brings the same event: same score, younger data, newer offset."""
    again = make_event("unlock", 5 * DAY_MS - 47 * HOUR_MS, T0 + 47 * HOUR_MS)
    reading = said(ENGINE, make_event("unlock", 5 * DAY_MS), again, now=T0 + 60 * HOUR_MS)
    assert reading.features["events_ahead"] == 1.0
    assert (reading.data_time, reading.evidence) == (T0 + 47 * HOUR_MS, (1,))
    assert reading.detail == {}


def test_late_record_of_an_unknown_event_counts() -> None:
    late = make_event("unlock", DAY_MS, T0 - HOUR_MS)
    reading = said(ENGINE, make_heartbeat(), late)
    assert reading.features["events_ahead"] == 1.0
    assert reading.data_time == T0


def test_newest_record_is_the_evidence_of_calm() -> None:
    """Not the last one in the log, which came late."""
    state = fed(ENGINE, make_heartbeat(), make_event("unlock", DAY_MS, T0 - HOUR_MS))
    assert ENGINE.read(ENGINE.config, state, T0 + DAY_MS).evidence == (0,)


def test_past_events_are_forgotten() -> None:
    state = fed(
        ENGINE,
        *[make_event("unlock", n * HOUR_MS, source_id=str(n)) for n in range(1, 10)],
        make_tick(T0 + 4 * HOUR_MS),
    )
    assert [event.offset for event in state.events] == [4, 5, 6, 7, 8]


def test_nearest_200_are_kept() -> None:
    events: list[Any] = [
        make_event("unlock", (300 - n) * MINUTE_MS, source_id=str(n)) for n in range(300)
    ]
    state = fed(ENGINE, *events)
    assert len(state.events) == 200
    assert state.events[-1].starts_at == T0 + 200 * MINUTE_MS


def test_evidence_is_what_weighs_most() -> None:
    events = [
        make_event("unlock", DAY_MS, source_id=str(n), impact=(n + 1) / 12) for n in range(12)
    ]
    assert said(ENGINE, *events).evidence == tuple(range(2, 12))


def test_late_tick_changes_nothing() -> None:
    state = fed(ENGINE, make_tick(T0))
    assert ENGINE.update(ENGINE.config, state, make_tick(T0 - 1, price_usd=1.0), 1) is state


def test_calm_is_a_setting() -> None:
    engine = replace(ENGINE, config=replace(ENGINE.config, calm_score=0.3))
    assert said(engine, make_heartbeat()).score == 0.3


MIDNIGHT_AHEAD = 6 * DAY_MS - T0 % DAY_MS  # of a day that begins five to six days after T0


def told(source: str, ahead_ms: int, category: str = "delisting", **fields: Any) -> Any:
    """Return what a source says of an event, so long after the beginning of that day."""
    id_ = f"{source}:{ahead_ms}:{category}:{sorted(fields)}"
    return make_event(category, MIDNIGHT_AHEAD + ahead_ms, source=source, source_id=id_, **fields)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(
    ("more", "alone"),
    [
        pytest.param([told("b", DAY_MS - 1, certainty=0.5)], [told("a", HOUR_MS)], id="vaguer"),
        pytest.param(
            [told("b", 0, impact=0.2), told("c", 0, impact=0.1)], [told("a", HOUR_MS)], id="three"
        ),
        pytest.param(
            [told("a", 0, impact=0.5), told("b", 0, impact=0.4), told("b", 1, impact=0.3)],
            [told("a", HOUR_MS), told("a", 0, impact=0.5)],
            id="two of one source are two, whoever else says both",
        ),
    ],
)
def test_what_several_sources_say_of_one_event_counts_once(
    more: list[Any], alone: list[Any], backwards: bool
) -> None:
    """A delisting that a calendar knows and the exchange announces, and its like."""
    events = [told("a", HOUR_MS), *more]
    reading = said(ENGINE, *(reversed(events) if backwards else events))
    assert reading.score == said(ENGINE, *alone).score
    assert reading.features["events_ahead"] == len(alone)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(told("b", DAY_MS + HOUR_MS), id="the day after"),
        pytest.param(told("b", HOUR_MS, "unlock"), id="another category"),
        pytest.param(told("a", 2 * HOUR_MS), id="the same source"),
    ],
)
def test_what_is_another_event_counts_beside_it(other: Any) -> None:
    both = said(ENGINE, told("a", HOUR_MS), other)
    assert both.features["events_ahead"] == 2.0
    assert both.score < said(ENGINE, told("a", HOUR_MS)).score
