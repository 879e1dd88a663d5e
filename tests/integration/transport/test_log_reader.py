"""Topics read without a group on the embedded broker: ends, single places, ranges, the live end."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import pytest
import pytest_asyncio
from aiokafka.record.util import calc_crc32c

from schemas.codec import local_codec
from schemas.topics import CANDLES, NEWS
from tests.factories import START_MS
from tests.integration.conftest import PARTITIONS, Log
from tests.unit.marketdata.recorded_factory import candle
from transport import clients
from transport.admin import BrokerError
from transport.log_reader import LogReader, Partition
from transport.publisher import Publisher
from transport.settings import Settings

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("tansu"),
]
COUNT = 1_000


async def filled(log: Log, prefix: str) -> tuple[Settings, Partition]:
    """Publish candles of one asset; return where they are."""
    await log.create(prefix)
    async with Publisher(log.settings(prefix), local_codec()) as publisher:
        # Of a batch the broker claims the end to be behind its first record.
        await publisher.publish_many(candle() for _ in range(COUNT))
        await publisher.flush()
        (place,) = publisher.positions()
    return log.settings(prefix), place


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def candles(log: Log) -> tuple[Settings, Partition]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUANTIVA_BROKER", "tansu")
        return await filled(log, "read.")


Candles = tuple[Settings, Partition]


async def test_the_table_s_topics_and_all_others(candles: Candles) -> None:
    settings, place = candles
    async with LogReader(settings) as reader:
        assert place in (await reader.partitions())[CANDLES.name]
        assert len((await reader.topics())[place[0]]) == PARTITIONS
    async with LogReader(settings.model_copy(update={"prefix": "nobody."})) as reader:
        assert (await reader.partitions())[CANDLES.name] == []


async def test_begins_and_ends(candles: Candles) -> None:
    settings, place = candles
    async with LogReader(settings) as reader:
        empty = (await reader.partitions())[NEWS.name][0]
        assert await reader.begins([place, empty]) == {place: 0, empty: 0}
        assert await reader.ends([place, empty]) == {place: COUNT, empty: 0}
        assert await reader.ends([]) == {}


async def test_single_places_near_and_far_and_none(candles: Candles) -> None:
    settings, place = candles
    wanted = [0, 1, 3, 400, 401, 999, COUNT, COUNT + 500]
    async with LogReader(settings) as reader:
        empty = (await reader.partitions())[NEWS.name][0]
        found = await reader.peek([*((place, one) for one in wanted), (empty, 0), (empty, 7)])
        assert sorted(offset for _, offset in found) == [0, 1, 3, 400, 401, 999]
        assert all(record.offset == offset for (_, offset), record in found.items())
        assert await reader.peek([]) == {}


async def test_a_range_is_read_whole_and_no_further(candles: Candles) -> None:
    settings, place = candles
    async with LogReader(settings) as reader:
        batches = [batch async for batch in reader.scan({place: (10, 700)})]
    assert [record.offset for batch in batches for record in batch] == list(range(10, 700))


async def test_the_last_ones_and_then_what_comes(log: Log) -> None:
    later: list[Any] = []

    async def follow(reader: LogReader, starts: dict[Partition, int]) -> None:
        async for records in reader.follow(starts):
            later.extend(records)
            if len(later) == 2:
                return

    settings, place = await filled(log, "followed.")
    async with LogReader(settings) as reader, Publisher(settings, local_codec()) as publisher:
        last, ends = await reader.last([place], 3)
        assert [record.offset for record in last] == [COUNT - 3, COUNT - 2, COUNT - 1]
        following = asyncio.create_task(follow(reader, ends))
        await publisher.publish_many([candle(), candle()])
        async with asyncio.timeout(30):
            await following
    assert [record.offset for record in later] == [COUNT, COUNT + 1]


async def test_a_broker_that_is_away_is_a_sentence() -> None:
    with pytest.raises(BrokerError, match="no answer from the Kafka broker at"):
        async with LogReader(Settings(bootstrap="127.0.0.1:1")):
            pass


async def test_a_header_whose_name_is_no_utf8_stops_nobody(candles: Candles) -> None:
    settings, place = candles
    producer = clients.producer(settings)
    await producer.start()
    try:
        batch = producer.create_batch()
        for number, headers in enumerate(([("zz", b"1")], [("sent_ms", b"7")], [])):
            batch.append(key=b"BTC", value=b"%d" % number, timestamp=START_MS, headers=headers)
        raw = bytearray(batch._build())
        at = raw.index(b"zz")
        raw[at : at + 2] = b"\xff\xfe"
        struct.pack_into(">I", raw, 17, calc_crc32c(bytes(raw[21:])))
        batch._buffer = raw
        written = await (await producer.send_batch(batch, place[0], partition=place[1]))
    finally:
        await producer.stop()
    start = written.offset
    async with LogReader(settings) as reader:
        read = [one async for some in reader.scan({place: (start - 2, start + 3)}) for one in some]
    assert [one.offset for one in read] == list(range(start - 2, start + 3))
    assert [one.value for one in read[2:]] == [b"0", b"1", b"2"]
    assert read[3].headers == (("sent_ms", b"7"),)
