"""What the bridge needs of the log: reading topics without a consumer group.

The implementation is handed in: `transport.log_reader.LogReader` is one.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeAlias

Partition: TypeAlias = tuple[str, int]
"""The topic's name on the broker and the partition's number."""


class LogSource(Protocol):
    """One connection to the log, used by one task at a time; errors say that it is away.

    A record has topic, partition, offset, timestamp (ms), key, value and headers, as those of
    aiokafka. Offsets of one partition rise, and come in that order from one batch to the next.
    """

    async def partitions(self) -> Mapping[str, Sequence[Partition]]:
        """Return the partitions by logical topic; none for a topic that the log does not have."""

    async def begins(self, partitions: Iterable[Partition]) -> Mapping[Any, int]:
        """Return the first offset that the log still has of each partition."""

    async def ends(self, partitions: Iterable[Partition]) -> Mapping[Any, int]:
        """Return the offset after the last record of each partition."""

    def scan(self, ranges: Mapping[Partition, tuple[int, int]]) -> AsyncIterator[list[Any]]:
        """Yield the records of [start, stop) of each partition, in batches, and end."""

    def follow(self, starts: Mapping[Partition, int]) -> AsyncIterator[list[Any]]:
        """Yield the records from the given offsets on, and then what comes, without an end."""


OpenLog: TypeAlias = Callable[[], AbstractAsyncContextManager[LogSource]]
"""Opens a connection: `async with open_log() as log`."""


def in_order(records: Iterable[Any]) -> Iterator[Any]:
    """Return records by time, but those of one partition by offset, whatever their times say."""
    by_partition: dict[Partition, list[Any]] = defaultdict(list)
    for record in records:
        by_partition[(record.topic, record.partition)].append(record)
    for of_one in by_partition.values():
        of_one.sort(key=lambda record: record.offset)
    return heapq.merge(*by_partition.values(), key=lambda record: record.timestamp)
