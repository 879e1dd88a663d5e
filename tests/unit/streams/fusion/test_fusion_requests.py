"""Fusion: signals that somebody asked for."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.control import DRY_RUN
from schemas.engines import ENGINES
from schemas.scores import InputPosition
from schemas.signals import has_data, is_of_record
from streams.fusion.decision_builder import decision_id
from streams.fusion.fusion_stage import BadRequestError
from streams.stage import UnusableEventError
from tests.factories import MINUTE_MS, dry_run
from tests.unit.streams.fusion.fusion_factories import (
    T0,
    Feed,
    answers,
    make_request,
    make_score,
    make_strategy,
    make_tables,
)


def test_a_request_is_answered_at_once() -> None:
    feed = Feed(make_strategy())
    feed.put(*answers()[:3])
    signal = feed.signal(make_request(requested_at=T0 + MINUTE_MS))
    assert (signal.trigger, signal.request_id, signal.cycle) == ("request", "request-1", None)
    assert signal.as_of == T0 + MINUTE_MS
    assert signal.signal_id == decision_id("balanced", "BTC", signal.as_of)
    assert InputPosition("control.requests", 0, 3) in signal.inputs
    assert signal.detail["liquidity.status"] == "missing: no score yet"


def test_a_request_takes_the_strategy_as_it_is_now() -> None:
    feed = Feed(make_strategy())
    feed.put(*answers())
    feed.tables = make_tables(make_strategy(version=2, buy_threshold=0.9))
    assert feed.signal(make_request()).action == "HOLD"
    (first,) = feed.decisions(make_score("sentiment", 0.7, as_of=T0 + 1))
    assert (first.strategy_version, first.trigger) == (2, "change"), "the request began nothing"


def test_a_request_changes_neither_the_action_nor_what_waits() -> None:
    """All is stale when somebody asks: that HOLD is an answer, and the strategy goes on in BUY."""
    feed = Feed(make_strategy())
    feed.put(*answers())
    asked = feed.signal(make_request(requested_at=T0 + 30 * MINUTE_MS))
    assert asked.action == "HOLD"
    assert asked.detail["technical.status"] == "stale: its last score is 1800 s old"
    assert feed.signals(make_score("sentiment", 0.7, as_of=T0 + 1)) == [], "BUY, as it was"
    down = feed.signal(make_score("sentiment", -1.0, as_of=T0 + 2))
    assert (down.trigger, down.action) == ("change", "HOLD")
    assert down.as_of == asked.as_of + 1, "time of an asset's signals never goes back"


def test_a_request_for_an_asset_without_scores_is_a_hold_that_says_so() -> None:
    signal = Feed(make_strategy()).signal(make_request())
    assert (signal.action, signal.entry_price_usd, signal.as_of) == ("HOLD", None, T0)
    assert signal.detail == {f"{engine}.status": "missing: no score yet" for engine in ENGINES}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({"strategy_id": "other"}, "unknown", id="unknown"),
        pytest.param({"active": False}, "not active", id="not active"),
    ],
)
def test_a_request_that_names_no_active_strategy(fields: dict[str, Any], reason: str) -> None:
    feed = Feed(make_strategy(**fields))
    with pytest.raises(BadRequestError, match=reason) as caught:
        feed.put(make_request())
    assert "request-1" in str(caught.value)
    assert isinstance(caught.value, UnusableEventError), "the loop makes it a dead letter"


def test_two_requests_in_one_millisecond_get_two_ids() -> None:
    feed = Feed(make_strategy())
    one, two = feed.signals(make_request(), make_request())
    assert two.as_of == one.as_of + 1
    assert one.signal_id != two.signal_id


def test_a_dry_run_decides_with_the_strategy_that_it_brings_and_leaves_no_trace() -> None:
    feed = Feed(make_strategy())
    feed.put(*answers({"sentiment": 0.7}))
    own = make_strategy(
        strategy_id="mine", active=False, version=7, buy_threshold=1.0, sell_threshold=0.9
    )
    before = feed.entry
    signal = feed.signal(dry_run(own, requested_at=T0))
    assert (signal.trigger, signal.strategy_id, signal.action) == ("dry_run", DRY_RUN, "SELL")
    assert (signal.request_id, signal.strategy_version) == ("dry-mine", 7)
    assert [one.topic for one in signal.inputs if one.topic.startswith("control.")] == [
        "control.requests"
    ]
    assert not is_of_record(signal)
    assert before is not None
    assert feed.entry is not None
    assert feed.entry.state.pinned == before.state.pinned
    assert feed.put(make_score("sentiment", 0.7, as_of=T0 + 1)) == [], "no change from a dry run"


def test_a_dry_run_needs_no_stored_strategy_and_has_ids_of_its_own() -> None:
    feed = Feed()
    own = make_strategy()
    one, two = feed.signals(dry_run(own), dry_run(own))
    assert one.signal_id != two.signal_id
    assert not has_data(one)


def test_an_answer_is_of_record_where_anything_is_known_of_its_asset() -> None:
    feed = Feed(make_strategy())
    assert not is_of_record(feed.signal(make_request()))
    feed.put(make_score("technical", 0.2))
    assert is_of_record(feed.signal(make_request()))
