"""Single records and the newest records out of Kafka, without a consumer group.

A fetch at an offset brings what follows it too, so one round trip often answers for several places
of a partition; all partitions are asked at the same time.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from schemas.scores import InputPosition
from schemas.topics import BY_NAME, physical
from streams.archive.records import LoggedRecord
from streams.provenance.sources import registry
from streams.provenance.sources.base import Fetched, Searched, SourceError
from transport.settings import Settings

RETENTION = "no longer in the topic (retention)"
COMPACTION = "no longer in the topic (compaction: a newer version took its place)"
HOLE = "nothing stands at this offset"
BEYOND = "the topic ends before it: was it made anew?"
Wanted = dict[TopicPartition, list[InputPosition]]
_FETCH_BYTES = 262_144
_NEAR = 200
"""So few records are read through; more are jumped over."""
_POLL_MS = 50
_QUIET_LIMIT_S = 8.0
_FIRST_WINDOW = 2_000


class KafkaLog:
    """Kafka as a log. Connects in the background from the start; close() it in the same loop."""

    name = "kafka"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bootstrap = settings.require_bootstrap()
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # errors come as SourceError
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=20,
            max_partition_fetch_bytes=_FETCH_BYTES,
            request_timeout_ms=5_000,
        )
        self._started = asyncio.create_task(self._start())
        self._one_at_a_time = asyncio.Lock()

    @property
    def where(self) -> str:
        """Where it is, for people."""
        return f"Kafka at {self._bootstrap}"

    async def close(self) -> None:
        """Disconnect."""
        await asyncio.wait([self._started])
        await self._consumer.stop()

    async def fetch(self, places: Iterable[InputPosition]) -> Fetched:
        """See Log.fetch."""
        found: dict[InputPosition, LoggedRecord | str] = {}
        async with self._one_at_a_time:
            wanted = await self._reachable(places, found)
            if wanted:
                await self._read_places(wanted, found)
        return found

    async def search(
        self,
        topic: str,
        wanted: Callable[[LoggedRecord], bool],
        *,
        most: int,
        first_only: bool,
    ) -> Searched:
        """See Log.search; it goes back in windows that grow."""
        async with self._one_at_a_time:
            partitions = await self._partitions(topic)
            begins = await self._asked(self._consumer.beginning_offsets, partitions)
            # The embedded broker says an end that lies before the true one, never behind it:
            # the first window is read to the end that comes with its records.
            tops = await self._asked(self._consumer.end_offsets, partitions)
            records: list[tuple[InputPosition, LoggedRecord]] = []
            seen, window, is_first = 0, _FIRST_WINDOW, True
            while any(begins[tp] < tops[tp] for tp in partitions):
                if seen >= most or (first_only and records):
                    return Searched(records, seen, whole=False)
                share = max(min(window, most - seen) // len(partitions), 1)
                starts = {tp: max(begins[tp], tops[tp] - share) for tp in partitions}
                ranges = {
                    tp: (start, None if is_first else tops[tp])
                    for tp, start in starts.items()
                    if start < tops[tp]
                }
                seen += await self._read_ranges(topic, ranges, wanted, records)
                tops, window, is_first = starts, window * 8, False
            return Searched(records, seen, whole=True)

    async def schema(self, schema_id: int) -> str | None:
        """See Log.schema: the registry knows."""
        if self._settings.registry_url is None:
            msg = "SCHEMA_REGISTRY_URL is not set"
            raise SourceError(msg)
        return await registry.schema(self._settings.registry_url, schema_id)

    async def _start(self) -> str | None:
        """Connect; return why that is not possible, if so."""
        try:
            await self._consumer.start()
        except (KafkaError, OSError):
            return f"the broker at {self._bootstrap} does not answer"
        return None

    async def _asked(self, ask: Callable[..., Any], *arguments: Any) -> Any:
        reason = await self._started
        if reason is not None:
            raise SourceError(reason)
        try:
            return await ask(*arguments)
        except (KafkaError, OSError) as error:
            msg = f"the broker at {self._bootstrap} gives no answer: {type(error).__name__}"
            raise SourceError(msg) from error

    async def _partitions(self, topic: str) -> list[TopicPartition]:
        name = physical(topic, self._settings.prefix)
        cluster = await self._cluster()
        return [
            TopicPartition(name, one) for one in sorted(cluster.partitions_for_topic(name) or ())
        ]

    async def _cluster(self) -> Any:
        """Return what the broker says of all topics; the consumer's own view knows no others."""
        return await self._asked(self._consumer._client.fetch_all_metadata)

    async def _reachable(
        self, places: Iterable[InputPosition], found: dict[InputPosition, LoggedRecord | str]
    ) -> Wanted:
        """Return the places by partition, ascending; say of those without a partition so."""
        cluster = await self._cluster()
        asked: Wanted = defaultdict(list)
        for place in sorted(set(places), key=lambda one: (one.topic, one.partition, one.offset)):
            name = physical(place.topic, self._settings.prefix)
            if place.partition in (cluster.partitions_for_topic(name) or ()):
                asked[TopicPartition(name, place.partition)].append(place)
            else:
                found[place] = f"the broker has no partition {place.partition} of {name}"
        return asked

    async def _read_places(
        self, wanted: Wanted, found: dict[InputPosition, LoggedRecord | str]
    ) -> None:
        consumer, loop = self._consumer, asyncio.get_running_loop()
        consumer.assign(list(wanted))
        for tp, places in wanted.items():
            consumer.seek(tp, places[0].offset)
        last_s = loop.time()
        while wanted:
            for tp, records in (await self._poll(wanted, found)).items():
                last_s = loop.time()
                wanted[tp] = _settle(wanted[tp], records, found)
                if wanted[tp] and wanted[tp][0].offset - records[-1].offset > _NEAR:
                    consumer.seek(tp, wanted[tp][0].offset)
            late = loop.time() - last_s > _QUIET_LIMIT_S
            for tp in list(wanted):
                end = consumer.highwater(tp)
                beyond = end is not None and wanted[tp] and end <= wanted[tp][0].offset
                if beyond or late:
                    why = BEYOND if beyond else "the broker did not hand it over in time"
                    found |= dict.fromkeys(wanted[tp], why)
                if beyond or late or not wanted[tp]:
                    consumer.pause(tp)
                    del wanted[tp]

    async def _poll(
        self, wanted: Wanted, found: dict[InputPosition, LoggedRecord | str]
    ) -> dict[TopicPartition, list[Any]]:
        """Return new records by partition; places out of a partition's range are settled here."""
        try:
            fetched = await self._consumer.getmany(timeout_ms=_POLL_MS)
        except OffsetOutOfRangeError as error:
            await self._settle_outside([tp for tp in error.args[0] if tp in wanted], wanted, found)
            return {}
        except KafkaError as error:
            msg = f"the broker at {self._bootstrap} gives no records: {type(error).__name__}"
            raise SourceError(msg) from error
        return {tp: records for tp, records in fetched.items() if records and tp in wanted}

    async def _settle_outside(
        self,
        partitions: list[TopicPartition],
        wanted: Wanted,
        found: dict[InputPosition, LoggedRecord | str],
    ) -> None:
        """Settle places before the first record; without any, the next one is behind the last."""
        begins = await self._asked(self._consumer.beginning_offsets, partitions)
        for tp in partitions:
            before = [place for place in wanted[tp] if place.offset < begins[tp]]
            after = [place for place in wanted[tp] if place.offset >= begins[tp]]
            found |= {place: _gone(place.topic, RETENTION) for place in before}
            if before and after:
                self._consumer.seek(tp, after[0].offset)
                wanted[tp] = after
            else:
                found |= dict.fromkeys(after, BEYOND)
                self._consumer.pause(tp)
                del wanted[tp]

    async def _read_ranges(
        self,
        topic: str,
        ranges: dict[TopicPartition, tuple[int, int | None]],
        wanted: Callable[[LoggedRecord], bool],
        records: list[tuple[InputPosition, LoggedRecord]],
    ) -> int:
        """Keep what is wanted of [start, stop) of each partition; return how many were seen."""
        consumer, loop = self._consumer, asyncio.get_running_loop()
        consumer.assign(list(ranges))
        for tp, (start, _) in ranges.items():
            consumer.seek(tp, start)
        seen, last_s, left = 0, loop.time(), dict(ranges)
        while left and loop.time() - last_s < _QUIET_LIMIT_S:
            for tp, fetched in (await self._poll({tp: [] for tp in left}, {})).items():
                last_s = loop.time()
                stop = ranges[tp][1]
                inside = [one for one in fetched if stop is None or one.offset < stop]
                seen += len(inside)
                for one in map(_logged, inside):
                    if wanted(one):
                        records.append((InputPosition(topic, tp.partition, one.offset), one))
            for tp in list(left):
                stop = ranges[tp][1] or consumer.highwater(tp)
                if stop is not None and await consumer.position(tp) >= stop:
                    consumer.pause(tp)
                    del left[tp]
        return seen


def _settle(
    places: list[InputPosition],
    records: list[Any],
    found: dict[InputPosition, LoggedRecord | str],
) -> list[InputPosition]:
    """Note what records say of ascending places, and return the places that lie behind them."""
    by_offset = {record.offset: record for record in records}
    last = records[-1].offset
    for place in places:
        if place.offset > last:
            break
        record = by_offset.get(place.offset)
        found[place] = _gone(place.topic, HOLE) if record is None else _logged(record)
    return [place for place in places if place.offset > last]


def _gone(topic: str, why: str) -> str:
    known = BY_NAME.get(topic)
    return COMPACTION if known is not None and known.cleanup == "compact" else why


def _logged(record: Any) -> LoggedRecord:
    return LoggedRecord(
        record.offset, record.timestamp, record.key, record.value, tuple(record.headers)
    )
