"""A recorded directory, an archive and the seeded market give the same kind of records."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from marketdata.recorded.source import RecordedDataError, read_directory
from schemas.codec import local_codec
from schemas.contract import STRUCTS, schema
from schemas.events import TOPIC_OF, order_key
from schemas.partitioning import partition_of
from schemas.topics import MARKET_TOPICS
from streams.archive.reader import Archive
from streams.archive.records import LoggedRecord
from streams.archive.store import open_store
from streams.archive.writer import ArchiveWriter
from streams.lookahead import sources
from tests.factories import HOUR_MS
from tests.unit.marketdata.recorded_factory import T0, hours, write_candles, write_headlines

PARTITIONS = 4


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Two assets of 30 hours, one headline."""
    write_candles(tmp_path, "BTC", "1h", hours(30))
    write_candles(tmp_path, "ETH", "1h", hours(30, price=20.0))
    headline = ("2022-03-01 05:00:00", "Bitcoin rises", "", "Wire", "bitcoin", "u1")
    write_headlines(tmp_path, [headline])
    return tmp_path


@pytest.fixture
def archive(directory: Path, tmp_path: Path) -> Archive:
    """Archive the events of the directory, each in the partition of its asset."""
    writer = ArchiveWriter(open_store(str(tmp_path / "archive")))
    writer.open("", {topic.name: PARTITIONS for topic in MARKET_TOPICS})
    codec = local_codec()
    for number, name in enumerate(STRUCTS, start=1):
        writer.add_schema(number, schema(name).text)
    logs: dict[tuple[str, int], list[LoggedRecord]] = defaultdict(list)
    for event in read_directory(directory, T0, T0 + 40 * HOUR_MS):
        key = event.asset.encode()
        log = logs[TOPIC_OF[type(event)].name, partition_of(key, PARTITIONS)]
        log.append(LoggedRecord(len(log), event.observed_at, key, codec.encode(event), ()))
    for (topic, partition), log in logs.items():
        log.append(LoggedRecord(len(log), log[-1].timestamp_ms, b"BTC", b"rubbish", ()))
        writer.write(topic, partition, log)
    return Archive(str(tmp_path / "archive"))


def test_a_directory_is_read_from_its_first_candle_to_its_last(directory: Path) -> None:
    source = sources.directory(directory, None, None)
    events = [record.event for record in source.read()]
    candles = [event for event in events if TOPIC_OF[type(event)].name == "market.candles"]
    assert len(candles) == 60
    assert candles[0].open_time == T0
    assert candles[-1].open_time == T0 + 29 * HOUR_MS
    assert events == [record.event for record in source.read()], "it can be read again"
    assert [order_key(event) for event in events] == sorted(map(order_key, events))


def test_a_span_and_assets(directory: Path) -> None:
    source = sources.directory(directory, T0 + 10 * HOUR_MS, T0 + 12 * HOUR_MS, ("ETH",))
    events = [record.event for record in source.read()]
    assert {event.asset for event in events} == {"ETH"}
    assert max(event.observed_at for event in events) < T0 + 12 * HOUR_MS


@pytest.mark.parametrize("make", [lambda path: path / "nowhere", lambda path: path])
def test_a_directory_without_data_is_refused_at_once(make: Any, tmp_path: Path) -> None:
    with pytest.raises(RecordedDataError):
        sources.directory(make(tmp_path), None, None)


def test_an_archive_gives_the_same_events_at_their_own_places(
    archive: Archive, directory: Path
) -> None:
    records = list(sources.archive(archive, None, None).read())
    events = [record.event for record in records]
    assert [event.observed_at for event in events] == sorted(e.observed_at for e in events)
    assert sorted(events, key=order_key) == list(read_directory(directory, T0, T0 + 40 * HOUR_MS))
    for record in records:
        assert record.partition == partition_of(record.event.asset.encode(), PARTITIONS)
    places = [(record.topic, record.partition, record.offset) for record in records]
    assert len(set(places)) == len(places)


def test_an_archive_by_time_and_asset(archive: Archive) -> None:
    from_ms, until_ms = T0 + 10 * HOUR_MS, T0 + 12 * HOUR_MS
    records = list(sources.archive(archive, from_ms, until_ms, ("BTC",)).read())
    assert {record.event.asset for record in records} == {"BTC"}
    assert all(from_ms <= record.event.observed_at < until_ms for record in records)


def test_the_seeded_market_is_the_same_again() -> None:
    source = sources.seeded(3, 1, ("BTC",))
    first = list(source.read())
    assert first == list(source.read())
    assert {record.event.asset for record in first} == {"BTC"}
    assert {record.topic for record in first} == {topic.name for topic in MARKET_TOPICS}


def test_the_seeded_market_has_no_asset_of_that_name() -> None:
    with pytest.raises(ValueError, match="has none of NOPE"):
        sources.seeded(3, 1, ("NOPE",))
