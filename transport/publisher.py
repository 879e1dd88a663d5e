"""The way of every producer to Kafka: validated, encoded, keyed, acknowledged by all replicas.

Two ways in: `publish` for one event at a time (aiokafka batches it, 5 ms linger), `publish_many`
for what is there in bulk (batches are built here by partition, in less than half of the time).
Both keep the order of events within a partition.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import partial
from itertools import islice
from types import TracebackType
from typing import Any

import msgspec
from aiokafka.errors import KafkaConnectionError, KafkaError

from schemas.codec import BadEventError, Codec
from schemas.partitioning import partition_of
from schemas.topics import BY_NAME, STRATEGIES, TOPICS, Topic, logical, physical
from transport import clients
from transport.admin import BrokerError, agreed_partitions, record_limits
from transport.clock import wall_ms
from transport.records import SENT_HEADER, ProducerRecord, record_of
from transport.settings import Settings

__all__ = ["BadEventError", "PublishError", "Publisher", "partition_of"]

_LINGER_MS = 5
_BATCH_BYTES = 256 * 1024
_CHUNK_EVENTS = 1000


class PublishError(RuntimeError):
    """Events did not reach the broker; the text has their number, the topic and the cause."""


class Publisher:
    """Publishes events of the contract; use as `async with`, or start() and stop().

    Raises ValueError when the settings have no broker's address.

    Retries do not double an event: the producer is idempotent, but on the embedded broker.
    `max_in_flight`: events handed over and not acknowledged; above it publishing waits.
    `ack_timeout_s`: how long a broker that is away is waited for before events count as failed.
    """

    def __init__(
        self,
        settings: Settings,
        codec: Codec,
        *,
        max_in_flight: int = 20_000,
        ack_timeout_s: float = 40.0,
        client_id: str = "quantiva-producer",
    ) -> None:
        self._settings = settings
        self._bootstrap = settings.require_bootstrap()
        self._codec = codec
        self._prefix = settings.prefix
        self._max_in_flight = max_in_flight
        self._options: dict[str, Any] = {
            "client_id": client_id,
            "linger_ms": _LINGER_MS,
            "request_timeout_ms": round(ack_timeout_s * 1000),
            "max_batch_size": _BATCH_BYTES,
        }
        self._producer: Any = None
        self._in_flight = 0
        self._acknowledged = asyncio.Event()
        self._error: PublishError | None = None
        self._next_offset: dict[tuple[str, int], int] = {}
        self._counts: Counter[str] = Counter()
        self._limits: dict[str, int] = {}

    async def start(self) -> None:
        """Connect; PublishError when no broker answers at the address, or it refuses this one."""
        producer = clients.producer(self._settings, **self._options)
        names = [physical(topic.name, self._prefix) for topic in TOPICS]
        try:
            await producer.start()
            limits = await asyncio.to_thread(record_limits, self._settings, names)
        except BaseException as error:  # one that is cancelled has connections too
            await producer.stop()
            if not isinstance(error, KafkaError):
                raise
            msg = (
                f"the broker at {self._bootstrap} refuses an idempotent producer: {error} "
                "(the embedded broker does so: set QUANTIVA_BROKER=tansu for it)"
            )
            if isinstance(error, KafkaConnectionError):
                msg = f"no Kafka broker answers at {self._bootstrap}: {error}"
            raise PublishError(msg) from error
        self._producer = producer
        self._limits = {logical(name, self._prefix): most for name, most in limits.items()}

    async def stop(self) -> None:
        """Flush and disconnect; disconnects also when the flush raises PublishError."""
        if self._producer is None:
            return
        try:
            await self.flush()
        finally:
            producer, self._producer = self._producer, None
            await producer.stop()

    async def __aenter__(self) -> Publisher:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        try:
            await self.stop()
        except PublishError:
            if error is None:
                raise

    async def publish(self, event: msgspec.Struct) -> None:
        """Hand one event over; it is acknowledged once `flush` has returned.

        Raises BadEventError when the event breaks the contract (nothing is sent), PublishError when
        this or an earlier event failed.
        """
        await self._hand_over(*record_of(event, self._codec, self._limits))

    async def withdraw(self, strategy_id: str, at_ms: int) -> None:
        """Hand the tombstone of a strategy over: it is gone from its compacted topic.

        Raises PublishError as `publish` does.
        """
        await self._hand_over(STRATEGIES, ProducerRecord(strategy_id.encode(), at_ms, None))

    async def _hand_over(self, topic: Topic, record: ProducerRecord) -> None:
        await self._room()
        name = physical(topic.name, self._prefix)
        try:
            count = await self._partitions(topic)
            future = await self._producer.send(
                name,
                record.value,
                key=record.key,
                partition=partition_of(record.key, count),
                timestamp_ms=record.timestamp_ms,
                headers=_sent_now(),
            )
        except KafkaError as error:
            raise _failed(1, name, error) from error
        self._watch(future, topic.name, 1)

    async def publish_many(
        self, events: Iterable[msgspec.Struct], *, are_valid: bool = False
    ) -> int:
        """Hand many events over, in order within a partition, and return how many.

        `are_valid`: `schemas.validation.problem` has been asked about them already.

        Raises BadEventError at the first event that breaks the contract: those before it are sent,
        those after it are not. Raises PublishError when one of these or an earlier event failed.
        """
        iterator = iter(events)
        total = 0
        while chunk := list(islice(iterator, _CHUNK_EVENTS)):
            await self._room()
            await self._publish_chunk(chunk, are_valid=are_valid)
            total += len(chunk)
        return total

    async def flush(self) -> None:
        """Return when every event handed over is acknowledged by all replicas.

        Raises the first PublishError since the last flush, once nothing is in flight any more.
        """
        await self._until_in_flight(0)
        error, self._error = self._error, None
        if error is not None:
            raise error

    def positions(self) -> dict[tuple[str, int], int]:
        """Return the next offset after the last acknowledged event, by (topic, partition).

        Topics bear the name that they have on the broker, with the prefix.
        """
        return dict(self._next_offset)

    def counts(self) -> dict[str, int]:
        """Return the number of acknowledged events by logical topic."""
        return dict(self._counts)

    async def _publish_chunk(self, chunk: list[msgspec.Struct], *, are_valid: bool) -> None:
        by_topic: dict[str, list[ProducerRecord]] = defaultdict(list)
        bad: BadEventError | None = None
        for event in chunk:
            try:
                topic, record = record_of(event, self._codec, self._limits, is_valid=are_valid)
            except BadEventError as error:
                bad = error
                break
            by_topic[topic.name].append(record)
        # All partitions at once: aiokafka queues one batch a partition and waits for its turn.
        await asyncio.gather(*[self._send_topic(*item) for item in by_topic.items()])
        if bad is not None:
            raise bad

    async def _send_topic(self, topic: str, records: list[ProducerRecord]) -> None:
        try:
            partition_count = await self._partitions(BY_NAME[topic])
        except KafkaError as error:
            name = physical(topic, self._prefix)
            raise _failed(len(records), name, error) from error
        by_partition: dict[int, list[ProducerRecord]] = defaultdict(list)
        for record in records:
            by_partition[partition_of(record.key, partition_count)].append(record)
        await asyncio.gather(*[self._send(topic, *item) for item in by_partition.items()])

    async def _partitions(self, topic: Topic) -> int:
        name = physical(topic.name, self._prefix)
        found = len(await self._producer.partitions_for(name))
        try:
            return agreed_partitions(topic, self._settings, found)
        except BrokerError as error:
            raise PublishError(str(error)) from error

    async def _send(self, topic: str, partition: int, records: list[ProducerRecord]) -> None:
        batch = self._producer.create_batch()
        for key, timestamp_ms, value in records:
            fields = {"timestamp": timestamp_ms, "key": key, "value": value}
            if batch.append(**fields, headers=_sent_now()) is None:
                await self._submit(batch, topic, partition)
                batch = self._producer.create_batch()
                batch.append(**fields, headers=_sent_now())
        await self._submit(batch, topic, partition)

    async def _submit(self, batch: Any, topic: str, partition: int) -> None:
        batch.close()  # what is closed does not linger
        count = batch.record_count()
        name = physical(topic, self._prefix)
        try:
            future = await self._producer.send_batch(batch, name, partition=partition)
        except KafkaError as error:
            raise _failed(count, name, error) from error
        self._watch(future, topic, count)

    def _watch(self, future: asyncio.Future[Any], topic: str, count: int) -> None:
        self._in_flight += count
        future.add_done_callback(partial(self._done, topic, count))

    def _done(self, topic: str, count: int, future: asyncio.Future[Any]) -> None:
        self._in_flight -= count
        self._acknowledged.set()
        error = None if future.cancelled() else future.exception()
        if error is not None or future.cancelled():
            failure = _failed(count, physical(topic, self._prefix), error or "cancelled")
            failure.__cause__ = error
            self._error = self._error or failure
            return
        metadata = future.result()
        place = (metadata.topic, metadata.partition)
        following = metadata.offset + count
        self._next_offset[place] = max(following, self._next_offset.get(place, 0))
        self._counts[topic] += count

    async def _room(self) -> None:
        if self._producer is None:
            msg = "the publisher is not started"
            raise PublishError(msg)
        if self._error is not None:
            raise self._error
        await self._until_in_flight(self._max_in_flight)

    async def _until_in_flight(self, at_most: int) -> None:
        while self._in_flight > at_most:
            self._acknowledged.clear()
            await self._acknowledged.wait()


def _sent_now() -> list[tuple[str, bytes]]:
    return [(SENT_HEADER, b"%d" % (wall_ms()))]


def _failed(count: int, topic: str, reason: object) -> PublishError:
    name = type(reason).__name__
    if isinstance(reason, KafkaError) and name not in str(reason):
        reason = f"{name}: {reason}"
    return PublishError(f"{count} event(s) for {topic} were not acknowledged: {reason}")
