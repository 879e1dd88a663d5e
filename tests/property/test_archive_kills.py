"""A writer killed between any two operations on the disk leaves no hole, no double, no half."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.times import DAY_MS
from sinks.archive import ArchiveSink
from sinks.base import SinkRecord
from streams.archive.check import check
from streams.archive.local_store import LocalStore
from streams.archive.reader import Archive
from streams.archive.records import LoggedRecord
from tests.unit.streams.archive.samples import TOPIC, DyingDisk, Killed, at_days, logged, run

SCHEMA_ID = 7
EVENT = b"\0\0\0\0\x07 event"
NEVER = 10**9
# Two days, a late record, a record that needs a schema.
LOG = [
    *at_days(0, 0.4, 0.9, 1.1, 0.8, 1.2),
    *run(6, 9, value=EVENT),
]


async def schema_text(number: int) -> str | None:
    return '"bytes"' if number == SCHEMA_ID else None


class Machine:
    """The log, the committed offset, and a process that archives until its disk dies."""

    def __init__(self, folder: Path, log: list[LoggedRecord], batch: int) -> None:
        self.folder = folder
        self.log = log
        self.batch = batch
        self.committed = 0

    def live(self, disk: DyingDisk, kill_after_flush: int = NEVER) -> None:
        """Run a process from the committed offset to the end of the log; Killed where it dies."""
        asyncio.run(self._live(disk, kill_after_flush))

    async def _live(self, disk: DyingDisk, kill_after_flush: int) -> None:
        sink = ArchiveSink(LocalStore(self.folder, disk), "", {TOPIC: 1}, schema_text)
        await sink.setup()
        flushes = 0
        while self.committed < len(self.log):
            batch = self.log[self.committed : self.committed + self.batch]
            sink.add(_as_read(batch))
            await sink.flush()
            flushes += 1
            if flushes == kill_after_flush:
                raise Killed
            self.committed += len(batch)

    def look(self) -> None:
        """Whatever has happened: what is visible is whole and is a beginning of the log."""
        if not (self.folder / "archive.json").exists():
            assert not list(self.folder.rglob("*.avro"))
            return
        archive = Archive(str(self.folder))
        assert check(archive).problems == ()
        found = list(archive.records(TOPIC, 0))
        assert found == self.log[: len(found)]
        assert len(found) >= self.committed
        assert not any(one.value == EVENT for one in found) or list(archive.schemas) == [SCHEMA_ID]


def _as_read(records: Iterable[LoggedRecord]) -> list[SinkRecord]:
    return [
        SinkRecord(
            topic=TOPIC,
            partition=0,
            offset=one.offset,
            timestamp_ms=one.timestamp_ms,
            key=one.key,
            value=one.value,
            headers=one.headers,
        )
        for one in records
    ]


def operations_of_a_life(folder: Path) -> int:
    disk = DyingDisk(NEVER)
    Machine(folder, LOG, 4).live(disk)
    return disk.operations


@pytest.mark.parametrize("half_way", [False, True], ids=["before", "half way through"])
def test_a_kill_at_every_operation(tmp_path: Path, half_way: bool) -> None:
    count = operations_of_a_life(tmp_path / "whole")
    assert count > 20
    for number in range(1, count + 1):
        machine = Machine(tmp_path / str(number), LOG, 4)
        with pytest.raises(Killed):
            machine.live(DyingDisk(number, half_way=half_way))
        machine.look()
        machine.batch = 3  # else the files of the second life would just replace the first one's
        machine.live(DyingDisk(NEVER))
        machine.look()
        assert list(Archive(str(machine.folder)).records(TOPIC, 0)) == LOG
        assert not list(machine.folder.rglob("*.tmp"))


times = st.integers(-2, 40).map(lambda step: step * DAY_MS // 7)
logs = st.lists(times, min_size=1, max_size=30).map(
    lambda found: [logged(offset, 1_767_225_600_000 + at) for offset, at in enumerate(found)]
)
deaths = st.lists(
    st.tuples(st.integers(1, 40), st.booleans(), st.sampled_from([1, 2, 3, NEVER])), max_size=6
)


@settings(max_examples=60)
@given(logs, deaths, st.lists(st.integers(1, 9), min_size=7, max_size=7))
def test_any_log_in_any_batches_with_any_deaths(
    log: list[LoggedRecord], found: list[tuple[int, bool, int]], batches: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Path(folder) / "archive", log, batches[-1])
        for (dies_at, half_way, after_flush), batch in zip(found, batches, strict=False):
            machine.batch = batch
            try:
                machine.live(DyingDisk(dies_at, half_way=half_way), after_flush)
            except Killed:
                machine.look()
        machine.live(DyingDisk(NEVER))
        machine.look()
        assert machine.committed == len(log)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 12), st.integers(1, 12), st.booleans()),
        min_size=1,
        max_size=12,
    )
)
def test_writers_that_do_not_know_of_each_other(steps: list[tuple[int, int, int, bool]]) -> None:
    """Each step: which writer, how far back it begins, how many records, whether it lists anew.

    A writer that lost its partitions goes on with what it had read; it begins at an offset that
    was committed, so never behind the end of the archive.
    """
    log = run(0, 200)
    with tempfile.TemporaryDirectory() as folder:
        writers = [
            ArchiveSink(LocalStore(Path(folder)), "", {TOPIC: 1}, schema_text) for _ in range(3)
        ]
        for writer in writers:
            asyncio.run(writer.setup())
        end = 0
        for number, back, count, anew in steps:
            if anew:
                writers[number].discard()
            first = max(0, end - back)
            writers[number].add(_as_read(log[first : first + count]))
            asyncio.run(writers[number].flush())
            end = max(end, first + count)
        archive = Archive(folder)
        assert check(archive).problems == ()
        assert list(archive.records(TOPIC, 0)) == log[:end]
