"""Reads topics without a consumer group: ends, single records, ranges, the live end.

Nothing here commits or changes anything on the broker.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from transport import admin
from transport.admin import BrokerError
from transport.embedded_broker import faults
from transport.errors import short_reason
from transport.settings import Settings

Partition = tuple[str, int]
"""Topic on the broker and partition; aiokafka's TopicPartition is one."""
Place = tuple[Partition, int]
"""One record: its partition and offset."""

_QUIET_LIMIT_S = 8.0
"""A range that gives nothing for so long cannot be read."""


class LogReader:
    """`async with LogReader(settings) as reader:`; one task at a time.

    `fetch_bytes` is what one partition hands over at once: little for single records. Raises
    BrokerError when there is no broker, ValueError when no address is set.
    """

    def __init__(self, settings: Settings, fetch_bytes: int = 1_048_576) -> None:
        self._settings = settings
        self._bootstrap = settings.require_bootstrap()
        self._fetch_bytes = fetch_bytes

    async def __aenter__(self) -> Self:
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # errors come as BrokerError
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=self._fetch_bytes,
            request_timeout_ms=10_000,
        )
        try:
            await self._consumer.start()
        except (KafkaError, OSError) as error:
            await self._consumer.stop()
            msg = f"no answer from the Kafka broker at {self._bootstrap}: {short_reason(error)}"
            raise BrokerError(msg) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def partitions(self) -> dict[str, list[Partition]]:
        """Return the partitions of the table's topics by logical name; [] for a missing topic."""
        states = await asyncio.to_thread(admin.states, self._settings)
        return {
            state.topic.name: [
                TopicPartition(state.name, number) for number in range(state.partitions or 0)
            ]
            for state in states
        }

    async def begins(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Return the first offset of each partition."""
        wanted = [TopicPartition(*one) for one in partitions]
        return dict(await self._consumer.beginning_offsets(wanted)) if wanted else {}

    async def ends(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Return the offset after the last record of each partition; right on Tansu too."""
        wanted = [TopicPartition(*one) for one in partitions]
        if not wanted:
            return {}
        self._consumer.assign(wanted)  # anew each time: forgets the high watermarks
        ends = await self._consumer.end_offsets(wanted)
        if faults.is_embedded():
            ends = await faults.highwaters(self._consumer, ends)
        return dict(ends)

    async def from_time(
        self, partitions: Iterable[Partition], time_ms: int
    ) -> dict[Partition, tuple[int, int]]:
        """Return the range of each partition that holds all records of that time and later.

        On Tansu it is the whole partition: its search by time gives the first offset always.
        """
        wanted = [TopicPartition(*one) for one in partitions]
        starts, ends = await self.begins(wanted), await self.ends(wanted)
        if wanted and not faults.is_embedded():
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
                msg = f"{min(stops).topic} could not be read: nothing came for {_QUIET_LIMIT_S} s"
                raise BrokerError(msg)
            done = [tp for tp in stops if await consumer.position(tp) >= stops[tp]]
            for tp in done:
                del stops[tp]
            consumer.pause(*done)

    async def peek(self, places: Iterable[Place]) -> dict[Place, Any]:
        """Return the records at single places; a place without a record is left out."""
        offsets: dict[Partition, list[int]] = defaultdict(list)
        for partition, offset in set(places):
            offsets[partition].append(offset)
        found = {}
        while offsets:
            ranges = {}
            for partition in list(offsets):
                offset = offsets[partition].pop()
                ranges[partition] = (offset, offset + 1)
                if not offsets[partition]:
                    del offsets[partition]
            async for records in self.scan(ranges):
                for record in records:
                    found[(TopicPartition(record.topic, record.partition), record.offset)] = record
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
        """Yield what is there from the given offsets on, and then what comes, without an end."""
        wanted = {TopicPartition(*tp): offset for tp, offset in starts.items()}
        self._consumer.assign(list(wanted))
        for tp, offset in wanted.items():
            self._consumer.seek(tp, offset)
        while True:
            fetched = await self._consumer.getmany(timeout_ms=500)
            records = [record for batch in fetched.values() for record in batch]
            if records:
                yield sorted(records, key=order)


def order(record: Any) -> tuple[int, int, int]:
    """Return what sorts records of one topic: time, partition, offset."""
    return record.timestamp, record.partition, record.offset


def arrived_ms(record: Any) -> int:
    """Return when the market event behind a record was published, by the wall clock.

    The header `sent_ms` says it, also in a replay of old data; the record's timestamp otherwise.
    """
    for name, value in record.headers:
        if name == "sent_ms" and value and value.isdigit():
            return int(value)
    return int(record.timestamp)
