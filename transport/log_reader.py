"""Reads topics without a consumer group: ends, single records, ranges, the live end.

Nothing here commits or changes anything on the broker.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Self

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from schemas.topics import TOPICS, physical
from transport import clients
from transport.admin import BrokerError
from transport.embedded_broker import is_embedded, wrong_end_offsets
from transport.errors import short_reason
from transport.records import sent_ms
from transport.settings import Settings

Partition = tuple[str, int]
"""Topic on the broker and partition; aiokafka's TopicPartition is one."""
Place = tuple[Partition, int]
"""One record: its partition and offset."""

_QUIET_LIMIT_S = 8.0
"""A range that gives nothing for so long cannot be read."""
_NEAR = 200
"""Offsets between two single records that are read through; more are jumped over."""


class LogReader:
    """`async with LogReader(settings) as reader:`; one task at a time.

    `fetch_bytes` is what one partition hands over at once: little for single records.
    `most_records` is how many a batch may have, so that other tasks run in between; None for all.
    `fetch_wait_ms` is how long a fetch without records waits. Raises BrokerError when there is no
    broker, ValueError when no address is set.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        fetch_bytes: int = 1_048_576,
        fetch_wait_ms: int = 100,
        most_records: int | None = None,
    ) -> None:
        self._settings = settings
        self._bootstrap = settings.require_bootstrap()
        self._options: dict[str, Any] = {
            "fetch_max_wait_ms": fetch_wait_ms,
            "max_partition_fetch_bytes": fetch_bytes,
            "request_timeout_ms": 10_000,
            "max_poll_records": most_records,
        }

    async def __aenter__(self) -> Self:
        self._consumer = clients.consumer(self._settings, **self._options)
        try:
            await self._consumer.start()
        except BaseException as error:  # one that is cancelled has connections too
            await self._consumer.stop()
            if not isinstance(error, KafkaError | OSError):
                raise
            msg = f"no answer from the Kafka broker at {self._bootstrap}: {short_reason(error)}"
            raise BrokerError(msg) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def topics(self) -> dict[str, list[Partition]]:
        """Return the partitions of every topic of the broker, by its name there."""
        try:
            # The consumer's own view knows no topics but its own.
            cluster = await self._consumer._client.fetch_all_metadata()
        except (KafkaError, OSError) as error:
            msg = f"no answer from the Kafka broker at {self._bootstrap}: {short_reason(error)}"
            raise BrokerError(msg) from error
        return {
            name: [TopicPartition(name, one) for one in sorted(cluster.partitions_for_topic(name))]
            for name in sorted(cluster.topics(exclude_internal_topics=False))
        }

    async def partitions(self) -> dict[str, list[Partition]]:
        """Return the partitions of the table's topics by logical name; [] for a missing topic."""
        found = await self.topics()
        return {
            topic.name: found.get(physical(topic.name, self._settings.prefix), [])
            for topic in TOPICS
        }

    async def begins(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Return the first offset of each partition."""
        wanted = [TopicPartition(*one) for one in partitions]
        return dict(await self._consumer.beginning_offsets(wanted)) if wanted else {}

    async def ends(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Return the offset after the last record of each partition."""
        wanted = [TopicPartition(*one) for one in partitions]
        if not wanted:
            return {}
        self._consumer.assign(wanted)  # each time: that forgets the high watermarks
        ends = await self._consumer.end_offsets(wanted)
        if is_embedded():
            ends = await wrong_end_offsets.true_end_offsets(self._consumer, ends)
        return dict(ends)

    @property
    def searches_by_time(self) -> bool:
        """False on the embedded broker: there `from_time` begins at the first record."""
        return not is_embedded()

    async def from_time(
        self, partitions: Iterable[Partition], time_ms: int
    ) -> dict[Partition, tuple[int, int]]:
        """Return the range of each partition that holds all records of that time and later.

        It is the whole partition where the broker does not search by time.
        """
        wanted = [TopicPartition(*one) for one in partitions]
        starts, ends = await self.begins(wanted), await self.ends(wanted)
        if wanted and self.searches_by_time:
            found = await self._consumer.offsets_for_times(dict.fromkeys(wanted, max(time_ms, 0)))
            starts = {tp: found[tp].offset if found.get(tp) else ends[tp] for tp in wanted}
        return {tp: (starts[tp], ends[tp]) for tp in wanted}

    async def scan(self, ranges: Mapping[Partition, tuple[int, int]]) -> AsyncIterator[list[Any]]:
        """Yield the records of [start, stop) of each partition, in batches.

        Offsets that are compacted away are passed over. Raises BrokerError when the broker gives
        nothing for 8 s.
        """
        stops = {TopicPartition(*tp): stop for tp, (start, stop) in ranges.items() if start < stop}
        if not stops:
            return
        consumer, loop = self._consumer, asyncio.get_running_loop()
        consumer.assign(list(stops))
        for tp in stops:
            consumer.seek(tp, ranges[tp][0])
        last = loop.time()
        while stops:
            fetched = await consumer.getmany(timeout_ms=200)
            if fetched:
                last = loop.time()
                yield [r for tp in fetched for r in fetched[tp] if r.offset < stops.get(tp, 0)]
            elif loop.time() - last > _QUIET_LIMIT_S:
                raise _nothing_came(min(stops))
            done = [tp for tp in stops if await consumer.position(tp) >= stops[tp]]
            for tp in done:
                del stops[tp]
            consumer.pause(*done)

    async def peek(self, places: Iterable[Place]) -> dict[Place, Any]:
        """Return the records at single places; a place without a record is left out.

        A fetch brings what follows a record too, so one often answers for several places of a
        partition; all partitions are asked at the same time. Raises BrokerError as `scan` does.
        """
        wanted: dict[TopicPartition, list[int]] = {}
        for partition, offset in sorted(set(places)):
            wanted.setdefault(TopicPartition(*partition), []).append(offset)
        found: dict[Place, Any] = {}
        consumer, loop = self._consumer, asyncio.get_running_loop()
        consumer.assign(list(wanted))
        for tp, offsets in wanted.items():
            consumer.seek(tp, offsets[0])
        last = loop.time()
        while wanted:
            fetched = await consumer.getmany(timeout_ms=50)
            for tp, records in fetched.items():
                there = set(wanted.get(tp, ()))
                found |= {(tp, one.offset): one for one in records if one.offset in there}
            if any(fetched.values()):
                last = loop.time()
            elif loop.time() - last > _QUIET_LIMIT_S:
                raise _nothing_came(min(wanted))
            for tp in list(wanted):
                position, end = await consumer.position(tp), consumer.highwater(tp)
                wanted[tp] = [offset for offset in wanted[tp] if offset >= position]
                if not wanted[tp] or (end is not None and wanted[tp][0] >= end):
                    consumer.pause(tp)
                    del wanted[tp]
                elif wanted[tp][0] - position > _NEAR:
                    consumer.seek(tp, wanted[tp][0])
        return found

    async def last(
        self,
        partitions: Iterable[Partition],
        count: int,
        wanted: Callable[[Any], bool] = lambda record: True,
    ) -> tuple[list[Any], dict[Partition, int]]:
        """Return the last `count` wanted records by time, oldest first, and where they end."""
        begins, ends = await self.begins(partitions), await self.ends(partitions)
        window = count
        while True:
            ranges = {tp: (max(begins[tp], ends[tp] - window), ends[tp]) for tp in ends}
            kept: list[Any] = []
            async for records in self.scan(ranges):
                kept += filter(wanted, records)
            whole = all(start == begins[tp] for tp, (start, _) in ranges.items())
            if whole or len(kept) >= count:
                return sorted(kept, key=order)[-count:] if count else [], ends
            window *= 8

    async def follow(self, starts: Mapping[Partition, int]) -> AsyncIterator[list[Any]]:
        """Yield what is there from the given offsets on, and then what comes, for ever."""
        wanted = {TopicPartition(*tp): offset for tp, offset in starts.items()}
        self._consumer.assign(list(wanted))
        for tp, offset in wanted.items():
            self._consumer.seek(tp, offset)
        while True:
            fetched = await self._consumer.getmany(timeout_ms=500)
            records = [record for batch in fetched.values() for record in batch]
            if records:
                yield sorted(records, key=order)

    @property
    def has_markers(self) -> bool:
        """True where transactions may leave offsets without a record: not on the embedded one."""
        return not is_embedded()

    def reached(self) -> dict[Partition, int]:
        """Return where reading goes on in each partition: behind markers of transactions, too."""
        assignment = self._consumer._subscription.subscription.assignment
        states = {tp: assignment.state_value(tp) for tp in assignment.tps} if assignment else {}
        return {tp: one.position for tp, one in states.items() if one.has_valid_position}


OpenLog = Callable[[], AbstractAsyncContextManager[LogReader]]
"""Opens a connection: `async with open_log() as log`; `lambda: LogReader(settings)` does."""


def in_order(records: Iterable[Any]) -> Iterator[Any]:
    """Return records by time, but those of one partition by offset, whatever their times are."""
    by_partition: dict[Partition, list[Any]] = defaultdict(list)
    for record in records:
        by_partition[record.topic, record.partition].append(record)
    for of_one in by_partition.values():
        of_one.sort(key=lambda record: record.offset)
    return heapq.merge(*by_partition.values(), key=lambda record: record.timestamp)


def order(record: Any) -> tuple[int, int, int]:
    """Return what sorts records of one topic: time, partition, offset."""
    return record.timestamp, record.partition, record.offset


def arrived_ms(record: Any) -> int:
    """Return when the market event behind a record was published, ms since 1970 (wall clock).

    The header `sent_ms` has it, also in a replay of old data; else it is the record's timestamp.
    """
    return sent_ms(record.headers) or int(record.timestamp)


def _nothing_came(partition: TopicPartition) -> BrokerError:
    return BrokerError(f"{partition.topic} could not be read: nothing came for {_QUIET_LIMIT_S} s")
