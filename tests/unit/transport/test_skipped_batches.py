"""A fetch of the embedded broker ends where an offset is missing; on Apache Kafka it does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import PartitionRecords

from transport.embedded_broker import skipped_batches


class Record:
    """All that the cure looks at."""

    def __init__(self, offset: int) -> None:
        self.offset = offset


def fetched(monkeypatch: pytest.MonkeyPatch, offsets: list[int], start: int) -> Any:
    """Return a fetch result with these offsets, asked for from `start`."""

    def unpack(self: Any) -> Iterator[Record]:
        for offset in offsets:
            self.next_fetch_offset = offset + 1
            yield Record(offset)

    monkeypatch.setattr(skipped_batches, "_unpack", unpack)
    place = TopicPartition("t", 0)
    return PartitionRecords(place, None, None, start, None, None, False, 0)


@pytest.fixture(autouse=True)
def no_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skipped_batches, "_gaps", {})


@pytest.mark.parametrize(
    ("offsets", "start", "expected", "following"),
    [
        pytest.param([5, 6, 7], 5, [5, 6, 7], 8, id="whole"),
        pytest.param([5, 6, 9, 10], 5, [5, 6], 7, id="a gap within"),
        pytest.param([9, 10], 5, [], 5, id="a gap at the beginning"),
        pytest.param([], 5, [], 5, id="nothing"),
    ],
)
def test_on_the_embedded_broker(
    monkeypatch: pytest.MonkeyPatch,
    offsets: list[int],
    start: int,
    expected: list[int],
    following: int,
) -> None:
    monkeypatch.setenv("QUANTIVA_BROKER", "tansu")
    records = fetched(monkeypatch, offsets, start)
    assert [record.offset for record in records] == expected
    assert records.next_fetch_offset == following


def test_a_gap_that_stays_is_the_logs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTIVA_BROKER", "tansu")
    monkeypatch.setattr(skipped_batches, "_PATIENCE_S", 0.0)
    records = fetched(monkeypatch, [5, 9], 5)
    assert [record.offset for record in records] == [5, 9]


@pytest.mark.parametrize("kind", ["", "tansu-durable"])
def test_not_on_apache_kafka_nor_behind_a_durable_log(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """There gaps are compaction and markers of transactions."""
    monkeypatch.setenv("QUANTIVA_BROKER", kind)
    records = fetched(monkeypatch, [5, 9], 5)
    assert [record.offset for record in records] == [5, 9]
