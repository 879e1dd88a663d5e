"""A segment's bytes: an Avro object container file of raw records."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any

import fastavro

from streams.archive.layout import Segment
from streams.archive.records import ArchiveError, LoggedRecord, day_of

_SCHEMA = fastavro.parse_schema(
    {
        "type": "record",
        "name": "LoggedRecord",
        "namespace": "quantiva.archive",
        "fields": [
            {"name": "offset", "type": "long"},
            {"name": "timestamp_ms", "type": "long"},
            {"name": "key", "type": ["null", "bytes"]},
            {"name": "value", "type": ["null", "bytes"]},
            {
                "name": "headers",
                "type": {
                    "type": "array",
                    "items": {
                        "type": "record",
                        "name": "Header",
                        "fields": [
                            {"name": "name", "type": "string"},
                            {"name": "value", "type": ["null", "bytes"]},
                        ],
                    },
                },
            },
        ],
    }
)
AFTER = "after"
_BLOCK_BYTES = 256_000
"""Large blocks are a fifth smaller than fastavro's 16 kB, and as quick to read."""


def describe(topic: str, partition: int, records: Sequence[LoggedRecord]) -> Segment:
    """Return the segment that these records make; there must be at least one."""
    times = [record.timestamp_ms for record in records]
    return Segment(
        topic,
        partition,
        day_of(times[0]),
        records[0].offset,
        records[-1].offset,
        min(times),
        max(times),
    )


def encode(
    segment: Segment,
    records: Iterable[LoggedRecord],
    schema_ids: Sequence[int],
    after: int | None = None,
) -> bytes:
    """Return the file of a segment; `schema_ids` are the registry schemas that its values need.

    `after` is the offset that it follows in a log with transactions, -1 for the first file: the
    offsets that are missing there and in the file are those of markers. None: none may be missing.
    """
    out = io.BytesIO()
    metadata = {
        "topic": segment.topic,
        "partition": str(segment.partition),
        "schemas": ",".join(map(str, schema_ids)),
        **({} if after is None else {AFTER: str(after)}),
    }
    fastavro.writer(
        out,
        _SCHEMA,
        map(_fields, records),
        codec="deflate",
        sync_interval=_BLOCK_BYTES,
        metadata=metadata,
    )
    return out.getvalue()


def _fields(record: LoggedRecord) -> dict[str, Any]:
    offset, timestamp_ms, key, value, headers = record
    return {
        "offset": offset,
        "timestamp_ms": timestamp_ms,
        "key": key,
        "value": value,
        "headers": [{"name": name, "value": one} for name, one in headers],
    }


def read(file: IO[bytes], first: int = 0) -> Generator[LoggedRecord, None, int | None]:
    """Yield the records of a segment's file from an offset on; one block is in memory at a time.

    Returns the offset of the last one. Raises what fastavro raises when the file is none of ours
    or is cut off within a block.
    """
    new = tuple.__new__  # half the time of LoggedRecord(...), which does the same
    offset = None
    for block in _blocks_from(fastavro.block_reader(file), first):
        for offset, timestamp_ms, key, value, named in map(dict.values, block):
            if offset >= first:
                headers = _headers(named) if named else ()
                yield new(LoggedRecord, (offset, timestamp_ms, key, value, headers))
    return offset


def metadata(file: IO[bytes]) -> Mapping[str, str]:
    """Return the metadata in a segment's header: topic, partition, schemas."""
    found: dict[str, str] = fastavro.block_reader(file).metadata
    return found


def _blocks_from(blocks: Iterable[Any], first: int) -> Iterator[Any]:
    """Yield the blocks that may hold `first` or later; the others are not decoded.

    Where a block ends is known only from the start of the next one.
    """
    if not first:
        yield from blocks
        return
    held = None
    for block in blocks:
        begins = next(iter(block))["offset"]
        block.bytes_.seek(0)
        if held is not None and begins > first:
            yield held
        held = block
    if held is not None:
        yield held


def _headers(found: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, bytes | None], ...]:
    if len(found) == 1:  # by far the most frequent
        return ((found[0]["name"], found[0]["value"]),)
    return tuple([(header["name"], header["value"]) for header in found])


def unreadable(segment: Segment, why: object) -> ArchiveError:
    """Return the error of a segment that cannot be read."""
    return ArchiveError(
        f"The segment {segment.path} cannot be read: {why}. Remove it and archive these offsets "
        "again while the log has them, or take the file from a copy."
    )
