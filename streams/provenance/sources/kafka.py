"""Single records and the newest records out of Kafka, without a consumer group."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from aiokafka.errors import KafkaError

from schemas.registry_client import Registry, RegistryError
from schemas.scores import InputPosition
from schemas.topics import BY_NAME, physical
from streams.archive.records import LoggedRecord, logged
from streams.provenance.sources.base import Fetched, Searched, SourceError
from transport.admin import BrokerError
from transport.log_reader import LogReader, Partition
from transport.settings import Settings

RETENTION = "no longer in the topic (retention)"
COMPACTION = "no longer in the topic (compaction: a newer version took its place)"
HOLE = "nothing stands at this offset"
BEYOND = "the topic ends before it: was it made anew?"
_FETCH_BYTES = 262_144
_FETCH_WAIT_MS = 20
_FIRST_WINDOW = 2_000


class KafkaLog:
    """Kafka as a log. Connects in the background from the start; close() it in the same loop."""

    name = "kafka"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bootstrap = settings.require_bootstrap()
        self._connection = AsyncExitStack()
        reader = LogReader(settings, fetch_bytes=_FETCH_BYTES, fetch_wait_ms=_FETCH_WAIT_MS)
        self._started = asyncio.create_task(self._connection.enter_async_context(reader))
        self._one_at_a_time = asyncio.Lock()

    @property
    def where(self) -> str:
        """Where it is, for people."""
        return f"Kafka at {self._bootstrap}"

    async def close(self) -> None:
        """Disconnect."""
        await asyncio.wait([self._started])
        await self._connection.aclose()

    async def fetch(self, places: Iterable[InputPosition]) -> Fetched:
        """See RecordSource.fetch."""
        found: dict[InputPosition, LoggedRecord | str] = {}
        async with self._reading() as reader:
            there = {tp for partitions in (await reader.topics()).values() for tp in partitions}
            wanted: dict[InputPosition, Partition] = {}
            for place in places:
                partition = (physical(place.topic, self._settings.prefix), place.partition)
                if partition in there:
                    wanted[place] = partition
                else:
                    name, number = partition
                    found[place] = f"the broker has no partition {number} of {name}"
            records = await reader.peek((tp, place.offset) for place, tp in wanted.items())
            for place, tp in wanted.items():
                if (tp, place.offset) in records:
                    found[place] = logged(records[tp, place.offset])
            lost = {place: tp for place, tp in wanted.items() if place not in found}
            begins, ends = await reader.begins(lost.values()), await reader.ends(lost.values())
            for place, tp in lost.items():
                found[place] = _why_not(place, begins[tp], ends[tp])
        return found

    async def search(
        self,
        topic: str,
        wanted: Callable[[LoggedRecord], bool],
        *,
        most: int,
        first_only: bool,
    ) -> Searched:
        """See RecordSource.search; it goes back in windows that grow."""
        records: list[tuple[InputPosition, LoggedRecord]] = []
        async with self._reading() as reader:
            name = physical(topic, self._settings.prefix)
            partitions = (await reader.topics()).get(name, [])
            begins, tops = await reader.begins(partitions), await reader.ends(partitions)
            seen, window = 0, _FIRST_WINDOW
            while any(begins[tp] < tops[tp] for tp in partitions):
                if seen >= most or (first_only and records):
                    return Searched(records, seen, whole=False)
                share = max(min(window, most - seen) // len(partitions), 1)
                starts = {tp: max(begins[tp], tops[tp] - share) for tp in partitions}
                async for batch in reader.scan({tp: (starts[tp], tops[tp]) for tp in partitions}):
                    seen += len(batch)
                    for raw in batch:
                        record = logged(raw)
                        if wanted(record):
                            place = InputPosition(topic, raw.partition, raw.offset)
                            records.append((place, record))
                tops, window = starts, window * 8
        return Searched(records, seen, whole=True)

    async def schema(self, schema_id: int) -> str | None:
        """See RecordSource.schema: the registry knows."""
        if self._settings.registry_url is None:
            msg = "SCHEMA_REGISTRY_URL is not set"
            raise SourceError(msg)
        try:
            return await Registry(self._settings.registry_url).text(schema_id)
        except RegistryError as error:
            raise SourceError(str(error)) from error

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[LogReader]:
        """Yield the reader to one task at a time; SourceError for what goes wrong with it."""
        try:
            reader = await self._started
        except BrokerError as error:
            msg = f"the broker at {self._bootstrap} does not answer"
            raise SourceError(msg) from error
        try:
            async with self._one_at_a_time:
                yield reader
        except (BrokerError, KafkaError, OSError) as error:
            msg = f"the broker at {self._bootstrap} gives no records: {type(error).__name__}"
            raise SourceError(msg) from error


def _why_not(place: InputPosition, begin: int, end: int) -> str:
    """Return why there is no record at a place, given the first offset and the end."""
    if place.offset >= end:
        return BEYOND
    topic = BY_NAME.get(place.topic)
    if topic is not None and topic.cleanup == "compact":
        return COMPACTION
    return RETENTION if place.offset < begin else HOLE
