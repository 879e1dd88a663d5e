"""The whole platform in memory: a log, and the stages that read and write it, one at a time.

It is a log like Kafka and the archive, so what looks signals up can be run on it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from marketdata.simulated.assets import ASSETS
from marketdata.simulated.simulation import backfill, cycle
from producers.strategies import PREBUILT
from schemas.codec import local_codec
from schemas.contract import STRUCTS, schema, schema_name
from schemas.control import Strategy
from schemas.partitioning import partition_of
from schemas.scores import InputPosition
from schemas.signals import Signal
from schemas.topics import BY_SCHEMA, MARKET_TOPICS, SIGNALS, STRATEGIES
from streams.archive.records import LoggedRecord
from streams.provenance.sources.base import Fetched, RecordSource, Searched
from streams.provenance.sources.looking import Reader, look
from streams.provenance.tree import Found, Tree, grow, roots, twigs
from streams.stage import Entry, StrategyAt, Tables, advance
from streams.topology import stages

PARTITIONS = 2
START_MS = 1_767_225_600_000
_TIMES = ("observed_at", "as_of", "requested_at", "updated_at")
_codec = local_codec()


class World:
    """See the module's docstring."""

    name = "kafka"
    where = "the log in memory"

    def __init__(self, strategies: Iterable[Strategy] = PREBUILT) -> None:
        self.logs: dict[tuple[str, int], list[LoggedRecord]] = defaultdict(list)
        self.lost: dict[InputPosition, str] = {}
        self.asked = 0
        self._entries: dict[tuple[str, str], Entry] = {}
        self._strategies: dict[str, StrategyAt] = {}
        for strategy in strategies:
            self.publish(strategy.strategy_id, strategy)

    def publish(self, key: str, event: Any, time_ms: int | None = None) -> InputPosition:
        """Append an event to its topic, and let the stages that read it go on.

        `time_ms` is its record's, its own time where None.
        """
        topic = BY_SCHEMA[schema_name(event)].name
        partition = 0 if topic == STRATEGIES.name else partition_of(key.encode(), PARTITIONS)
        log = self.logs[topic, partition]
        place = InputPosition(topic, partition, len(log))
        if time_ms is None:
            times = (getattr(event, name, None) for name in _TIMES)
            time_ms = next((one for one in times if one is not None), 0)
        log.append(LoggedRecord(len(log), time_ms, key.encode(), _codec.encode(event), ()))
        if isinstance(event, Strategy):
            self._strategies[key] = StrategyAt(event, place.offset)
        for stage in stages():
            if topic in stage.inputs:
                self._advance(stage, key, event, place, time_ms)
        return place

    def delete(self, strategy_id: str, time_ms: int) -> None:
        """Delete a strategy."""
        log = self.logs[STRATEGIES.name, 0]
        log.append(LoggedRecord(len(log), time_ms, strategy_id.encode(), None, ()))
        del self._strategies[strategy_id]

    def play(self, *, assets: int = 2, cycles: int = 2, seed: int = 7) -> None:
        """Publish a simulated market: back-fill, then cycles."""
        state, events = backfill(seed, START_MS, ASSETS[:assets])
        for _ in range(cycles):
            state, more = cycle(state, state.now_ms)
            events = [*events, *more]
        for event in events:
            self.publish(event.asset, event)

    def signals(self) -> list[Signal]:
        """Return all signals, oldest first within a partition."""
        topics = [log for (topic, _), log in sorted(self.logs.items()) if topic == SIGNALS.name]
        return [_codec.decode(record.value) for log in topics for record in log]

    def lose(self, why: str, *topics: str) -> None:
        """Forget all records of the topics."""
        for (topic, partition), log in self.logs.items():
            if topic in topics:
                places = (InputPosition(topic, partition, one.offset) for one in log)
                self.lost |= dict.fromkeys(places, why)

    async def fetch(self, places: Iterable[InputPosition]) -> Fetched:
        self.asked += 1
        return {place: self._at(place) for place in places}

    async def search(
        self, topic: str, wanted: Callable[[LoggedRecord], bool], *, most: int, first_only: bool
    ) -> Searched:
        found: list[tuple[InputPosition, LoggedRecord]] = []
        seen = 0
        for (name, partition), log in self.logs.items():
            for record in reversed(log) if name == topic else ():
                seen += 1
                if wanted(record):
                    found.append((InputPosition(topic, partition, record.offset), record))
        return Searched(found, min(seen, most), seen <= most)

    async def schema(self, schema_id: int) -> str | None:
        names = dict(enumerate(STRUCTS, start=1))
        return schema(names[schema_id]).text if schema_id in names else None

    def _at(self, place: InputPosition) -> LoggedRecord | str:
        log = self.logs.get((place.topic, place.partition), [])
        if place in self.lost:
            return self.lost[place]
        return log[place.offset] if place.offset < len(log) else "the topic ends before it"

    def _advance(
        self, stage: Any, key: str, event: Any, place: InputPosition, time_ms: int
    ) -> None:
        slot = (stage.name, key)
        entry = self._entries.get(slot)
        newest = len(self.logs[STRATEGIES.name, 0]) - 1
        tables = Tables(dict(sorted(self._strategies.items())), read_to=newest)
        moved = advance(stage, entry, event, place.topic, place.partition, place.offset, tables)
        assert moved is not None
        self._entries[slot], outputs = moved
        for output in outputs:
            self.publish(output.key, output.event, time_ms)


MARKET = tuple(topic.name for topic in MARKET_TOPICS)


async def tree_of(signal: Signal, *logs: RecordSource) -> Tree:
    """Return the tree of a signal out of logs."""
    readers = [Reader(log) for log in logs]
    known = dict(await look(readers, roots(signal)))
    known |= await look(readers, twigs(signal, known))
    return grow(signal, Found("a test"), known)
