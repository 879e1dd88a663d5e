"""Builders for the archive's tests: records, archives, and a disk that fails in between."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from schemas.times import DAY_MS
from streams.archive.local_store import Disk, LocalStore
from streams.archive.reader import Archive
from streams.archive.records import LoggedRecord
from streams.archive.store import ArchiveStore
from streams.archive.writer import ArchiveWriter

T0 = 1_767_225_600_000  # 2026-01-01 00:00:00 UTC
TOPIC = "market.trending"
COMPACTED = "control.strategies"


def logged(offset: int, timestamp_ms: int | None = None, **changes: object) -> LoggedRecord:
    """A record that tells its offset; a second lies between two of them."""
    time_ms = T0 + 1000 * offset if timestamp_ms is None else timestamp_ms
    record = LoggedRecord(offset, time_ms, b"BTC", b"value %d" % offset, ())
    return record._replace(**changes) if changes else record


def run(first: int, last: int, **changes: object) -> list[LoggedRecord]:
    """The records of offsets from first to last."""
    return [logged(offset, **changes) for offset in range(first, last + 1)]  # type: ignore[arg-type]


def at_days(*days: float) -> list[LoggedRecord]:
    """Records at these days after T0."""
    return [logged(offset, T0 + round(day * DAY_MS)) for offset, day in enumerate(days)]


def opened(store: ArchiveStore, **partitions: int) -> ArchiveWriter:
    """A writer with its archive made."""
    writer = ArchiveWriter(store)
    writer.open("", partitions or {TOPIC: 2, COMPACTED: 1})
    return writer


def written(
    folder: Path, *batches: Iterable[LoggedRecord], topic: str = TOPIC, partition: int = 0
) -> Archive:
    """An archive in which every batch went into files of its own."""
    writer = opened(LocalStore(folder))
    for batch in batches:
        writer.write(topic, partition, list(batch))
    return Archive(str(folder))


class Killed(BaseException):
    """The process ends here: nothing after it is executed."""


class DyingDisk(Disk):
    """Counts operations and ends the process at one of them: before it, or half way through."""

    def __init__(self, dies_at: int, *, half_way: bool = False) -> None:
        self.operations = 0
        self._dies_at = dies_at
        self._half_way = half_way

    def make_folder(self, path: Path) -> None:
        self._count()
        super().make_folder(path)

    def write(self, path: Path, data: bytes) -> None:
        if self._half_way and self.operations + 1 == self._dies_at:
            path.write_bytes(data[: len(data) // 2])
        self._count()
        super().write(path, data)

    def rename(self, path: Path, target: Path) -> None:
        self._count()
        super().rename(path, target)

    def sync_folder(self, path: Path) -> None:
        self._count()

    def remove(self, path: Path) -> None:
        self._count()
        super().remove(path)

    def _count(self) -> None:
        self.operations += 1
        if self.operations == self._dies_at:
            raise Killed
