"""What the runner does for the archive: records undecoded, batches bounded by bytes and by time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sinks.base import Rejected, SinkRecord
from sinks.batch import Batch
from sinks.decoding import Undecoded


def record(value: bytes | None) -> SinkRecord:
    return SinkRecord(topic="signals", partition=0, offset=0, timestamp_ms=0, value=value)


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        pytest.param(b"\0\0\0\0\2garbage", [], id="no Avro"),
        pytest.param(b"", [("a", b"1"), ("a", None)], id="empty, with headers"),
        pytest.param(None, [], id="tombstone of a topic that is not compacted"),
    ],
)
async def test_records_are_handed_over_as_they_are(value: bytes | None, headers: list[Any]) -> None:
    raw = SimpleNamespace(
        topic="test.market.news",
        partition=3,
        offset=7,
        timestamp=-1,
        key=None,
        value=value,
        headers=headers,
    )
    assert await Undecoded("test.").decode(raw) == SinkRecord(
        topic="market.news",
        partition=3,
        offset=7,
        timestamp_ms=-1,
        value=value,
        headers=tuple(headers),
    )


@pytest.mark.parametrize(
    ("values", "due"),
    [
        pytest.param([b"12345", b"1234"], False, id="below both"),
        pytest.param([b"12345", b"12345"], True, id="bytes"),
        pytest.param([b"1", b"", None], True, id="number"),
        pytest.param([None, None], False, id="tombstones weigh nothing"),
    ],
)
def test_a_batch_is_due_by_number_or_bytes(values: list[bytes | None], due: bool) -> None:
    batch = Batch(0, max_records=3, max_age_ms=60_000, max_bytes=10)
    for value in values:
        batch.add(record(value), 0.0)
    assert batch.is_due(0.0) == due


def test_what_was_rejected_weighs_too() -> None:
    batch = Batch(0, max_records=100, max_age_ms=60_000, max_bytes=10)
    batch.add(Rejected(record(b"x" * 10), "Bad", "bad."), 0.0)
    assert batch.is_due(0.0)


@pytest.mark.parametrize(
    ("age_s", "wait_ms", "due"),
    [
        pytest.param(0.0, 200, False, id="a stop is seen soon, also in a batch that may wait long"),
        pytest.param(59.9, 100, False, id="nearly due"),
        pytest.param(60.0, 0, True, id="due"),
        pytest.param(99.0, 0, True, id="overdue"),
    ],
)
def test_how_long_a_batch_waits(age_s: float, wait_ms: int, due: bool) -> None:
    batch = Batch(0, max_records=3, max_age_ms=60_000)
    batch.add(record(b""), 0.0)
    assert abs(batch.wait_ms(age_s) - wait_ms) <= 1
    assert batch.is_due(age_s) == due
