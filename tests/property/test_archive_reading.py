"""Whatever is written in whatever pieces: reading gives it back, cut by offset and time."""

from __future__ import annotations

import uuid

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.times import DAY_MS
from streams.archive.check import check
from streams.archive.reader import Archive
from streams.archive.records import LoggedRecord
from streams.archive.store import open_store
from tests.unit.streams.archive.samples import T0, TOPIC, opened

small = st.binary(max_size=8)
headers = st.lists(
    st.tuples(st.text(max_size=4).filter(str.isascii), st.none() | small), max_size=3
).map(tuple)
any_time = st.one_of(
    st.integers(T0, T0 + 5 * DAY_MS), st.sampled_from([-1, 0, 2**62, -(2**62), 2**63 - 1])
)
contents = st.tuples(any_time, st.none() | small, st.none() | small, headers)
gaps = st.sampled_from([1, 1, 1, 1, 2, 50])
bounds = st.none() | st.integers(-5, 400)
moments = st.none() | any_time


def records_of(found: list[tuple[int, tuple[object, ...]]]) -> list[LoggedRecord]:
    """Give ascending offsets; a gap is what compaction leaves."""
    offset, records = 0, []
    for gap, fields in found:
        offset += gap
        records.append(LoggedRecord(offset, *fields))  # type: ignore[arg-type]
    return records


@settings(max_examples=150)
@given(
    st.lists(st.tuples(gaps, contents), max_size=40),
    st.lists(st.integers(1, 15), min_size=1, max_size=8),
    st.tuples(bounds, bounds, moments, moments),
)
def test_reading_is_filtering(
    found: list[tuple[int, tuple[object, ...]]],
    sizes: list[int],
    cut: tuple[int | None, int | None, int | None, int | None],
) -> None:
    log = records_of(found)
    address = f"memory://{uuid.uuid4().hex}"
    writer = opened(open_store(address))
    at = number = 0
    while at < len(log):
        size = sizes[number % len(sizes)]
        assert writer.write(TOPIC, 1, log[at : at + size]) == len(log[at : at + size])
        at, number = at + size, number + 1
    archive = Archive(address)
    assert list(archive.records(TOPIC, 1)) == log
    first, last, from_ms, until_ms = cut
    wanted = [
        one
        for one in log
        if one.offset >= (first or 0)
        and (last is None or one.offset <= last)
        and (from_ms is None or one.timestamp_ms >= from_ms)
        and (until_ms is None or one.timestamp_ms < until_ms)
    ]
    assert (
        list(
            archive.records(
                TOPIC, 1, first=first or 0, last=last, from_ms=from_ms, until_ms=until_ms
            )
        )
        == wanted
    )
    by_offset = {one.offset: one for one in log}
    end = log[-1].offset + 2 if log else 2
    assert [archive.record(TOPIC, 1, n) for n in range(end)] == [
        by_offset.get(n) for n in range(end)
    ]
    assert all(problem.startswith("Hole") for problem in check(archive).problems)
