"""What an archive holds, by topic or by partition, from the names of its files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from streams.archive.layout import Segment, is_compacted
from streams.archive.reader import Archive


class Row(NamedTuple):
    """One line of a list; offsets and times are None where there is no record."""

    name: str
    partitions: int
    days: int
    records: int
    first: int | None
    last: int | None
    min_ms: int | None
    max_ms: int | None
    size: int

    def cells(self, size: str) -> tuple[str, ...]:
        """Return the texts of a table's row."""
        numbers = (self.partitions, self.days, self.records)
        offsets = ("" if one is None else str(one) for one in (self.first, self.last))
        times = (moment(self.min_ms), moment(self.max_ms))
        return (self.name, *(f"{one:,}" for one in numbers), *offsets, *times, size)


def rows(archive: Archive, topic: str = "") -> Iterator[Row]:
    """Yield a row for each topic; for each partition of one topic when it is named.

    Records of a compacted topic are counted by reading, those of others by their offsets.
    """
    if topic:
        for number in range(archive.partitions[topic]):
            yield _row(archive, f"{topic}[{number}]", 1, archive.segments(topic, number))
        return
    for name, count in archive.partitions.items():
        found = [one for number in range(count) for one in archive.segments(name, number)]
        yield _row(archive, name, count, found)


def moment(time_ms: int | None) -> str:
    """Return a time in UTC for people; the number itself when no calendar has it."""
    if time_ms is None:
        return ""
    try:
        return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%d %H:%M}"
    except (OverflowError, ValueError, OSError):
        return str(time_ms)


def _row(archive: Archive, name: str, partitions: int, found: list[Segment]) -> Row:
    if not found:
        return Row(name, partitions, 0, 0, None, None, None, None, 0)
    return Row(
        name,
        partitions,
        len({one.day for one in found}),
        _count(archive, found),
        min(one.first for one in found),
        max(one.last for one in found),
        min(one.min_ms for one in found),
        max(one.max_ms for one in found),
        sum(one.size for one in found),
    )


def _count(archive: Archive, found: Iterable[Segment]) -> int:
    return sum(
        sum(1 for _ in archive.read(one)) if is_compacted(one.topic) else one.last - one.first + 1
        for one in found
    )
