"""A broker for the module, and what the tests need to look into it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from embedded.broker import Broker
from schemas.topics import MARKET_TOPICS, STRATEGIES

PARTITIONS = 5


class Log(NamedTuple):
    """A running broker's address, and its records by topic."""

    bootstrap: str

    async def create(self, prefix: str, partitions: int = PARTITIONS) -> None:
        """Create the market topics and the strategies' under a prefix."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            topics = [NewTopic(prefix + topic.name, partitions, 1) for topic in MARKET_TOPICS]
            await admin.create_topics([*topics, NewTopic(prefix + STRATEGIES.name, 1, 1)])
        finally:
            await admin.close()

    async def read(self, positions: dict[tuple[str, int], int]) -> dict[TopicPartition, list[Any]]:
        """Return all records before the given positions, by partition."""
        partitions = [TopicPartition(*place) for place in positions]
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
            found: dict[TopicPartition, list[Any]] = {place: [] for place in partitions}
            while any(not complete(found[place], positions[place]) for place in partitions):
                for place, records in (await consumer.getmany(timeout_ms=5000)).items():
                    found[place].extend(records)
            return found
        finally:
            await consumer.stop()


def complete(records: Sequence[Any], until: int) -> bool:
    """Whether the records reach up to an offset."""
    return bool(records) and records[-1].offset >= until - 1


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def log() -> AsyncIterator[Log]:
    broker = Broker()
    try:
        yield Log(await broker.start())
    finally:
        await broker.stop()
