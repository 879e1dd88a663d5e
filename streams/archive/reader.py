"""Reads an archive: records of a topic partition by offset and by time."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from schemas.codec import Codec
from streams.archive import manifest, segments
from streams.archive.layout import (
    MANIFEST,
    SCHEMAS,
    Segment,
    parse_schema,
    parse_segment,
    schema_path,
)
from streams.archive.records import ArchiveError, LoggedRecord
from streams.archive.store import ArchiveStore, open_store

__all__ = ["Archive", "ArchiveError", "LoggedRecord", "Segment"]


class Archive:
    """An archive opened for reading: a folder or a URL of fsspec.

    A topic's list of files is read when the topic is first asked for; open the archive again to
    see what has been written since. All calls block. Raises ArchiveError when there is no archive
    at the address, or a file of it cannot be read; OSError when the file system is away.
    """

    def __init__(self, address: str | ArchiveStore) -> None:
        self.store = open_store(address) if isinstance(address, str) else address
        self.address = self.store.address
        found = manifest.load(self.store)
        if found is None:
            msg = f"There is no archive at {self.address}: {MANIFEST} is missing."
            raise ArchiveError(msg)
        self.prefix: str = found.prefix
        self.partitions: dict[str, int] = found.partitions
        self._segments: dict[str, dict[int, list[Segment]]] = {}

    @cached_property
    def schemas(self) -> dict[int, str]:
        """The texts of the archived values' schemas by registry id."""
        found = {}
        for path, _ in self.store.files(SCHEMAS):
            schema_id = parse_schema(path)
            text = None if schema_id is None else self.store.read(schema_path(schema_id))
            if schema_id is not None and text is not None:
                found[schema_id] = text.decode("utf-8")
        return dict(sorted(found.items()))

    def codec(self) -> Codec:
        """Return a codec that decodes every archived id whose schema is of the contract."""
        codec = Codec({})
        for schema_id, text in self.schemas.items():
            try:
                codec.learn(schema_id, text)
            except ValueError:
                continue  # another kind of schema; its records are dead letters to everyone
        return codec

    def segments(self, topic: str, partition: int) -> list[Segment]:
        """Return the files of a topic partition, sorted by first offset."""
        if topic not in self._segments:
            self._segments[topic] = list_segments(self.store, topic)
        return self._segments[topic].get(partition, [])

    def records(
        self,
        topic: str,
        partition: int,
        *,
        first: int = 0,
        last: int | None = None,
        from_ms: int | None = None,
        until_ms: int | None = None,
    ) -> Iterator[LoggedRecord]:
        """Yield records by ascending offset, each once, also where segments overlap.

        `first` to `last` offset, both included; from_ms <= timestamp < until_ms. Files that lie
        outside are not opened, and one block of one file is in memory at a time.
        """
        following = first
        for segment in self.segments(topic, partition):
            if segment.last < following or (last is not None and segment.first > last):
                continue
            if _is_outside(segment, from_ms, until_ms):
                continue
            records = self.read(segment, following)
            if not _within(segment, last, from_ms, until_ms):
                records = _cut(records, last, from_ms, until_ms)
            yield from records
            following = max(following, segment.last + 1)

    def record(self, topic: str, partition: int, offset: int) -> LoggedRecord | None:
        """Return the record at an offset, None when it is not archived."""
        found = self.segments(topic, partition)
        number = bisect_right(found, offset, key=lambda segment: segment.first) - 1
        while number >= 0:  # more than once only where segments overlap
            if found[number].last >= offset:
                return self._find(found[number], offset)
            number -= 1
        return None

    def read(self, segment: Segment, first: int = 0) -> Iterator[LoggedRecord]:
        """Yield a file's records from an offset on; ArchiveError when it is cut short or broken."""
        try:
            with self.store.open(segment.path) as file:
                last = yield from segments.read(file, first if first > segment.first else 0)
        except OSError:
            raise
        except Exception as error:  # fastavro has no class of its own for what it cannot read
            raise segments.unreadable(segment, f"{type(error).__name__}: {error}") from error
        if last != segment.last:
            why = f"it ends at offset {last}, its name says {segment.last}"
            raise segments.unreadable(segment, why)

    def _find(self, segment: Segment, offset: int) -> LoggedRecord | None:
        found = next(self.read(segment, offset), None)
        return found if found is not None and found.offset == offset else None

    def local(self, folder: Path) -> Archive:
        """Return this archive when it is local, else a copy of it, downloaded to a folder."""
        from streams.archive.remote_store import RemoteStore

        if not isinstance(self.store, RemoteStore):
            return self
        folder.mkdir(parents=True, exist_ok=True)
        self.store.fetch(str(folder))
        return Archive(str(folder))


def list_segments(store: ArchiveStore, folder: str) -> dict[int, list[Segment]]:
    """Return the segments below a folder by partition, sorted by first offset."""
    found: dict[int, list[Segment]] = defaultdict(list)
    for path, size in store.files(folder):
        segment = parse_segment(path, size)
        if segment is not None:
            found[segment.partition].append(segment)
    for of_partition in found.values():
        of_partition.sort(key=lambda segment: (segment.first, -segment.last))
    return dict(found)


def _is_outside(segment: Segment, from_ms: int | None, until_ms: int | None) -> bool:
    before = from_ms is not None and segment.max_ms < from_ms
    return before or (until_ms is not None and segment.min_ms >= until_ms)


def _within(segment: Segment, last: int | None, from_ms: int | None, until_ms: int | None) -> bool:
    begins = from_ms is None or segment.min_ms >= from_ms
    ends = until_ms is None or segment.max_ms < until_ms
    return begins and ends and (last is None or segment.last <= last)


def _cut(
    records: Iterable[LoggedRecord], last: int | None, from_ms: int | None, until_ms: int | None
) -> Iterator[LoggedRecord]:
    for record in records:
        if last is not None and record.offset > last:
            return
        if from_ms is not None and record.timestamp_ms < from_ms:
            continue
        if until_ms is None or record.timestamp_ms < until_ms:
            yield record
