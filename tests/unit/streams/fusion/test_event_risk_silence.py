"""A risk outlives every silence: of the calendar, of the engine, of its worker."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from schemas.scores import EngineScore
from schemas.signals import Signal
from streams.engines.event_risk import ENGINE
from streams.engines.scoring_stage import ScoringStage
from streams.fusion.state import FusionState
from streams.stage import Entry
from tests.factories import CYCLE_MS, DAY_MS, HOUR_MS, MINUTE_MS
from tests.unit.streams.engines._records import make_event, make_heartbeat, make_tick
from tests.unit.streams.fusion.fusion_factories import (
    T0,
    Feed,
    answers,
    make_missing,
    make_request,
    make_score,
    make_strategy,
)

GOOD = {"sentiment": 1.0, "technical": 1.0}
ENDS = "risk_ends_hours"


def cycle_of(feed: Feed, event_risk: EngineScore) -> Signal:
    """Return the signal of a cycle in which all else says BUY."""
    assert event_risk.cycle is not None
    scores = answers(GOOD, event_risk.cycle)
    scores[3] = event_risk
    return feed.signal(*scores)


def risk_of(score: float, at: int = T0, **fields: Any) -> EngineScore:
    return make_score("event_risk", score, cycle=at, as_of=at, sequence=at, **fields)


def missing_at(at: int) -> EngineScore:
    return make_missing("event_risk", at)


@pytest.mark.parametrize(
    ("silent_days", "ahead_days", "action"),
    [
        pytest.param(0, 7, "HOLD", id="just asked"),
        pytest.param(3, 7, "HOLD", id="three days of silence, seven ahead"),
        pytest.param(6, 1, "HOLD", id="six days of silence, one ahead"),
        pytest.param(6, 0, "BUY", id="past"),
        pytest.param(3, 25, "BUY", id="far ahead"),
    ],
)
def test_a_silent_calendar_turns_no_hold_into_a_buy(
    silent_days: int, ahead_days: int, action: str
) -> None:
    now = T0 + silent_days * DAY_MS
    calendar = Feed(stage=ScoringStage(ENGINE))
    calendar.put(make_heartbeat(), make_event("delisting", (silent_days + ahead_days) * DAY_MS))
    (output,) = calendar.put(make_tick(now, cycle=now, cycle_size=1))
    score = output.event
    assert isinstance(score, EngineScore)
    assert (score.freshness == 0.0) == (silent_days >= 2)
    signal = cycle_of(Feed(make_strategy()), score)
    assert (signal.action, signal.fused_action) == (action, "BUY")
    assert signal.override == ("event_risk" if action == "HOLD" else None)


def test_a_risk_without_freshness_counts_and_lowers_the_confidence() -> None:
    fresh = cycle_of(Feed(make_strategy()), risk_of(-0.6))
    signal = cycle_of(Feed(make_strategy()), risk_of(-0.6, freshness=0.0))
    part = signal.contributions[3]
    assert (part.status, part.contribution) == ("ok", 0.15 * -0.6)
    assert signal.final_score == fresh.final_score
    assert signal.confidence < fresh.confidence


def test_good_news_without_freshness_add_nothing() -> None:
    signal = cycle_of(Feed(make_strategy()), risk_of(0.8, freshness=0.0))
    part = signal.contributions[3]
    assert (part.status, part.contribution) == ("stale", 0.0)


def test_a_risk_stands_while_its_worker_is_away() -> None:
    feed = Feed(make_strategy())
    assert cycle_of(feed, risk_of(-0.8, features={ENDS: 24.0})).action == "HOLD"
    said_at = feed.offset - 1
    for number in range(1, 4):
        signal = cycle_of(feed, missing_at(T0 + number * CYCLE_MS))
        assert (signal.action, signal.override) == ("HOLD", "event_risk")
        part = signal.contributions[3]
        assert (part.status, part.contribution) == ("missing", 0.0)
        assert "-0.800" in signal.detail["event_risk.known_risk"]
        assert said_at in [place.offset for place in signal.inputs]
    assert cycle_of(feed, missing_at(T0 + DAY_MS - 1)).action == "HOLD"
    passed = cycle_of(feed, missing_at(T0 + DAY_MS))
    assert (passed.action, passed.override) == ("BUY", None)
    assert "event_risk.known_risk" not in passed.detail


def test_without_a_date_a_risk_stands_for_the_horizon() -> None:
    feed = Feed(make_strategy())
    cycle_of(feed, risk_of(-0.8))
    assert cycle_of(feed, missing_at(T0 + 30 * DAY_MS - 1)).action == "HOLD"
    assert cycle_of(feed, missing_at(T0 + 30 * DAY_MS)).action == "BUY"


def test_a_risk_stands_when_nobody_writes_the_engine_off() -> None:
    """An old score is stale by its age; a request that comes later finds it."""
    feed = Feed(make_strategy())
    cycle_of(feed, risk_of(-0.8, features={ENDS: 2.0}))
    signal = feed.signal(make_request(requested_at=T0 + HOUR_MS))
    assert (signal.action, signal.override) == ("HOLD", "event_risk")
    assert signal.contributions[3].status == "stale"
    assert feed.signal(make_request(requested_at=T0 + 2 * HOUR_MS)).override is None


def test_the_engine_itself_lifts_its_risk() -> None:
    feed = Feed(make_strategy())
    cycle_of(feed, risk_of(-0.8, features={ENDS: 24.0}))
    cycle_of(feed, missing_at(T0 + CYCLE_MS))
    assert cycle_of(feed, risk_of(0.1, T0 + 2 * CYCLE_MS)).action == "BUY"
    assert cycle_of(feed, missing_at(T0 + 3 * CYCLE_MS)).action == "BUY", "nor does it come back"


def test_a_mild_risk_that_is_known_is_below_no_floor() -> None:
    feed = Feed(make_strategy(), make_strategy("careful", event_risk_floor=-0.2))
    feed.put(*answers(GOOD)[:3], risk_of(-0.3, features={ENDS: 24.0}), answers(GOOD)[4])
    later = answers(GOOD, T0 + CYCLE_MS)
    later[3] = missing_at(T0 + CYCLE_MS)
    actions = {one.strategy_id: one.action for one in feed.signals(*later)}
    assert actions == {"balanced": "BUY", "careful": "HOLD"}


def test_a_worker_goes_on_with_a_state_that_knows_of_no_last_risk() -> None:
    feed = Feed(make_strategy())
    cycle_of(feed, risk_of(-0.8, features={ENDS: 24.0}))
    assert feed.entry is not None
    stored = msgspec.to_builtins(feed.entry.state)
    del stored["last_risk"]
    feed.entry = Entry(msgspec.convert(stored, FusionState), feed.entry.applied)
    signal = cycle_of(feed, missing_at(T0 + 10 * MINUTE_MS))
    assert (signal.action, signal.override) == ("HOLD", "event_risk")
