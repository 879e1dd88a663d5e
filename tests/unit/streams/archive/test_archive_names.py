"""Names of files, days of records, and which record goes into which file."""

from __future__ import annotations

import pytest

from schemas.times import DAY_MS
from streams.archive.coverage import by_day, covered, days_of, divide
from streams.archive.layout import Segment, parse_schema, parse_segment, schema_path
from streams.archive.records import day_of, schema_id
from streams.archive.segments import describe
from tests.unit.streams.archive.samples import T0, at_days, run

GOOD = f"market.candles/2026-01-01/3/{5:020d}-{9:020d}-{T0}-{T0 + 1}.avro"


@pytest.mark.parametrize(
    "segment",
    [
        pytest.param(Segment("market.candles", 3, "2026-01-01", 5, 9, T0, T0 + 1), id="usual"),
        pytest.param(Segment("signals", 0, "1969-12-31", 0, 0, -1, -1), id="before 1970"),
        pytest.param(Segment("a-b_c.d", 511, "9999-12-31", 1, 2**63 - 1, 0, 2**62), id="largest"),
    ],
)
def test_a_name_tells_the_segment(segment: Segment) -> None:
    assert parse_segment(segment.path) == segment
    assert parse_segment(segment.path, 77) == segment._replace(size=77)


def test_the_layout() -> None:
    assert Segment("market.candles", 3, "2026-01-01", 5, 9, T0, T0 + 1).path == GOOD
    assert schema_path(12) == "schemas/12.avsc"
    assert parse_schema("schemas/12.avsc") == 12


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(f"{GOOD}.tmp", id="temporary"),
        pytest.param(GOOD.removesuffix(".avro"), id="no ending"),
        pytest.param(GOOD.replace(f"{5:020d}", "5"), id="offset without zeros"),
        pytest.param(f"more/{GOOD}", id="deeper"),
        pytest.param("archive.json", id="manifest"),
        pytest.param("schemas/12.avsc", id="schema"),
    ],
)
def test_what_is_no_segment(path: str) -> None:
    assert parse_segment(path) is None


@pytest.mark.parametrize("path", ["schemas/x.avsc", "schemas/1.avsc.tmp", GOOD])
def test_what_is_no_schema(path: str) -> None:
    assert parse_schema(path) is None


@pytest.mark.parametrize(
    ("time_ms", "day"),
    [
        pytest.param(T0, "2026-01-01", id="first moment"),
        pytest.param(T0 - 1, "2025-12-31", id="last moment"),
        pytest.param(-1, "1969-12-31", id="no timestamp"),
        pytest.param(2**62, "9999-12-31", id="beyond the calendar"),
        pytest.param(-(2**62), "0001-01-01", id="before the calendar"),
    ],
)
def test_the_day_of_any_timestamp(time_ms: int, day: str) -> None:
    assert day_of(time_ms) == day


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(b"\0\0\0\1\2body", 258, id="wire format"),
        pytest.param(b"\0\0\0\1\2", 258, id="no body"),
        pytest.param(b"\0\0\0\1", None, id="too short"),
        pytest.param(b"{}...", None, id="no magic byte"),
        pytest.param(None, None, id="tombstone"),
    ],
)
def test_the_schema_of_a_value(value: bytes | None, expected: int | None) -> None:
    assert schema_id(value) == expected


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        pytest.param([0, 0.5, 0.99], [3], id="one day"),
        pytest.param([0, 0.5, 1, 1.5, 2], [2, 2, 1], id="three days"),
        pytest.param([0, 1, 0.5, 1.5, 2], [1, 3, 1], id="a late record stays"),
        pytest.param([5, 0, 1, 2], [4], id="all are late"),
        pytest.param([0, 30, 1, 31], [1, 2, 1], id="a record from far ahead"),
    ],
)
def test_a_later_day_begins_a_segment(days: list[float], expected: list[int]) -> None:
    assert [len(part) for part in by_day(at_days(*days))] == expected


def test_timestamps_beyond_the_calendar_share_a_day() -> None:
    records = [one._replace(timestamp_ms=2**62 + one.offset * DAY_MS) for one in run(0, 4)]
    assert [len(part) for part in by_day(records)] == [5]
    assert days_of(records) == ["9999-12-31"]


def test_days_of_records() -> None:
    assert days_of(at_days(1.5, 0, 1, 0.2)) == ["2026-01-01", "2026-01-02"]
    assert days_of([]) == []


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        pytest.param([], [], id="none"),
        pytest.param([(0, 4), (5, 9)], [(0, 9)], id="side by side"),
        pytest.param([(5, 9), (0, 4)], [(0, 9)], id="in any order"),
        pytest.param([(0, 4), (6, 9)], [(0, 4), (6, 9)], id="a gap"),
        pytest.param([(0, 9), (2, 3), (8, 12)], [(0, 12)], id="overlapping"),
    ],
)
def test_which_offsets_segments_cover(
    spans: list[tuple[int, int]], expected: list[tuple[int, int]]
) -> None:
    found = [describe("t", 0, run(first, last)) for first, last in spans]
    assert list(covered(found)) == expected
    assert list(covered(found[1:], covered(found[:1]))) == expected


@pytest.mark.parametrize(
    ("ranges", "known", "missing"),
    [
        pytest.param([], [], [(3, 12)], id="empty archive"),
        pytest.param([(0, 2)], [], [(3, 12)], id="behind the end"),
        pytest.param([(0, 5)], [3, 4, 5], [(6, 12)], id="some are there"),
        pytest.param([(0, 99)], list(range(3, 13)), [], id="all are there"),
        pytest.param([(5, 6), (9, 9)], [5, 6, 9], [(3, 4), (7, 8), (10, 12)], id="gaps are filled"),
        pytest.param([(20, 30)], [], [(3, 12)], id="before the beginning"),
    ],
)
def test_what_is_there_is_divided_from_what_is_missing(
    ranges: list[tuple[int, int]], known: list[int], missing: list[tuple[int, int]]
) -> None:
    found, runs = divide(run(3, 12), tuple(ranges))
    assert [one.offset for one in found] == known
    assert [(part[0].offset, part[-1].offset) for part in runs] == missing
