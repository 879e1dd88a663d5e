"""A platform for the examples: embedded broker and registry, workers, two cycles of a market."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from embedded.stack import Stack
from schemas.contract import schema_name
from schemas.signals import Signal
from schemas.topics import BY_SCHEMA, physical
from tests.integration.streams.agents.rig import Rig, market, rig
from transport.log_reader import LogReader

_NO_DATABASE = "postgresql://127.0.0.1:1/none"
"""Nobody here stores anything, so no database is started."""


class Market:
    """A platform that has run two cycles, and the signals in its topic."""

    def __init__(self, running: Rig, signals: list[Signal]) -> None:
        self.running = running
        self.signals = signals
        self.broken = 0
        settings = running.settings
        self.environment = {
            "KAFKA_BOOTSTRAP_SERVERS": settings.require_bootstrap(),
            "SCHEMA_REGISTRY_URL": settings.require_registry(),
            "QUANTIVA_PREFIX": settings.prefix,
        }

    async def publish_event(self, event: msgspec.Struct) -> None:
        """Put an event into its topic, under its key."""
        topic = BY_SCHEMA[schema_name(event)]
        key = str(getattr(event, topic.key)).encode()
        await self.publish(self.running.codec.encode(event), key=key, name=topic.name)

    async def publish(self, *values: bytes, key: bytes = b"BTC", name: str = "signals") -> None:
        """Put raw values into a topic."""
        producer = AIOKafkaProducer(bootstrap_servers=self.running.settings.bootstrap)
        await producer.start()
        for value in values:
            topic = physical(name, self.running.settings.prefix)
            await producer.send_and_wait(topic, value, key=key, partition=0)
        await producer.stop()


@contextlib.asynccontextmanager
async def running_platform(folder: Path) -> AsyncIterator[Market]:
    """Start the platform and let it make signals; all ended afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        async with Stack(database_url=_NO_DATABASE) as stack:
            for name, value in {**stack.env(), "QUANTIVA_SESSION_TIMEOUT_S": "3"}.items():
                patch.setenv(name, value)
            async with rig(stack.env(), folder, name="examples", with_sink=False) as running:
                await running.play(market(assets=3, cycles=2))
                yield Market(running, await signals_of(running))


async def signals_of(running: Rig) -> list[Signal]:
    """Read the topic of the signals, from its begin to its end."""
    found: list[Signal] = []
    async with LogReader(running.settings) as reader:
        partitions = (await reader.partitions())["signals"]
        starts, ends = await reader.begins(partitions), await reader.ends(partitions)
        async for batch in reader.scan({tp: (starts[tp], ends[tp]) for tp in ends}):
            found += [running.codec.decode(record.value) for record in batch]
    return found
