"""A log in memory, with a broker's way of being read; made to be quick with many records."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from schemas.topics import TOPICS
from transport.log_reader import Partition

PARTITIONS = 8


class Raw(NamedTuple):
    """A record as aiokafka has them."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


class MemoryLog:
    """Every connection reads the same records; they outlive the bridges that read them."""

    def __init__(self) -> None:
        self._records: dict[Partition, list[Raw]] = {
            (topic.name, number): []
            for topic in TOPICS
            for number in range(topic.partitions or PARTITIONS)
        }
        self._changed = asyncio.Event()

    def append(self, topic: str, partition: int, key: str, at_ms: int, value: bytes) -> int:
        """Append a record and return its offset; readers hear of it with `wake`."""
        records = self._records[(topic, partition)]
        records.append(Raw(topic, partition, len(records), at_ms, key.encode(), value))
        return len(records) - 1

    def places(self) -> Iterable[tuple[Partition, list[Raw]]]:
        """Return each place with its records."""
        return self._records.items()

    def lose(self) -> None:
        """Lose every record, as a broker does whose disk is replaced: offsets begin at 0 again."""
        for records in self._records.values():
            records.clear()

    def wake(self) -> None:
        """Tell the readers that there is more."""
        self._changed.set()
        self._changed = asyncio.Event()

    def all(self, topic: str) -> list[Raw]:
        """Return every record of a topic."""
        return [one for place, records in self._records.items() if place[0] == topic
                for one in records]  # fmt: skip

    @asynccontextmanager
    async def open(self) -> AsyncIterator[MemoryLog]:
        """Open a connection."""
        yield self

    async def partitions(self) -> Mapping[str, list[Partition]]:
        found: dict[str, list[Partition]] = {}
        for place in self._records:
            found.setdefault(place[0], []).append(place)
        return found

    async def begins(self, partitions: Iterable[Partition]) -> Mapping[Partition, int]:
        return dict.fromkeys(partitions, 0)

    async def ends(self, partitions: Iterable[Partition]) -> Mapping[Partition, int]:
        return {place: len(self._records[place]) for place in partitions}

    async def scan(self, ranges: Mapping[Partition, tuple[int, int]]) -> AsyncIterator[list[Any]]:
        for place, (start, stop) in ranges.items():
            await asyncio.sleep(0)
            yield self._records[place][start:stop]

    has_markers = False

    def reached(self) -> dict[Partition, int]:
        """Return nothing: this log has no markers of transactions."""
        return {}

    async def follow(self, starts: Mapping[Partition, int]) -> AsyncIterator[list[Any]]:
        at = dict(starts)
        while True:
            changed = self._changed
            found = [one for place, start in at.items() for one in self._records[place][start:]]
            if not found:
                await changed.wait()
                continue
            for one in found:
                at[(one.topic, one.partition)] = one.offset + 1
            yield found
