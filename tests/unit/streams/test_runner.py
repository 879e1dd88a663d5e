"""The one runner: validated, advanced once, routed, and usable as the test kit says."""

from __future__ import annotations

import ast
from typing import Any

import msgspec
import pytest

from producers.strategies import PREBUILT
from schemas.codec import BadEventError
from schemas.control import SignalRequest
from schemas.market import OrderBook
from schemas.partitioning import partition_of
from schemas.topics import BOOKS, DECISIONS, REQUESTS, SCORES, SIGNALS, TOP, TRENDING
from streams.engines.liquidity import ENGINE
from streams.engines.scoring_stage import ScoringStage
from streams.runner import Refused, StageRunner, TopologyRunner
from streams.stage import UnusableEventError
from streams.topology import stages
from tests.unit.streams.engines._market import START_MS, make_tick
from tests.unit.streams.engines._market import make_book as book_of
from tests.unit.test_docs import blocks

STAGE = ScoringStage(ENGINE)


def make_book(observed_at: int = START_MS, size: float = 1.0) -> OrderBook:
    """Return a small book of BTC."""
    return book_of([(99.0, size), (98.0, size)], [(101.0, size), (102.0, size)], observed_at)


@pytest.mark.parametrize("number", [0, 1], ids=["a strategy", "an engine"])
def test_the_recipes_of_the_test_kit_work(number: int) -> None:
    block = blocks("docs/testkit.md", "python")[number]
    names = [one.name for one in ast.parse(block).body if isinstance(one, ast.FunctionDef)]
    space: dict[str, Any] = {}
    exec(compile(block, "docs/testkit.md", "exec"), space)
    assert names
    for name in names:
        space[name]()


def test_a_tick_becomes_scores_decisions_signals_and_a_top_ten() -> None:
    runner = TopologyRunner(stages(), strategies=PREBUILT)
    made = runner.publish(make_tick())
    topics = [one.topic for one in made]
    assert topics.count(SCORES.name) == 5
    assert topics.count(SIGNALS.name) == topics.count(DECISIONS.name) == len(PREBUILT)
    assert topics.count(TOP.name) == len(PREBUILT)


@pytest.mark.parametrize(
    ("change", "place", "reason"),
    [
        pytest.param({"ask_prices": ()}, {}, "ask", id="an event that is not valid"),
        pytest.param({}, {"key": b"ETH"}, "the key is b'ETH'", id="under another key"),
        pytest.param({}, {"partition": 9}, "stands in partition 9", id="in another partition"),
        pytest.param({}, {"event": BadEventError("no Avro")}, "no Avro", id="not decoded"),
        pytest.param({}, {"topic": TRENDING.name}, "does not belong into", id="in another topic"),
    ],
)
def test_a_stage_refuses(change: dict[str, Any], place: dict[str, Any], reason: str) -> None:
    runner = StageRunner(STAGE, 4)
    book = msgspec.structs.replace(make_book(START_MS), **change)
    given = {
        "topic": BOOKS.name,
        "partition": partition_of(b"BTC", 4),
        "offset": 0,
        "key": b"BTC",
        "event": book,
        **place,
    }
    with pytest.raises(BadEventError, match=reason):
        runner.apply(**given)
    assert runner.entries == {}


def test_an_offset_that_was_applied_changes_nothing() -> None:
    runner = StageRunner(STAGE, 1)
    first = runner.apply(BOOKS.name, 0, 7, b"BTC", make_book(START_MS))
    before = dict(runner.entries)  # type: ignore[call-overload]
    assert [one.topic for one in first] == [SCORES.name]
    assert runner.apply(BOOKS.name, 0, 7, b"BTC", make_book(START_MS, size=2.0)) == ()
    assert runner.entries == before


def test_what_was_given_up_does_not_reach_the_stage() -> None:
    def given_up(topic: str, partition: int, offset: int) -> None:
        if offset == 1:
            msg = f"{topic}:{partition}:{offset} was given up"
            raise UnusableEventError(msg)

    runner = StageRunner(STAGE, 1, given_up=given_up)
    assert runner.apply(BOOKS.name, 0, 0, b"BTC", make_book(START_MS))
    with pytest.raises(UnusableEventError, match="given up"):
        runner.apply(BOOKS.name, 0, 1, b"BTC", make_book(START_MS + 60_000))
    assert runner.entries.get(b"BTC").applied == {BOOKS.name: 0}  # type: ignore[union-attr]


def test_what_a_stage_cannot_use_is_reported_and_the_rest_goes_on() -> None:
    refused: list[Refused] = []
    runner = TopologyRunner(stages(), strategies=PREBUILT, refused=refused.append)
    assert runner.publish(SignalRequest("r1", "BTC", "nobody's", START_MS)) == []
    assert [(one.stage, one.topic, one.error) for one in refused] == [
        ("fusion", REQUESTS.name, "BadRequest")
    ]
    assert runner.publish(SignalRequest("r2", "BTC", PREBUILT[0].strategy_id, START_MS))


def test_without_a_place_for_them_errors_are_raised() -> None:
    runner = TopologyRunner(stages(), strategies=PREBUILT)
    with pytest.raises(UnusableEventError, match="nobody"):
        runner.publish(SignalRequest("r1", "BTC", "nobody's", START_MS))
    with pytest.raises(LookupError, match="no input"):
        runner.publish(PREBUILT[0])
