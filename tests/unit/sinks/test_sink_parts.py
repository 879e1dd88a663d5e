"""The pure parts of the sinks: identity, batches, addresses, letters, headers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from schemas.codec import local_codec
from schemas.dead_letters import Kind
from sinks.base import Rejected, SinkRecord
from sinks.batch import Batch
from sinks.dead_letter_writer import letter
from sinks.decoding import ContractDecoder
from sinks.identity import identity, newest
from sinks.postgres.migrate import yoyo_uri
from tests.contract.sink_samples import T0, news, record, signal, strategy, tombstone, trending


def test_an_address_of_another_kind_is_refused_without_repeating_it() -> None:
    with pytest.raises(ValueError, match="must look like") as refused:
        yoyo_uri("mysql://u:pw@db/q")
    assert "pw@" not in str(refused.value)


SAME = [
    pytest.param(record(signal(1)), record(signal(1, action="HOLD")), True, id="signal by its id"),
    pytest.param(record(news(1)), record(news(1, asset="ETH")), False, id="news also by asset"),
    pytest.param(record(trending()), record(trending(cycle=T0 + 1)), False, id="trending by cycle"),
    pytest.param(tombstone("a", 1), tombstone("a", 2), True, id="tombstone by its key"),
]


@pytest.mark.parametrize(("one", "other", "same"), SAME)
def test_identity(one: SinkRecord, other: SinkRecord, same: bool) -> None:
    assert (identity(one) == identity(other)) is same


def test_newest_keeps_the_order_of_first_appearance() -> None:
    old, other, new = record(news(1)), record(news(2)), record(news(1, observed_at=T0 + 9))
    assert newest([old, other, new, old]) == [new, other]


def test_a_batch_is_due_by_size() -> None:
    batch = Batch(0, max_records=3, max_age_ms=1000)
    for count in range(3):
        assert not batch.is_due(now_s=0.0)
        assert batch.room == 3 - count
        batch.add(record(signal(count)), now_s=0.0)
    assert batch.is_due(now_s=0.0)


def test_a_batch_is_due_by_the_age_of_its_first_record() -> None:
    batch = Batch(0, max_records=100, max_age_ms=200)
    assert not batch.is_due(now_s=99.0)
    batch.add(record(signal(1)), now_s=100.0)
    batch.add(Rejected(record(signal(2)), "BadEvent", "no."), now_s=100.15)
    assert batch.wait_ms(100.15) in {49, 50}
    assert not batch.is_due(now_s=100.15)
    assert batch.is_due(now_s=100.21)


def test_an_empty_batch_never_waits_zero() -> None:
    assert Batch(0, max_records=1, max_age_ms=0).wait_ms(now_s=5.0) > 0


def raw(topic: str, value: bytes | None) -> Any:
    """What aiokafka hands over."""
    return SimpleNamespace(
        topic=topic, partition=1, offset=2, timestamp=T0, key=b"k", value=value, headers=()
    )


async def test_decoding_takes_the_prefix_off_and_keeps_the_bytes() -> None:
    value = local_codec().encode(news())
    decoded = await ContractDecoder(local_codec(), "p.").decode(raw("p.market.news", value))
    assert decoded == SinkRecord(
        topic="market.news",
        partition=1,
        offset=2,
        timestamp_ms=T0,
        key=b"k",
        event=news(),
        value=value,
    )


BAD = [
    pytest.param("market.news", None, "no value", id="a tombstone where none may be"),
    pytest.param("market.news", b"{}", "Confluent wire format", id="JSON"),
    pytest.param("market.news", b"\0\0\0\3\xe7", "999", id="unknown schema, nobody to ask"),
    pytest.param(
        "market.news", local_codec().encode(signal()), "carries news_article", id="wrong event"
    ),
    pytest.param(
        "market.news", local_codec().encode(news(headline=" ")), "headline", id="invalid event"
    ),
    pytest.param(
        "control.strategies",
        local_codec().encode(strategy(exit_rule="RSI > 70 OR RIS > 5")),
        "exit_rule, line 1, column 13: RIS is not known; did you mean RSI?",
        id="wrong rule",
    ),
]


@pytest.mark.parametrize(("topic", "value", "reason"), BAD)
async def test_decoding_refuses(topic: str, value: bytes | None, reason: str) -> None:
    refused = await ContractDecoder(local_codec()).decode(raw(topic, value))
    assert isinstance(refused, Rejected)
    assert reason in refused.reason
    assert refused.record.value == value


def test_a_refused_record_becomes_a_letter_of_its_kind() -> None:
    big = record(signal(), offset=42, value=b"x" * 1_000_000)
    made = letter(Rejected(big, "Bad", "It is bad."), "sink.test", T0)
    assert (made.letter_id, made.kind) == ("signals:0:42:sink.test", "not_stored")
    assert made.record_value is None
    assert "offset 42" in made.reason
    assert letter(Rejected(big, "Bad", "No.", Kind.INVALID), "sink.test", T0).kind == "invalid"
