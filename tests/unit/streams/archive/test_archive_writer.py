"""Writing: each offset once, never beside another log, and what a restart continues."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from streams.archive.check import check
from streams.archive.local_store import LocalStore
from streams.archive.reader import Archive
from streams.archive.records import ArchiveError
from streams.archive.store import open_store
from streams.archive.survey import moment, rows
from streams.archive.writer import ArchiveWriter
from tests.unit.streams.archive.samples import COMPACTED, T0, TOPIC, at_days, logged, opened, run


def spans(archive: Archive, partition: int = 0) -> list[tuple[int, int]]:
    return [(one.first, one.last) for one in archive.segments(TOPIC, partition)]


@pytest.fixture(params=["local", "memory"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "a") if request.param == "local" else f"memory://{uuid.uuid4().hex}/a"


def test_a_restart_writes_what_is_missing(address: str) -> None:
    first = opened(open_store(address))
    assert first.write(TOPIC, 0, run(0, 9)) == 10
    second = opened(open_store(address))
    assert second.write(TOPIC, 0, run(5, 14)) == 5
    assert second.write(TOPIC, 0, run(0, 14)) == 0
    assert second.files_written == 1
    archive = Archive(address)
    assert spans(archive) == [(0, 9), (10, 14)]
    assert list(archive.records(TOPIC, 0)) == run(0, 14)
    assert check(archive).problems == ()


def test_a_writer_sees_what_another_one_wrote_meanwhile(address: str) -> None:
    first, second = opened(open_store(address)), opened(open_store(address))
    assert first.write(TOPIC, 0, run(0, 4)) == 5
    assert second.write(TOPIC, 0, run(5, 9)) == 5
    assert first.write(TOPIC, 0, run(5, 12)) == 3
    assert second.write(TOPIC, 0, run(10, 12)) == 0
    assert spans(Archive(address)) == [(0, 4), (5, 9), (10, 12)]


def test_a_hole_is_filled_when_the_records_come_again(address: str) -> None:
    writer = opened(open_store(address))
    writer.write(TOPIC, 0, run(0, 4))
    writer.write(TOPIC, 0, run(10, 14))
    assert len(check(Archive(address)).problems) == 1
    assert writer.write(TOPIC, 0, run(0, 14)) == 5
    assert check(Archive(address)).problems == ()


def test_records_in_any_order_and_twice(address: str) -> None:
    writer = opened(open_store(address))
    assert writer.write(TOPIC, 0, [*run(5, 9), *run(0, 6)]) == 10
    assert writer.write(TOPIC, 0, []) == 0
    assert list(Archive(address).records(TOPIC, 0)) == run(0, 9)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(logged(4, value=b"other"), id="value"),
        pytest.param(logged(4, key=None), id="key"),
        pytest.param(logged(4, timestamp_ms=T0), id="timestamp"),
        pytest.param(logged(4, headers=(("a", b""),)), id="header"),
    ],
)
def test_another_log_is_refused(address: str, other: object) -> None:
    opened(open_store(address)).write(TOPIC, 0, run(0, 9))
    records = run(0, 14)
    records[4] = other  # type: ignore[call-overload]
    with pytest.raises(ArchiveError, match=r"another record than the broker at .*\[0\], offset 4"):
        opened(open_store(address)).write(TOPIC, 0, records)
    assert spans(Archive(address)) == [(0, 9)]


@pytest.mark.parametrize(
    ("prefix", "partitions", "said"),
    [
        pytest.param("test.", {TOPIC: 2}, "of the prefix '', not 'test.'", id="prefix"),
        pytest.param("", {TOPIC: 3}, "with 2 partitions, the broker has 3", id="partitions"),
    ],
)
def test_another_layout_is_refused(
    address: str, prefix: str, partitions: dict[str, int], said: str
) -> None:
    opened(open_store(address))
    with pytest.raises(ArchiveError, match=said):
        ArchiveWriter(open_store(address)).open(prefix, partitions)


def test_topics_are_added_and_the_archive_keeps_its_id(address: str) -> None:
    first = ArchiveWriter(open_store(address)).open("", {"signals": 4})
    second = ArchiveWriter(open_store(address)).open("", {"market.news": 3})
    assert second.partitions == {"market.news": 3, "signals": 4}
    assert second.archive_id == first.archive_id != ""
    assert Archive(address).partitions == {"market.news": 3, "signals": 4}


def test_the_ids_of_two_archives_differ(tmp_path: Path) -> None:
    made = [ArchiveWriter(LocalStore(tmp_path / name)).open("", {}) for name in "ab"]
    assert made[0].archive_id != made[1].archive_id


def test_new_schemas_are_told_once(address: str) -> None:
    writer = opened(open_store(address))
    records = [logged(0, value=b"\0\0\0\0\2x"), logged(1, value=b"\0\0\0\0\1y"), logged(2)]
    assert writer.new_schemas([*records, logged(3, value=None)]) == [1, 2]
    writer.add_schema(1, '"bytes"')
    assert writer.new_schemas(records) == [2]
    assert opened(open_store(address)).new_schemas(records) == [2]


def test_a_survey_by_topic_and_by_partition(address: str) -> None:
    writer = opened(open_store(address))
    writer.write(TOPIC, 0, run(0, 9))
    writer.write(TOPIC, 1, at_days(0.5, 1.5))
    writer.write(COMPACTED, 0, [logged(3), logged(9)])
    archive = Archive(address)
    by_topic = {row.name: row for row in rows(archive)}
    size = sum(one.size for number in range(2) for one in archive.segments(TOPIC, number))
    half_day = T0 + 43_200_000
    assert by_topic[TOPIC] == (TOPIC, 2, 2, 12, 0, 9, T0, half_day + 86_400_000, size)
    assert by_topic[COMPACTED].records == 2
    assert [(row.name, row.records, row.days) for row in rows(archive, TOPIC)] == [
        (f"{TOPIC}[0]", 10, 1),
        (f"{TOPIC}[1]", 2, 2),
    ]
    ArchiveWriter(open_store(address)).open("", {"signals": 1})
    empty = next(iter(rows(Archive(address), "signals")))
    assert empty.cells("0 B") == ("signals[0]", "1", "0", "0", "", "", "", "", "0 B")


@pytest.mark.parametrize(
    ("time_ms", "text"),
    [
        pytest.param(T0 + 60_000, "2026-01-01 00:01", id="usual"),
        pytest.param(None, "", id="none"),
        pytest.param(2**62, str(2**62), id="beyond the calendar"),
    ],
)
def test_moments(time_ms: int | None, text: str) -> None:
    assert moment(time_ms) == text
