"""Finding a signal by the beginning of its id, and reading what logs hold."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from schemas.scores import InputPosition
from streams.archive.records import LoggedRecord
from streams.provenance.sources import kafka
from streams.provenance.sources.archive import _runs
from streams.provenance.sources.base import Searched, SourceError
from streams.provenance.sources.finding import FindError, find
from streams.provenance.sources.looking import Reader
from tests.unit.streams.provenance.world import World


async def test_a_signal_is_found_by_its_beginning(world: World) -> None:
    for signal in world.signals()[::9]:
        for digits in (12, 32):
            found, at = await find(signal.signal_id[:digits], None, [Reader(world)], 10**6)
            assert found == signal
            assert at.where == world.where
            assert at.place is not None
            assert at.place.topic == "signals"


async def test_an_ambiguous_beginning_shows_the_candidates(world: World) -> None:
    first, second = world.signals()[:2]
    log = World()
    for signal in (first, msgspec.structs.replace(second, signal_id=first.signal_id[:31] + "x")):
        log.publish(signal.asset, signal)
    with pytest.raises(FindError, match="several signals begin with") as caught:
        await find(first.signal_id[:6], None, [Reader(log)], 100)
    said = str(caught.value)
    assert first.signal_id in said
    assert second.strategy_id in said
    assert "give more digits" in said


async def test_a_signal_that_came_twice_is_one(world: World) -> None:
    signal = world.signals()[0]
    log = World()
    log.publish(signal.asset, signal)
    log.publish(signal.asset, signal)
    assert (await find(signal.signal_id[:8], None, [Reader(log)], 100))[0] == signal


class Away(World):
    """A log that does not answer."""

    async def fetch(self, places: Any) -> Any:
        raise SourceError("the broker does not answer")

    async def search(self, *_: Any, **__: Any) -> Searched:
        raise SourceError("the broker does not answer")


NOWHERE = [
    pytest.param("abcdef", [World()], "no signal begins with 'abcdef'. Looked in all 0", id="none"),
    pytest.param("a" * 32, [World()], "no signal has the id", id="whole id"),
    pytest.param("abcdef", [World(), Away()], "and in the log in memory (the broker", id="away"),
    pytest.param("abcdef", [], "no place to look", id="no place"),
]


@pytest.mark.parametrize(("begin", "logs", "words"), NOWHERE)
async def test_an_unknown_id_says_where_was_looked(
    begin: str, logs: list[World], words: str
) -> None:
    with pytest.raises(FindError) as caught:
        await find(begin, None, [Reader(log) for log in logs], 100)
    assert words in str(caught.value)
    assert "--archive" in str(caught.value)


async def test_a_database_that_is_away_is_passed_over(world: World) -> None:
    signal, dsn = world.signals()[0], "postgresql://u:secret@127.0.0.1:1/x"
    found, at = await find(signal.signal_id, dsn, [Reader(world)], 10**6)
    assert (found, at.where) == (signal, world.where)
    with pytest.raises(FindError, match=r"PostgreSQL at .* \(it does not answer\)") as caught:
        await find("abcdef", dsn, [Reader(world)], 100)
    assert "secret" not in str(caught.value)


VALUES = [
    pytest.param(None, "deleted", id="tombstone"),
    pytest.param(b"junk", "wire format", id="junk"),
    pytest.param(b"\0\0\0\x03\xe7x", "schema id 999", id="unknown schema"),
    pytest.param(b"\0\0\0\0\x03", "cannot be read", id="cut off"),
]


@pytest.mark.parametrize(("value", "words"), VALUES)
async def test_what_cannot_be_decoded_is_said(value: bytes | None, words: str) -> None:
    world = World(())
    world.logs["market.news", 0].append(LoggedRecord(0, 5, b"BTC", value, ()))
    place = InputPosition("market.news", 0, 0)
    looked = (await Reader(world).look([place]))[place]
    assert looked.event is None
    assert words in (looked.missing or "")
    assert (looked.origin, looked.timestamp_ms) == ("kafka", 5)


async def test_a_log_that_is_away_is_the_reason_for_all_its_records() -> None:
    place = InputPosition("market.news", 0, 0)
    looked = await Reader(Away()).look([place])
    assert looked[place].missing == "the broker does not answer"


RUNS = [
    pytest.param([3, 1, 2, 2], [[1, 2, 3]], id="near ones together"),
    pytest.param([1, 5000], [[1], [5000]], id="far ones apart"),
    pytest.param([], [], id="none"),
]


@pytest.mark.parametrize(("offsets", "runs"), RUNS)
def test_places_of_an_archive_are_read_in_runs(offsets: list[int], runs: list[list[int]]) -> None:
    places = [InputPosition("market.news", 0, offset) for offset in offsets]
    assert [run for _, run in _runs(places)] == runs


LOST = [
    pytest.param("market.news", 4, kafka.RETENTION, id="deleted"),
    pytest.param("market.news", 6, kafka.HOLE, id="a hole"),
    pytest.param("control.strategies", 6, kafka.COMPACTION, id="compacted away"),
    pytest.param("control.strategies", 8, kafka.BEYOND, id="behind the end"),
]


@pytest.mark.parametrize(("topic", "offset", "words"), LOST)
def test_why_there_is_no_record_at_a_place(topic: str, offset: int, words: str) -> None:
    assert kafka._why_not(InputPosition(topic, 0, offset), begin=5, end=8) == words
