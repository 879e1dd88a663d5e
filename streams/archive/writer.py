"""Writes records into an archive: what is there is not written again, whoever wrote it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import pairwise

from schemas.topics import WRITTEN_BY_STAGES
from streams.archive import manifest, segments
from streams.archive.coverage import Ranges, by_day, covered, days_of, divide
from streams.archive.layout import SCHEMAS, Segment, folder, is_compacted, parse_schema, schema_path
from streams.archive.manifest import Manifest
from streams.archive.reader import Archive, list_segments
from streams.archive.records import ArchiveError, LoggedRecord, schema_id
from streams.archive.store import ArchiveStore

_log = logging.getLogger(__name__)

SchemaText = Callable[[int], Awaitable[str | None]]
"""Returns the text of a registry schema: `schemas.registry_client.Registry.text`."""


class ArchiveWriter:
    """Writes to one archive; one call at a time, all of them block.

    Several writers may work on one archive: offsets that another one has written are compared
    with its file, not written twice. On a local folder that is exact, by a lock; elsewhere two
    that write the same offsets in the same moment leave both files, and readers take each offset
    once.
    """

    def __init__(self, store: ArchiveStore, *, transactions: bool = False) -> None:
        """`transactions`: the log has markers of transactions, so that offsets are missing."""
        self._store = store
        self._transactions = transactions
        self._known: dict[str, dict[int, Ranges]] = {}
        self._schemas: set[int] = set()
        self.files_written = 0
        self.bytes_written = 0

    @property
    def address(self) -> str:
        """Where the archive is."""
        return self._store.address

    def open(self, prefix: str, partitions: Mapping[str, int]) -> Manifest:
        """Make or continue the archive for topics with these partition counts.

        Removes what killed writers left. Raises ArchiveError when it holds another log.
        """
        with self._store.locked():
            left = self._store.sweep()
            if left:
                _log.info("removed %d unfinished files from %s", left, self.address)
            found = manifest.save(self._store, prefix, partitions)
            listed = [parse_schema(path) for path, _ in self._store.files(SCHEMAS)]
        self._schemas = {number for number in listed if number is not None}
        self.forget()
        return found

    def forget(self) -> None:
        """List the archive again before the next write: another writer may have been at work."""
        self._known.clear()

    def new_schemas(self, records: Iterable[LoggedRecord]) -> list[int]:
        """Return the schema ids in the records' values that the archive has no text of."""
        return sorted(number for number in _schema_ids(records) if number not in self._schemas)

    def add_schema(self, number: int, text: str) -> None:
        """Keep the text of a registry schema."""
        with self._store.locked():
            self._store.write(schema_path(number), text.encode("utf-8"))
        self._schemas.add(number)

    def write(self, topic: str, partition: int, records: Sequence[LoggedRecord]) -> int:
        """Write records of one partition as segments; return how many were new.

        When it returns they are durable. Raises ArchiveError when the archive has other records
        at these offsets: then it holds another log.
        """
        if not records:
            return 0
        if any(one.offset >= other.offset for one, other in pairwise(records)):
            by_offset = {record.offset: record for record in records}
            records = [by_offset[offset] for offset in sorted(by_offset)]
        with self._store.locked():
            ranges = self._ranges(topic, partition, records)
            known, missing = divide(records, ranges)
            if known:
                self._compare(topic, partition, known)
            for run in missing:
                self._tell_of_gap(topic, partition, ranges, run[0].offset)
                for part in by_day(run):
                    before = [last for _, last in ranges if last < part[0].offset]
                    written = self._write_segment(topic, partition, part, max(before, default=-1))
                    ranges = covered([written], ranges)
                    self._known[topic][partition] = ranges
        return sum(map(len, missing))

    def _ranges(self, topic: str, partition: int, records: Sequence[LoggedRecord]) -> Ranges:
        """Return the archived offsets; the days of these records are listed in this moment.

        Another writer of the same records began at one of them, so on one of their days.
        """
        if topic not in self._known:
            listed = list_segments(self._store, topic)
            self._known[topic] = {number: covered(found) for number, found in listed.items()}
        ranges = self._known[topic].get(partition, ())
        for day in days_of(records):
            listed = list_segments(self._store, folder(topic, day, partition))
            ranges = covered(listed.get(partition, ()), ranges)
        self._known[topic][partition] = ranges
        return ranges

    def _write_segment(
        self, topic: str, partition: int, records: Sequence[LoggedRecord], after: int
    ) -> Segment:
        segment = segments.describe(topic, partition, records)
        needed = sorted(number for number in _schema_ids(records) if number in self._schemas)
        data = segments.encode(segment, records, needed, after if self._may_lack(topic) else None)
        self._store.write(segment.path, data)
        self.files_written += 1
        self.bytes_written += len(data)
        return segment

    def _compare(self, topic: str, partition: int, known: Sequence[LoggedRecord]) -> None:
        archive = Archive(self._store)
        archived = archive.records(topic, partition, first=known[0].offset, last=known[-1].offset)
        for record in known:
            there = next((one for one in archived if one.offset >= record.offset), None)
            if there != record:
                msg = (
                    f"The archive {self.address} has another record than the broker at "
                    f"{topic}[{partition}], offset {record.offset}: it holds another log, or the "
                    "topic was recreated. Take another address."
                )
                raise ArchiveError(msg)

    def _may_lack(self, topic: str) -> bool:
        return self._transactions and topic in WRITTEN_BY_STAGES

    def _tell_of_gap(self, topic: str, partition: int, ranges: Ranges, first: int) -> None:
        ends = [last for _, last in ranges if last < first]
        is_hole = bool(ends) and ends[-1] + 1 < first
        if is_hole and not is_compacted(topic) and not self._may_lack(topic):
            _log.warning(
                "%s[%d]: a hole: offsets %d to %d did not come, and the archive lacks them",
                *(topic, partition, ends[-1] + 1, first - 1),
            )


async def keep_schemas(
    writer: ArchiveWriter, records: Iterable[LoggedRecord], text_of: SchemaText
) -> None:
    """Fetch the schemas that records need and the archive lacks; needed before the records.

    An id that the registry does not know belongs to a record that nobody can read: it is passed
    over. Raises what `text_of` raises when the registry is away.
    """
    for number in await asyncio.to_thread(writer.new_schemas, records):
        text = await text_of(number)
        if text is not None:
            await asyncio.to_thread(writer.add_schema, number, text)


def _schema_ids(records: Iterable[LoggedRecord]) -> set[int]:
    heads = {record.value[:5] for record in records if record.value is not None}
    found = {schema_id(head) for head in heads}
    return {number for number in found if number is not None}
