"""Records out of an archive. Its calls block, so they run in a thread."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TypeVar

from schemas.scores import InputPosition
from streams.archive.reader import Archive, ArchiveError, Segment
from streams.archive.records import LoggedRecord
from streams.provenance.sources.base import Fetched, Searched, SourceError

T = TypeVar("T")
_RUN = 1000
"""Records so near to each other are read in one go."""


class ArchiveLog:
    """An archive as a log; opened by the first call. SourceError when it cannot be read."""

    name = "archive"

    def __init__(self, address: str) -> None:
        self._address = address
        self._archive: Archive | None = None

    @property
    def where(self) -> str:
        """Where it is, for people."""
        return f"the archive {self._archive.address if self._archive else self._address}"

    async def fetch(self, places: Iterable[InputPosition]) -> Fetched:
        """See Log.fetch."""
        return await self._blocking(self._fetch, list(places))

    async def search(
        self,
        topic: str,
        wanted: Callable[[LoggedRecord], bool],
        *,
        most: int,
        first_only: bool,
    ) -> Searched:
        """See Log.search; it reads whole segments, the newest first."""
        return await self._blocking(self._search, topic, wanted, most, first_only)

    async def schema(self, schema_id: int) -> str | None:
        """See Log.schema."""
        return await self._blocking(lambda archive: archive.schemas.get(schema_id))

    async def _blocking(self, work: Callable[..., T], *arguments: object) -> T:
        def run() -> T:
            if self._archive is None:
                self._archive = Archive(self._address)
            return work(self._archive, *arguments)

        try:
            return await asyncio.to_thread(run)
        except (ArchiveError, OSError) as error:
            raise SourceError(str(error)) from error

    @staticmethod
    def _fetch(archive: Archive, places: list[InputPosition]) -> Fetched:
        found: dict[InputPosition, LoggedRecord | str] = dict.fromkeys(places, "not archived")
        for (topic, partition), run in _runs(places):
            for record in archive.records(topic, partition, first=run[0], last=run[-1]):
                if record.offset in run:
                    found[InputPosition(topic, partition, record.offset)] = record
        return found

    @staticmethod
    def _search(
        archive: Archive,
        topic: str,
        wanted: Callable[[LoggedRecord], bool],
        most: int,
        first_only: bool,
    ) -> Searched:
        records: list[tuple[InputPosition, LoggedRecord]] = []
        seen = 0
        for segment in _newest_first(archive, topic):
            if seen >= most or (first_only and records):
                return Searched(records, seen, whole=False)
            for record in archive.read(segment):
                seen += 1
                if wanted(record):
                    place = InputPosition(topic, segment.partition, record.offset)
                    records.append((place, record))
        return Searched(records, seen, whole=True)


def _newest_first(archive: Archive, topic: str) -> list[Segment]:
    numbers = range(archive.partitions.get(topic, 0))
    segments = [one for number in numbers for one in archive.segments(topic, number)]
    return sorted(segments, key=lambda one: (one.max_ms, one.partition, one.first), reverse=True)


def _runs(places: Iterable[InputPosition]) -> list[tuple[tuple[str, int], list[int]]]:
    """Return the offsets to read by topic partition, in runs of near ones, ascending."""
    offsets: dict[tuple[str, int], list[int]] = defaultdict(list)
    for place in places:
        offsets[place.topic, place.partition].append(place.offset)
    runs = []
    for partition, wanted in offsets.items():
        run: list[int] = []
        for offset in sorted(set(wanted)):
            if run and offset - run[-1] > _RUN:
                runs.append((partition, run))
                run = []
            run.append(offset)
        runs.append((partition, run))
    return runs
