"""What tests of several packages need: a broker for a module and a look into its topics."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from embedded.broker import Broker
from schemas.topics import MARKET_TOPICS, STRATEGIES
from transport.settings import Settings

PARTITIONS = 5


class Log(NamedTuple):
    """A running broker's address, and its records by topic."""

    bootstrap: str

    def settings(self, prefix: str = "") -> Settings:
        """Return the settings of a deployment with its topics under a prefix."""
        return Settings(bootstrap=self.bootstrap, prefix=prefix, partitions=PARTITIONS)

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


@pytest.fixture
def tansu(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker of this test is the embedded one: its faults are worked around."""
    monkeypatch.setenv("QUANTIVA_BROKER", "tansu")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder every user can enter; pytest's is closed to the user who runs PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="quantiva-test-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path
