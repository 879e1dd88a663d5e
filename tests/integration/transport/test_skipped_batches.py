"""Several producers on one partition of the embedded broker: a reader misses nothing."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from embedded.broker import Broker
from transport import clients
from transport.settings import Settings

PRODUCERS, BATCHES, RECORDS = 5, 200, 40


async def _produce(address: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=address, acks="all") as producer:
        for _ in range(BATCHES):
            batch = producer.create_batch()
            for _ in range(RECORDS):
                assert batch.append(key=b"k", value=b"x" * 200, timestamp=None) is not None
            await (await producer.send_batch(batch, "t", partition=0))


async def _consume(address: str) -> list[int]:
    offsets: list[int] = []
    place = TopicPartition("t", 0)
    consumer = clients.consumer(Settings(bootstrap=address))
    await consumer.start()
    consumer.assign([place])
    await consumer.seek_to_beginning(place)
    while len(offsets) < PRODUCERS * BATCHES * RECORDS:
        for records in (await consumer.getmany(timeout_ms=500)).values():
            offsets += [record.offset for record in records]
    await consumer.stop()
    return offsets


@pytest.mark.embedded
async def test_no_record_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the cure a fetch skips a batch in about every second run."""
    monkeypatch.setenv("QUANTIVA_BROKER", "tansu")
    broker = Broker()
    address = await broker.start()
    try:
        admin = AIOKafkaAdminClient(bootstrap_servers=address)
        await admin.start()
        await admin.create_topics([NewTopic("t", 1, 1)])
        await admin.close()
        async with asyncio.timeout(60):
            reading = asyncio.create_task(_consume(address))
            await asyncio.gather(*(_produce(address) for _ in range(PRODUCERS)))
            offsets = await reading
    finally:
        await broker.stop()
    assert offsets == list(range(PRODUCERS * BATCHES * RECORDS))
