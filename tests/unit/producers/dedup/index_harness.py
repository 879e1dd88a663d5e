"""A log in memory, a sender into it that dies where it is told to, and events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from producers.dedup.checkpoint import CheckpointFile
from producers.dedup.deduplicating_publisher import DeduplicatingPublisher
from producers.dedup.headlines import SeenNews
from producers.dedup.published_index import TOPICS, PublishedIndex
from schemas.codec import local_codec
from schemas.events import TOPIC_OF
from schemas.market import CalendarEvent, Fundamentals
from schemas.partitioning import partition_of
from tests.factories import DAY_MS, HOUR_MS
from tests.unit.marketdata.recorded_factory import T0, candle, tick

CODEC = local_codec()
PARTITIONS = 3


async def decode(value: bytes | None) -> Any:
    return CODEC.decode(value)


class LoggedRecord(NamedTuple):
    """What a consumer hands out."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


Partition = tuple[str, int]


class MemoryLog:
    """Topics as lists. `reads` counts the records handed out since it was set to 0."""

    def __init__(self, topics: Iterable[str] = TOPICS, partitions: int = PARTITIONS) -> None:
        self.records: dict[Partition, list[LoggedRecord]] = {
            (topic, number): [] for topic in topics for number in range(partitions)
        }
        self.begin: dict[Partition, int] = {}
        self.partition_count = partitions
        self.reads = 0

    def append(self, *events: msgspec.Struct, sent: bytes = b"") -> None:
        for event in events:
            key = event.asset.encode()  # type: ignore[attr-defined]
            number = partition_of(key, self.partition_count)
            at_ms = event.observed_at  # type: ignore[attr-defined]
            place = TOPIC_OF[type(event)].name, number
            self.append_raw(place, CODEC.encode(event), key, at_ms, (("sent_ms", sent),))

    def append_raw(
        self,
        place: Partition,
        value: bytes | None,
        key: bytes = b"BTC",
        at_ms: int = 1,
        headers: tuple[tuple[str, bytes | None], ...] = (),
    ) -> None:
        records = self.records.setdefault(place, [])
        records.append(LoggedRecord(*place, len(records), at_ms, key, value, headers))

    def events(self) -> list[Any]:
        return [CODEC.decode(r.value) for place in self.records for r in self.records[place]]

    async def partitions(self) -> Mapping[str, list[Partition]]:
        found: dict[str, list[Partition]] = {}
        for topic, number in self.records:
            found.setdefault(topic, []).append((topic, number))
        return found

    async def begins(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        return {place: self.begin.get(place, 0) for place in partitions}

    async def ends(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        return {place: len(self.records[place]) for place in partitions}

    async def scan(
        self, ranges: Mapping[Partition, tuple[int, int]]
    ) -> AsyncIterator[list[LoggedRecord]]:
        for place, (start, stop) in ranges.items():
            for at in range(start, stop, 7):
                found = self.records[place][at : min(at + 7, stop)]
                self.reads += len(found)
                yield found

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[MemoryLog]:
        yield self


class KilledError(BaseException):
    """The process ends here."""


class DyingSender:
    """Puts events into a log, one at a time; dies after so many of them, with the rest unsent."""

    def __init__(self, log: MemoryLog, dies_after: int | None = None) -> None:
        self._log = log
        self._left = dies_after

    async def publish_many(
        self, events: Iterable[msgspec.Struct], *, are_valid: bool = False
    ) -> int:
        count = 0
        for event in events:
            if self._left == 0:
                raise KilledError
            self._left = None if self._left is None else self._left - 1
            self._log.append(event)
            count += 1
        return count

    async def flush(self) -> None:
        return


def ticks(cycle_ms: int, *assets: str, size: int = 4) -> list[Any]:
    return [
        msgspec.structs.replace(tick(asset, cycle_ms + 500), cycle=cycle_ms, cycle_size=size)
        for asset in assets
    ]


def fundamentals(source_id: str, at_ms: int = T0, **changes: Any) -> Fundamentals:
    fields = {"asset": "BTC", "event_time": at_ms, "observed_at": at_ms, "source": "a"}
    return Fundamentals(**{**fields, "source_id": source_id, **changes})


def scheduled(at_ms: int = T0, **changes: Any) -> CalendarEvent:
    fields: dict[str, Any] = {
        "asset": "BTC",
        "event_time": at_ms,
        "observed_at": at_ms,
        "source": "a",
        "source_id": "7",
        "title": "Halving",
        "category": "upgrade",
        "starts_at": T0 + DAY_MS,
        "impact": 0.5,
        "certainty": 0.9,
    }
    return CalendarEvent(**{**fields, **changes})


def hourly(*numbers: int, asset: str = "BTC") -> list[Any]:
    return [candle(asset, T0 + (n + 1) * HOUR_MS) for n in numbers]


def filled(*events: Any, sent: bytes = b"") -> MemoryLog:
    log = MemoryLog()
    log.append(*events, sent=sent)
    return log


def once(log: MemoryLog, path: Path, sender: Any = None) -> DeduplicatingPublisher:
    file = CheckpointFile(path / "journal")
    return DeduplicatingPublisher(
        sender or DyingSender(log), PublishedIndex(SeenNews()), decode, log.opened, file
    )
