"""Copies topics of a running broker into an archive, once, up to their present end."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from schemas.registry_client import Registry
from schemas.topics import logical
from streams.archive.reader import Archive, ArchiveError
from streams.archive.records import LoggedRecord, logged
from streams.archive.store import open_store
from streams.archive.writer import ArchiveWriter, SchemaText, keep_schemas
from transport import transactions
from transport.log_reader import LogReader, Partition
from transport.settings import Settings

OnProgress = Callable[[int, int], None]
Ranges = dict[Partition, tuple[int, int]]
"""Offsets by partition as [start, stop)."""

MAX_RECORDS = 200_000
MAX_BYTES = 64 << 20
"""What is held in memory before the largest partition becomes a file."""


async def copy_topics(
    settings: Settings,
    address: str,
    *,
    topics: Sequence[str],
    from_ms: int | None = None,
    until_ms: int | None = None,
    on_progress: OnProgress | None = None,
) -> Archive:
    """Copy topics (logical names) as they are now; return the archive, opened.

    With from_ms <= t < until_ms, each partition is copied from its first to its last record of
    that time, with all that lies between them: no offset is left out within. An archive that is
    there already is filled up. `on_progress(done, total)` counts records; with a time range they
    are read twice. Raises ArchiveError, and BrokerError or RegistryError when one is away.
    """
    writer = ArchiveWriter(open_store(address), transactions=transactions.are_used(settings))
    registry = Registry(settings.require_registry())
    async with LogReader(settings) as reader:
        found = await reader.partitions()
        missing = [topic for topic in topics if not found.get(topic)]
        if missing:
            msg = f"The broker has no topic {missing[0]}: run `quantiva topics create`."
            raise ArchiveError(msg)
        counts = {topic: len(found[topic]) for topic in topics}
        await asyncio.to_thread(writer.open, settings.prefix, counts)
        partitions = [partition for topic in topics for partition in found[topic]]
        progress = _Progress(on_progress)
        ranges = await _ranges(reader, partitions, from_ms, until_ms, progress)
        await _copy(reader, ranges, _Buffers(writer, settings.prefix, registry.text), progress)
    return await asyncio.to_thread(Archive, address)


async def _ranges(
    reader: LogReader,
    partitions: Sequence[Partition],
    from_ms: int | None,
    until_ms: int | None,
    progress: _Progress,
) -> Ranges:
    """Return what to copy; timestamps do not ascend, so their last one is found by reading."""
    ranges = await reader.from_time(partitions, 0 if from_ms is None else from_ms)
    if until_ms is None and (from_ms is None or reader.searches_by_time):
        return ranges
    progress.expect(ranges)
    bounds: dict[Partition, tuple[int, int]] = {}
    async for records in reader.scan(ranges):
        for record in records:
            if from_ms is not None and record.timestamp < from_ms:
                continue
            if until_ms is None or record.timestamp < until_ms:
                place = (record.topic, record.partition)
                first = bounds[place][0] if place in bounds else record.offset
                bounds[place] = (first, record.offset + 1)
        progress.add(len(records))
    return bounds


async def _copy(reader: LogReader, ranges: Ranges, buffers: _Buffers, progress: _Progress) -> None:
    progress.expect(ranges)
    async for records in reader.scan(ranges):
        buffers.add(records)
        while buffers.is_full():
            await buffers.write_largest()
        progress.add(len(records))
    while buffers.records:
        await buffers.write_largest()


class _Progress:
    """Counts records for `on_progress`."""

    def __init__(self, tell: OnProgress | None) -> None:
        self._tell = tell
        self._done = self._total = 0

    def expect(self, ranges: Ranges) -> None:
        self._total += sum(stop - start for start, stop in ranges.values())
        self.add(0)

    def add(self, count: int) -> None:
        self._done += count
        if self._tell is not None:
            self._tell(min(self._done, self._total), self._total)


class _Buffers:
    """Records by partition, written as large files within a bound of memory."""

    def __init__(self, writer: ArchiveWriter, prefix: str, text_of: SchemaText) -> None:
        self._writer = writer
        self._prefix = prefix
        self._text_of = text_of
        self._count = self._bytes = 0
        self.records: dict[tuple[str, int], list[LoggedRecord]] = defaultdict(list)

    def add(self, records: Sequence[Any]) -> None:
        """Keep consumed records of ascending offsets."""
        for raw in records:
            self.records[raw.topic, raw.partition].append(logged(raw))
            self._bytes += len(raw.value or b"")
        self._count += len(records)

    def is_full(self) -> bool:
        return self._count >= MAX_RECORDS or self._bytes >= MAX_BYTES

    async def write_largest(self) -> None:
        """Write the partition with the most records and forget them."""
        place = max(self.records, key=lambda one: len(self.records[one]))
        records = self.records.pop(place)
        topic, partition = place
        await keep_schemas(self._writer, records, self._text_of)
        name = logical(topic, self._prefix)
        await asyncio.to_thread(self._writer.write, name, partition, records)
        self._count -= len(records)
        self._bytes -= sum(len(record.value or b"") for record in records)
