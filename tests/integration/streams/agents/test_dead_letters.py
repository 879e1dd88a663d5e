"""What cannot be used ends in the dead letters, with a reason, and the stream goes on."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from schemas.codec import Codec
from schemas.dead_letters import DeadLetter
from schemas.partitioning import partition_of
from tests import factories
from tests.integration.streams.agents.rig import START_MS, Rig, market, rig
from transport import clients

GOOD = factories.candle(close_ms=START_MS, price=100.0)
SCORE = msgspec.structs.replace(factories.score(), engine="astrology")


@dataclasses.dataclass(frozen=True)
class Bad:
    """A record that cannot be used: where it goes, its bytes, and words of the reason."""

    topic: str
    value: Callable[[Codec], bytes]
    reason: str
    key: bytes = b"BTC"
    partition: int | None = None
    kept: bool = True


def _candle(**changes: Any) -> Callable[[Codec], bytes]:
    return lambda codec: codec.encode(msgspec.structs.replace(GOOD, **changes))


BAD = {
    "garbage": Bad("market.candles", lambda _: b"\xff\x00garbage", "wire format"),
    "empty": Bad("market.candles", lambda _: b"", "wire format"),
    "wrong-schema-id": Bad(
        "market.candles", lambda codec: b"\0\0\0\x03\xe7" + codec.encode(GOOD)[5:], "schema id 999"
    ),
    "cut-off": Bad("market.candles", lambda codec: codec.encode(GOOD)[:-6], "cannot be read"),
    "nan-price": Bad("market.candles", _candle(close=float("nan")), "close nan"),
    "negative-volume": Bad("market.candles", _candle(volume=-1.0), "volume -1.0"),
    "closes-before-it-opens": Bad(
        "market.candles", _candle(close_time=START_MS - 7_200_000), "before it opens"
    ),
    "unknown-engine": Bad("engine.scores", lambda codec: codec.encode(SCORE), "'astrology'"),
    "wrong-key": Bad("market.candles", _candle(), "key is b'ETH'", key=b"ETH"),
    "wrong-topic": Bad("market.books", lambda codec: codec.encode(GOOD), "does not belong"),
    "wrong-partition": Bad(
        "market.candles", _candle(), "murmur2", partition=(partition_of(b"BTC", 4) + 1) % 4
    ),
    "as-large-as-the-broker-allows": Bad(
        "market.candles", lambda _: b"{" + b"x" * 1_048_398 + b"}", "value of 1048400", kept=False
    ),
    "huge-key": Bad(
        "market.candles", _candle(), "key of 1000000 bytes", key=b"B" * 1_000_000, kept=False
    ),
    "huge-reason": Bad(
        "engine.scores",
        lambda codec: codec.encode(msgspec.structs.replace(SCORE, engine="e" * 800_000)),
        "unknown engine 'eee",
    ),
}


async def test_each_kind_of_bad_record(embedded_parts: dict[str, str], folder: Path) -> None:
    async with rig(embedded_parts, folder, name="letters") as running:
        waves = await running.play(market(assets=2, cycles=1))
        assert waves > 2
        sent = await _send_bad(running)
        letters = await _letters(running, len(sent))
        for name, place in sent.items():
            letter = letters[place]
            assert BAD[name].reason in letter.reason, f"{name}: {letter.reason}"
            assert letter.kind == "invalid"
            if BAD[name].kept:
                assert letter.record_value == BAD[name].value(running.codec), name
                assert letter.record_key == BAD[name].key
            else:
                assert letter.record_value is None, name
        # The stream goes on: a cycle after the bad records gives every signal.
        await running.play(market(assets=2, cycles=2)[len(market(assets=2, cycles=1)) :])
        await running.stored()
        cycles = await running.fetch(
            "SELECT cycle, count(*) AS n FROM strategy_signals WHERE trigger = 'cycle' GROUP BY 1"
        )
        assert [row["n"] for row in cycles] == [8, 8]


async def _send_bad(running: Rig) -> dict[str, tuple[str, int, int]]:
    producer = AIOKafkaProducer(
        bootstrap_servers=running.settings.bootstrap, max_request_size=2_000_000
    )
    await producer.start()
    try:
        places = {}
        for name, bad in BAD.items():
            number = partition_of(bad.key, 4) if bad.partition is None else bad.partition
            done = await producer.send_and_wait(
                f"letters.{bad.topic}", bad.value(running.codec), key=bad.key, partition=number
            )
            places[name] = (bad.topic, done.partition, done.offset)
        return places
    finally:
        await producer.stop()


async def _letters(running: Rig, count: int) -> dict[tuple[str, int, int], DeadLetter]:
    """Read dead letters until as many positions are there; the test's timeout bounds it."""
    consumer = clients.consumer(running.settings)
    await consumer.start()
    try:
        consumer.assign([TopicPartition("letters.dead.letters", number) for number in range(4)])
        await consumer.seek_to_beginning()
        found: dict[tuple[str, int, int], DeadLetter] = {}
        async with asyncio.timeout(120):
            while len(found) < count:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    for record in records:
                        letter = running.codec.decode(record.value)
                        found[letter.topic, letter.partition, letter.offset] = letter
        return found
    finally:
        await consumer.stop()


pytestmark = pytest.mark.embedded
