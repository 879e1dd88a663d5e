"""Chunks of records become entries, outputs, dead letters and offsets; nothing is sent yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from faust.types import TP

from schemas.codec import Codec, UnknownSchemaError
from schemas.contract import STRUCTS, schema
from schemas.partitioning import partition_of
from schemas.registry_client import RegistryError
from streams.agents.crashes import CRASHES_BEFORE_DEAD_LETTER
from tests import factories
from tests.factories import START_MS
from tests.unit.streams.agents.memory_broker import CODEC, PARTITIONS, MemoryBroker, MemoryWorker
from tests.unit.streams.agents.scenes import COUNTING

CANDLE = factories.candle()
BTC = partition_of(b"BTC", PARTITIONS)


class Schemas:
    """A registry that is away for some requests, and then knows schemas by their ids."""

    def __init__(self, known: dict[int, str], away: int = 0) -> None:
        self.requests = 0
        self._known = known
        self._away = away

    async def resolve(self, codec: Codec, unknown: UnknownSchemaError) -> bool:
        self.requests += 1
        if self.requests <= self._away:
            msg = "the registry does not answer"
            raise RegistryError(msg)
        text = self._known.get(unknown.schema_id)
        return text is not None and codec.learn(unknown.schema_id, text)


def _worker(broker: MemoryBroker, folder: Path, **options: Any) -> MemoryWorker:
    return MemoryWorker(broker, COUNTING, folder, **options)


def _letters(work: Any) -> list[Any]:
    return [CODEC.decode(one.value) for some in work.letters.values() for one in some]


async def test_a_batch_says_what_to_write_to_send_and_to_commit(tmp_path: Path) -> None:
    broker = MemoryBroker()
    broker.publish(CANDLE, factories.tick("ETH"), factories.tick("BTC", START_MS + 1))
    work = await _worker(broker, tmp_path).work(7)
    assert (work.assignment_number, work.events, work.letters) == (7, 3, {})
    assert {key: partition for key, (partition, _) in work.entries.items()} == {
        b"BTC": BTC,
        b"ETH": partition_of(b"ETH", PARTITIONS),
    }
    assert {key: len(pending) for key, pending in work.outputs.items()} == {b"BTC": 2, b"ETH": 1}
    assert work.done == {
        TP("market.candles", BTC): 1,
        TP("market.trending", BTC): 1,
        TP("market.trending", 1 - BTC): 1,
    }
    assert broker.sent(COUNTING.inputs) == []


async def test_an_output_carries_the_times_of_its_record(tmp_path: Path) -> None:
    broker = MemoryBroker()
    broker.publish(CANDLE)
    work = await _worker(broker, tmp_path).work()
    (pending,) = work.outputs[b"BTC"]
    assert (pending.topic, pending.partition, pending.key) == ("engine.scores", BTC, b"BTC")
    assert (pending.timestamp_ms, pending.sent_ms) == (START_MS, START_MS + 7)


async def test_what_was_decided_and_not_sent_is_sent_again_before_what_is_new(
    tmp_path: Path,
) -> None:
    broker = MemoryBroker()
    broker.publish(CANDLE)
    first = _worker(broker, tmp_path)
    decided = await first.work()
    value = first.store.encode(decided.entries[b"BTC"][1], decided.outputs[b"BTC"], BTC)
    broker.append("state-changelog", BTC, b"BTC", value, None)  # and there it died

    broker.publish(factories.tick("BTC", START_MS + 1))
    second = _worker(broker, tmp_path)
    work = await second.work()
    assert work.outputs[b"BTC"][:1] == decided.outputs[b"BTC"]
    assert len(work.outputs[b"BTC"]) == 2
    assert work.entries[b"BTC"][1].applied == {"market.candles": 0, "market.trending": 0}


async def test_a_record_that_was_applied_changes_nothing_and_is_done(tmp_path: Path) -> None:
    broker = MemoryBroker()
    broker.publish(CANDLE)
    worker = _worker(broker, tmp_path)
    await worker.work()
    again = await worker.work()
    assert (again.entries, again.outputs) == ({}, {})
    assert again.done == {TP("market.candles", BTC): 1}


BAD = {
    "no Avro": (b"\xff\x00garbage", b"BTC", "BadEvent", "wire format"),
    "no value": (None, b"BTC", "BadEvent", "no value"),
    "cut off": (CODEC.encode(CANDLE)[:-6], b"BTC", "BadEvent", "cannot be read"),
    "of another topic": (CODEC.encode(factories.book()), b"BTC", "BadEvent", "does not belong"),
    "under another key": (CODEC.encode(CANDLE), b"ETH", "BadEvent", "key is b'ETH'"),
    "not valid": (
        CODEC.encode(msgspec.structs.replace(CANDLE, volume=-1.0)),
        b"BTC",
        "BadEvent",
        "volume -1.0",
    ),
}


@pytest.mark.parametrize(("value", "key", "error", "reason"), BAD.values(), ids=BAD)
async def test_a_bad_record_becomes_a_dead_letter_and_the_batch_goes_on(
    value: Any, key: bytes, error: str, reason: str, tmp_path: Path
) -> None:
    broker = MemoryBroker()
    broker.append("market.candles", BTC, key, value, START_MS)
    broker.publish(CANDLE)
    work = await _worker(broker, tmp_path).work()
    (letter,) = _letters(work)
    assert (letter.topic, letter.partition, letter.offset) == ("market.candles", BTC, 0)
    assert (letter.stage, letter.error, letter.record_key) == ("technical", error, key)
    assert letter.record_value == value
    assert reason in letter.reason
    assert len(work.outputs[b"BTC"]) == 1
    assert work.done == {TP("market.candles", BTC): 2}


NEW_ID = 901
NEWER = Codec({name: number for number, name in enumerate(STRUCTS, start=NEW_ID)})
NEW_CANDLE_ID = NEW_ID + list(STRUCTS).index("candle")


async def _of_a_newer_writer(registry: Schemas, folder: Path) -> tuple[Any, MemoryBroker]:
    broker = MemoryBroker()
    broker.append("market.candles", BTC, b"BTC", NEWER.encode(CANDLE), START_MS)
    broker.publish(factories.candle(close_ms=START_MS + factories.HOUR_MS))
    worker = _worker(broker, folder, registry=registry, codec=_codec())
    return await worker.work(), broker


def _codec() -> Codec:
    """Return a codec that a test may teach."""
    return Codec({name: number for number, name in enumerate(STRUCTS, start=1)})


async def test_the_registry_is_asked_for_an_unknown_schema_until_it_answers(tmp_path: Path) -> None:
    registry = Schemas({NEW_CANDLE_ID: schema("candle").text}, away=1)
    work, _ = await _of_a_newer_writer(registry, tmp_path)
    assert registry.requests == 2
    assert work.letters == {}
    assert len(work.outputs[b"BTC"]) == 2, "the order is that of the log"


@pytest.mark.parametrize(
    "known",
    [
        pytest.param({}, id="the registry has no such id"),
        pytest.param({NEW_CANDLE_ID: '"string"'}, id="it is no schema of ours"),
    ],
)
async def test_a_schema_that_nobody_knows_makes_a_dead_letter(
    known: dict[int, str], tmp_path: Path
) -> None:
    work, _ = await _of_a_newer_writer(Schemas(known), tmp_path)
    (letter,) = _letters(work)
    assert letter.offset == 0
    assert f"schema id {NEW_CANDLE_ID}" in letter.reason
    assert len(work.outputs[b"BTC"]) == 1


async def test_an_engine_that_fails_ends_the_batch_until_the_record_is_given_up(
    tmp_path: Path,
) -> None:
    broker = MemoryBroker()
    broker.publish(CANDLE, factories.candle(close_ms=START_MS + 1, price=13.0))
    for _ in range(CRASHES_BEFORE_DEAD_LETTER):
        worker = _worker(broker, tmp_path)  # the count outlives the process
        with pytest.raises(ZeroDivisionError):
            await worker.work()
    worker = _worker(broker, tmp_path)
    work = await worker.work()
    (letter,) = _letters(work)
    assert letter.offset == 1
    assert "ZeroDivisionError: thirteen" in letter.reason
    assert len(work.outputs[b"BTC"]) == 1


@pytest.mark.parametrize(
    "value",
    [
        pytest.param((START_MS + 7).to_bytes(8, "big"), id="a long of eight bytes"),
        *(pytest.param(value, id=str(value)[:9]) for value in (b"", b"abc", b"1.5", b"9" * 5000)),
        pytest.param(b"%d" % 2**70, id="more than 64 bits"),
        pytest.param(None, id="null"),
    ],
)
async def test_case_odd_sent_header(value: Any, tmp_path: Path) -> None:
    broker = MemoryBroker()
    broker.append(
        "market.candles", BTC, b"BTC", CODEC.encode(CANDLE), START_MS, [("sent_ms", value)]
    )
    worker = _worker(broker, tmp_path)
    await worker.run()
    (score,) = broker.sent(COUNTING.inputs)
    assert (score.topic, score.headers) == ("engine.scores", ())
    assert worker.fetch() == []


async def test_a_count_belongs_to_the_record_and_not_to_its_offset(tmp_path: Path) -> None:
    """Another log has another record at the offset: it is not the one that failed."""
    for price in (13.0, 13.0, 13.0, 1.0):
        broker = MemoryBroker()  # as the embedded one after a restart
        broker.publish(factories.candle(price=price))
        worker = _worker(broker, tmp_path)
        if price == 13.0:
            with pytest.raises(ZeroDivisionError):
                await worker.work()
    work = await worker.work()
    assert work.letters == {}
    assert len(work.outputs[b"BTC"]) == 1
