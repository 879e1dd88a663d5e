"""Which offsets an archive has, and into which segments new records go. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from schemas.times import DAY_MS
from streams.archive.layout import Segment
from streams.archive.records import LoggedRecord, day_of

Ranges = tuple[tuple[int, int], ...]
"""Offsets as (first, last), both included; ascending, with gaps between them."""


def covered(segments: Iterable[Segment], before: Ranges = ()) -> Ranges:
    """Return the offsets that segments hold, together with those of `before`."""
    spans = sorted([*before, *((segment.first, segment.last) for segment in segments)])
    merged: list[tuple[int, int]] = []
    for first, last in spans:
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)


def divide(
    records: Sequence[LoggedRecord], ranges: Ranges
) -> tuple[list[LoggedRecord], list[list[LoggedRecord]]]:
    """Return the records that are archived, and the others as one list for each gap they fall in.

    `records` have ascending offsets.
    """
    if not ranges or (records and records[0].offset > ranges[-1][1]):
        return [], [list(records)] if records else []
    starts = [first for first, _ in ranges]
    known: list[LoggedRecord] = []
    missing: list[list[LoggedRecord]] = []
    gap = -1
    for record in records:
        number = bisect_right(starts, record.offset)
        if number and record.offset <= ranges[number - 1][1]:
            known.append(record)
        elif missing and number == gap:
            missing[-1].append(record)
        else:
            missing.append([record])
            gap = number
    return known, missing


def by_day(run: Sequence[LoggedRecord]) -> Iterator[Sequence[LoggedRecord]]:
    """Split a run where a record's UTC day is later than that of the first one of its segment.

    A late record of an earlier day stays where it is: offsets of two segments never interleave.
    """
    begin, day = 0, day_of(run[0].timestamp_ms)
    ends_ms = _end_ms(run[0])
    for number, record in enumerate(run):
        if record.timestamp_ms < ends_ms:
            continue
        found = day_of(record.timestamp_ms)
        if found > day:
            yield run[begin:number]
            begin, day, ends_ms = number, found, _end_ms(record)
    yield run[begin:]


def days_of(records: Iterable[LoggedRecord]) -> list[str]:
    """Return the UTC days of records, ascending."""
    numbers = {record.timestamp_ms // DAY_MS for record in records}
    return sorted({day_of(number * DAY_MS) for number in numbers})


def _end_ms(record: LoggedRecord) -> int:
    return (record.timestamp_ms // DAY_MS + 1) * DAY_MS
