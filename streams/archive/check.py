"""Checks that an archive is whole: every offset once, every file readable, every schema there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from streams.archive import segments
from streams.archive.layout import MANIFEST, Segment, is_compacted, parse_schema, parse_segment
from streams.archive.reader import Archive, list_segments
from streams.archive.records import ArchiveError, LoggedRecord, day_of

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Report:
    """Result of a check; `problems` are sentences for people, empty when all is well."""

    files: int
    records: int
    size: int
    problems: tuple[str, ...]


@dataclass(slots=True)
class _Read:
    """One file's records: their number, their bounds, and offsets that are wrong."""

    count: int = 0
    first: LoggedRecord | None = None
    last: int = -1
    min_ms: int = 0
    max_ms: int = 0
    hole: tuple[int, int] | None = None
    double: int | None = None


def check(archive: Archive, on_progress: OnProgress | None = None) -> Report:
    """Read the whole archive and report holes, doubles, unreadable files and missing schemas.

    A hole is an offset between the first and the last one of a partition that no file has; a
    compacted topic may have some. `on_progress(done, total)` counts bytes. Blocks; OSError when
    the file system is away.
    """
    topics = sorted({*archive.partitions, *_topics(archive)})
    total = sum(one.size for topic in topics for one in _all_segments(archive, topic))
    problems = list(_strangers(archive))
    files = records = size = 0
    for topic in topics:
        compacted = is_compacted(topic)
        for partition, found in sorted(list_segments(archive.store, topic).items()):
            problems += _place(archive, topic, partition)
            inside = []
            after: dict[str, str] = {}
            for segment in found:
                count, wrong, said = _inside(archive, segment, compacted)
                inside += wrong
                after[segment.path] = said.get(segments.AFTER, "")
                files, records, size = files + 1, records + count, size + segment.size
                if on_progress is not None:
                    on_progress(size, total)
            problems += [*_between(found, compacted, after), *inside]
    return Report(files, records, size, tuple(problems))


def _topics(archive: Archive) -> Iterator[str]:
    for path, _ in archive.store.files(""):
        segment = parse_segment(path)
        if segment is not None:
            yield segment.topic


def _all_segments(archive: Archive, topic: str) -> Iterator[Segment]:
    for found in list_segments(archive.store, topic).values():
        yield from found


def _strangers(archive: Archive) -> Iterator[str]:
    for path, _ in archive.store.files(""):
        if path != MANIFEST and parse_segment(path) is None and parse_schema(path) is None:
            yield f"{path} is no file of an archive: nobody reads it."


def _place(archive: Archive, topic: str, partition: int) -> Iterator[str]:
    if topic not in archive.partitions:
        yield f"{topic} is not among the topics of {MANIFEST}."
    elif partition >= archive.partitions[topic]:
        yield (
            f"{topic}[{partition}]: {MANIFEST} says that {topic} has "
            f"{archive.partitions[topic]} partitions."
        )


def _between(found: Sequence[Segment], compacted: bool, after: Mapping[str, str]) -> Iterator[str]:
    """Compare the offset ranges in a partition's file names, by their first offsets.

    `after` is the offset that each file says it follows: with transactions the log itself has none
    between the two, but markers.
    """
    widest = found[0]
    for segment in found[1:]:
        place = f"{segment.topic}[{segment.partition}]"
        if segment.first <= widest.last:
            last = min(segment.last, widest.last)
            yield (
                f"Double: {place} has {_offsets(segment.first, last)} twice, in {widest.path} "
                f"and in {segment.path}."
            )
        elif (
            segment.first > widest.last + 1
            and not compacted
            and not _follows(after[segment.path], widest)
        ):
            yield (
                f"Hole: {place} lacks {_offsets(widest.last + 1, segment.first - 1)}, "
                f"after {widest.path}."
            )
        if segment.last > widest.last:
            widest = segment


def _follows(after: str, before: Segment) -> bool:
    return bool(after) and int(after) <= before.last


def _inside(
    archive: Archive, segment: Segment, compacted: bool
) -> tuple[int, list[str], Mapping[str, str]]:
    """Return how many records a file has, what is wrong with it, and its metadata."""
    try:
        with archive.store.open(segment.path) as file:
            said = segments.metadata(file)
        read = _read(archive.read(segment))
    except ArchiveError as error:
        return 0, [f"Unreadable: {error}"], {}
    except Exception as error:
        if isinstance(error, OSError):
            raise
        reason = segments.unreadable(segment, f"{type(error).__name__}: {error}")
        return 0, [f"Unreadable: {reason}"], {}
    wrong = list(_contents(segment, read, compacted or segments.AFTER in said))
    if (said.get("topic"), said.get("partition")) != (segment.topic, str(segment.partition)):
        wrong.append(
            f"{segment.path} says that it is of {said.get('topic')}[{said.get('partition')}]."
        )
    for schema_id in filter(None, said.get("schemas", "").split(",")):
        if int(schema_id) not in archive.schemas:
            wrong.append(f"Schema {schema_id} is missing, and {segment.path} needs it.")
    return read.count, wrong, said


def _read(records: Iterable[LoggedRecord]) -> _Read:
    read = _Read()
    for record in records:
        offset, time_ms = record.offset, record.timestamp_ms
        if read.first is None:
            read.first, read.min_ms, read.max_ms = record, time_ms, time_ms
        elif offset <= read.last:
            read.double = offset
        elif offset > read.last + 1:
            read.hole = (read.last + 1, offset - 1)
        read.last = offset
        read.min_ms, read.max_ms = min(read.min_ms, time_ms), max(read.max_ms, time_ms)
        read.count += 1
    return read


def _contents(segment: Segment, read: _Read, compacted: bool) -> Iterator[str]:
    if read.double is not None:
        yield f"Double: {segment.path} has offset {read.double} twice or out of order."
    if read.hole is not None and not compacted:
        yield f"Hole: {segment.path} lacks {_offsets(*read.hole)}."
    if read.first is None:
        return
    found = (read.first.offset, read.last, read.min_ms, read.max_ms)
    named = (segment.first, segment.last, segment.min_ms, segment.max_ms)
    if found != named:
        yield f"{segment.path} holds other offsets or times than its name says."
    if {day_of(read.first.timestamp_ms), day_of(read.max_ms)} != {segment.day}:
        yield f"{segment.path} does not begin on its day, or goes on into a later one."


def _offsets(first: int, last: int) -> str:
    return f"offset {first}" if first == last else f"offsets {first} to {last}"
