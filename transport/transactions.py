"""Writes fenced by partition: records and input offsets together or not at all (Apache Kafka).

Each partition of a consumer group has a transactional id. Who takes a partition over starts a
producer under its id: the broker aborts what an earlier owner left open and refuses whatever that
one still sends, also when it slept for an hour and knows nothing of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import IllegalOperation, KafkaError, MessageSizeTooLargeError
from aiokafka.structs import OffsetAndMetadata

from transport import clients
from transport.embedded_broker import is_embedded
from transport.record_size import DEFAULT_LIMIT, OVERHEAD
from transport.records import SENT_HEADER, Outgoing
from transport.settings import Settings

_log = logging.getLogger(__name__)
BATCH_BYTES = 900_000
"""Records of one partition travel in batches of so many bytes: a broker takes 1 MB by default."""
_OPEN_MS = 20_000
"""The broker aborts a transaction that is open for longer: until then nobody reads behind it."""
_PATIENCE_MS = 300_000
"""Longer than the longest restart of a broker: until then a send waits, it does not fail."""
_BACKOFF_MS = 3
"""A transaction that follows at once is refused until the one before has written its markers."""
_STOP_S = 3.0
_FAILURES = 5


class FencedError(Exception):
    """A transaction did not count: another owner has the partition, or the broker gave it up."""


async def send(producer: Any, records: Iterable[Outgoing], limits: Mapping[str, int]) -> list[Any]:
    """Hand records to a producer in batches, in order; return the futures of acknowledgements.

    `limits`: the most bytes of a batch by topic, DEFAULT_LIMIT for the others.
    """
    builders: dict[tuple[str, int], Any] = {}
    sizes: dict[tuple[str, int], int] = {}
    waiting = []
    for topic, partition, key, timestamp_ms, value, sent_ms in records:
        where = (topic, partition)
        fields: dict[str, Any] = {
            "key": key,
            "value": value,
            "timestamp": timestamp_ms or None,
            "headers": [(SENT_HEADER, b"%d" % sent_ms)] if sent_ms else [],
        }
        size = len(key) + len(value) + OVERHEAD
        builder = builders.get(where)
        if builder is None:
            builder, sizes[where] = producer.create_batch(), 0
            builders[where] = builder
        is_full = sizes[where] and sizes[where] + size > limits.get(topic, DEFAULT_LIMIT)
        if is_full or builder.append(**fields) is None:
            waiting.append(await producer.send_batch(builder, topic, partition=partition))
            builder, sizes[where] = producer.create_batch(), 0
            builders[where] = builder
            builder.append(**fields)
        sizes[where] += size
    for (topic, partition), builder in builders.items():
        waiting.append(await producer.send_batch(builder, topic, partition=partition))
    return waiting


class PartitionTransactions:
    """The transactional producers of one member of a consumer group, by number of partition.

    Topics of a group have the same number of partitions, so a number stands for all of them.
    """

    def __init__(self, settings: Settings, group: str, limits: Mapping[str, int]) -> None:
        """`limits`: see `send`."""
        self._settings = settings
        self._group = group
        self._limits = limits
        self._producers: dict[int, Any] = {}
        self._locks: dict[int, asyncio.Lock] = {}
        self._failures = 0

    async def fence(self, numbers: Iterable[int]) -> None:
        """Take partitions over: what earlier owners left open is aborted, the rest is let go.

        Returns when nothing that others write of them can count any more. KafkaError when the
        broker refuses.
        """
        await self.stop()
        producers = {number: self._producer(number) for number in sorted(set(numbers))}
        try:
            await asyncio.gather(*(one.start() for one in producers.values()))
        except BaseException:
            await _stop(producers.values())
            raise
        self._producers = producers
        self._locks = {number: asyncio.Lock() for number in producers}

    def _producer(self, number: int) -> Any:
        return clients.producer(
            self._settings,
            transactional_id=f"{self._group}-{number}",
            transaction_timeout_ms=_OPEN_MS,
            request_timeout_ms=_PATIENCE_MS,
            max_batch_size=BATCH_BYTES,
            retry_backoff_ms=_BACKOFF_MS,
        )

    async def write(
        self, number: int, records: Sequence[Outgoing], next_offsets: Mapping[tuple[str, int], int]
    ) -> None:
        """Write records and commit the offsets of one partition number, all or nothing.

        `next_offsets`: offsets to read on from, by topic on the broker and partition. Raises
        FencedError when it did not count (what is known of the partition has to be read again),
        MessageSizeTooLargeError for a record that the broker will never take, and the broker's
        error after five failures in a row.
        """
        producer = self._producers.get(number)
        if producer is None:
            msg = f"{self._group} does not own partition {number}"
            raise FencedError(msg)
        try:
            async with self._locks[number]:
                await self._write(producer, records, next_offsets)
        except MessageSizeTooLargeError:
            await self._abort(producer)
            raise
        except (KafkaError, IllegalOperation, AssertionError) as error:
            # The last two: this producer has not come to the end of an earlier transaction.
            self._failures += 1
            await self._abort(producer)
            if self._failures >= _FAILURES:
                raise
            msg = f"{self._group}, partition {number}: {type(error).__name__}: {error}"
            raise FencedError(msg) from error
        self._failures = 0

    async def _write(
        self, producer: Any, records: Sequence[Outgoing], next_offsets: Mapping[Any, int]
    ) -> None:
        await producer.begin_transaction()
        waiting = await send(producer, records, self._limits)
        if next_offsets:
            offsets = {
                TopicPartition(*place): OffsetAndMetadata(offset, "")
                for place, offset in next_offsets.items()
            }
            # Beside the records, not after them: that is a round trip less.
            waiting.append(producer.send_offsets_to_transaction(offsets, self._group))
        await asyncio.gather(*waiting)
        await producer.commit_transaction()

    async def _abort(self, producer: Any) -> None:
        # One that is fenced has nothing to abort, and a dead one cannot: the broker does it.
        with contextlib.suppress(KafkaError, AssertionError, TimeoutError):
            await asyncio.wait_for(producer.abort_transaction(), _STOP_S)

    async def stop(self) -> None:
        """Let all partitions go; what is open is aborted by the next owner or in time."""
        producers, self._producers = self._producers, {}
        await _stop(producers.values())


async def _stop(producers: Iterable[Any]) -> None:
    async def stop(producer: Any) -> None:
        with contextlib.suppress(Exception):  # it is no longer of use whatever it answers
            await asyncio.wait_for(producer.stop(), _STOP_S)

    await asyncio.gather(*(stop(producer) for producer in producers))


def are_used(settings: Settings) -> bool:
    """Return whether stages write in transactions: not on the embedded broker."""
    return settings.transactions and not is_embedded()


def transactions_of(
    settings: Settings, group: str, limits: Mapping[str, int]
) -> PartitionTransactions | None:
    """Return the fenced way to write of a consumer group; None where transactions are not used."""
    return PartitionTransactions(settings, group, limits) if are_used(settings) else None
