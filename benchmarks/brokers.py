"""A broker of either kind with a registry and the topics, for the length of a benchmark."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from embedded.broker import Broker
from embedded.kafka import ApacheKafka
from embedded.registry.server import Registry as RegistryServer
from schemas.codec import Codec
from schemas.partitioning import partition_of
from schemas.registry_client import Registry
from schemas.topics import subjects
from transport import admin
from transport.embedded_broker.wrong_end_offsets import true_end_offsets
from transport.settings import Settings

PARTITIONS = 4
# The start script's own are short, for tests that kill brokers; a busy machine needs Kafka's.
_KAFKA = {"broker.session.timeout.ms": "9000", "broker.heartbeat.interval.ms": "2000"}
NO_KAFKA = "no Apache Kafka here: QUANTIVA_KAFKA_HOME and Java 17"
NAMES = {"embedded": "Tansu (embedded)", "kafka": "Apache Kafka"}


@dataclass(frozen=True, slots=True)
class Site:
    """Where things run. `environment` is what worker processes need to find it."""

    kind: str
    settings: Settings
    codec: Codec
    schema_ids: dict[str, int]
    environment: dict[str, str]

    @property
    def session_timeout_s(self) -> float:
        """Long, for a busy machine; short where a group may join only after half of it."""
        return 6.0 if self.kind == "embedded" else 30.0

    @property
    def bootstrap(self) -> str:
        """The broker's address."""
        return self.settings.require_bootstrap()


@contextlib.asynccontextmanager
async def site(kind: str) -> AsyncIterator[Site]:
    """Start a broker ("embedded" or "kafka") and a registry, create the topics; stop at the end."""
    broker = Broker() if kind == "embedded" else ApacheKafka(extra=_KAFKA)
    server = RegistryServer()
    with TemporaryDirectory(prefix="quantiva-bench-") as folder:
        try:
            environment = {
                "KAFKA_BOOTSTRAP_SERVERS": await broker.start(),
                "SCHEMA_REGISTRY_URL": await server.start(),
                "QUANTIVA_STATE_DIR": folder,
                "QUANTIVA_PARTITIONS": str(PARTITIONS),
                "QUANTIVA_BROKER": "tansu" if kind == "embedded" else "",
            }
            settings = Settings(
                KAFKA_BOOTSTRAP_SERVERS=environment["KAFKA_BOOTSTRAP_SERVERS"],
                SCHEMA_REGISTRY_URL=environment["SCHEMA_REGISTRY_URL"],
                partitions=PARTITIONS,
                state_dir=Path(folder),
            )
            await asyncio.to_thread(admin.create, settings)
            registry = Registry(settings.require_registry())
            ids = await asyncio.to_thread(registry._register, subjects())
            yield Site(kind, settings, Codec(ids), ids, environment)
        finally:
            await server.stop()
            await broker.stop()


async def create_topics(bootstrap: str, names: list[str]) -> None:
    """Create topics that are not in the platform's own table."""
    from confluent_kafka.admin import AdminClient, NewTopic

    client = AdminClient({"bootstrap.servers": bootstrap})
    topics = [NewTopic(name, num_partitions=PARTITIONS, replication_factor=1) for name in names]
    for future in client.create_topics(topics).values():
        await asyncio.to_thread(future.result, 30)


async def preload(bootstrap: str, topic: str, records: list[tuple[bytes, bytes, int]]) -> None:
    """Write (key, value, timestamp) records, keyed as the platform's producers do it."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=500_000)
    await producer.start()
    try:
        await producer.partitions_for(topic)
        sent = []
        batches = {number: producer.create_batch() for number in range(PARTITIONS)}
        for key, value, timestamp in records:
            number = partition_of(key, PARTITIONS)
            while batches[number].append(key=key, value=value, timestamp=timestamp) is None:
                sent.append(await producer.send_batch(batches[number], topic, partition=number))
                batches[number] = producer.create_batch()
        for number, batch in batches.items():
            if batch.record_count():
                sent.append(await producer.send_batch(batch, topic, partition=number))
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def ends(bootstrap: str, topic: str) -> dict[TopicPartition, int]:
    """Return the end offsets of a topic, from fetch responses: right on either broker."""
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None) as consumer:
        consumer.assign(partitions)
        return await true_end_offsets(consumer, await consumer.end_offsets(partitions))


async def values_between(
    bootstrap: str, start: dict[TopicPartition, int], end: dict[TopicPartition, int]
) -> list[bytes]:
    """Return the values of the records from `start` up to `end`."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None, max_poll_records=5000)
    await consumer.start()
    try:
        consumer.assign(list(end))
        for tp in end:
            consumer.seek(tp, start.get(tp, 0))
        values: list[bytes] = []
        open_ = {tp for tp in end if end[tp] > start.get(tp, 0)}
        while open_:
            for tp, records in (await consumer.getmany(timeout_ms=500)).items():
                values += [record.value for record in records if record.offset < end[tp]]
            # By position: behind the last record may stand the marker of its transaction.
            open_ = {tp for tp in open_ if await consumer.position(tp) < end[tp]}
        return values
    finally:
        await consumer.stop()
