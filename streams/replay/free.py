"""Replay of raw market data: the topology in one pass over merged arrivals.

Every engine answers at once, so a cycle is complete with its tick, and no watchdog is needed but
for the engines that are left out on purpose. Offsets of what comes out count from 0.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from schemas.codec import BadEventError
from schemas.scores import EngineScore
from streams.intake import Gate
from streams.replay.arrivals import Arrival
from streams.replay.changes import NO_CHANGES, Changes
from streams.stage import (
    Entry,
    Output,
    Stage,
    StrategyAt,
    Tables,
    UnusableEventError,
    advance,
)
from streams.topics import (
    MARKET_TOPICS,
    RANKING,
    REQUESTS,
    SCORES,
    STRATEGIES,
    TRENDING,
)
from streams.topology import scoring_engines, stage


class Produced(NamedTuple):
    """An output: where it would stand in the log, and its event."""

    topic: str
    partition: int
    offset: int
    key: str
    timestamp_ms: int
    event: Any


class Refused(NamedTuple):
    """A record that a stage could not use."""

    stage: str
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    error: str
    reason: str


class FreeRun:
    """Engines and fusion of some partitions. `emit` gets every output but the ranking's own.

    `emit_rank` gets (clock_ms, timestamp_ms, entry) of every signal of a cycle.
    """

    def __init__(
        self,
        partitions: int,
        strategies: Mapping[str, StrategyAt],
        emit: Callable[[Produced], None],
        emit_rank: Callable[[int, int, Any], None],
        changes: Changes = NO_CHANGES,
    ) -> None:
        self._emit, self._emit_rank = emit, emit_rank
        self._changes = changes
        self._strategies = dict(strategies)
        self._tables = Tables(changes.table(strategies))
        self._fusion = stage("fusion")
        self._fused: dict[str, Entry] = {}
        routes: dict[str, list[tuple[Stage, dict[str, Entry]]]] = defaultdict(list)
        for engine in scoring_engines():
            if engine.name not in changes.without:
                scoring = stage(engine.name)
                entries: dict[str, Entry] = {}
                for topic in scoring.inputs:
                    routes[topic].append((scoring, entries))
        self._routes = {topic: tuple(pairs) for topic, pairs in routes.items()}
        self._gates = {
            topic.name: Gate(topic, partitions, keyed=True).check
            for topic in (*MARKET_TOPICS, REQUESTS)
        }
        self._next: Counter[tuple[str, int]] = Counter()
        self.arrived: Counter[str] = Counter()
        self.refused: list[Refused] = []
        self.clock_ms = 0

    def apply(self, arrival: Arrival) -> None:
        """Take one record through the topology."""
        clock_ms, _, topic, partition, offset, _, key, event = arrival
        self.clock_ms = clock_ms
        self.arrived[topic] += 1
        if topic == STRATEGIES.name:
            self._strategy(key, event, offset)
            return
        try:
            if isinstance(event, BadEventError):
                raise event
            self._gates[topic](event, key, partition)
        except BadEventError as error:
            for reader in self._readers(topic):
                self._refuse(reader, arrival, error)
            return
        if topic == REQUESTS.name:
            self._fuse(event.asset, event, arrival, offset)
            return
        asset = event.asset
        for scoring, entries in self._routes.get(topic, ()):
            moved = advance(scoring, entries.get(asset), event, topic, partition, offset)
            if moved is None:
                continue
            entries[asset] = moved[0]
            for output in moved[1]:
                self._score(output.event, arrival)
        if topic == TRENDING.name and self._changes.without:
            self._write_off(event, arrival)

    def _strategy(self, key: bytes | None, event: Any, offset: int) -> None:
        if event is None:
            self._strategies.pop((key or b"").decode(), None)
        elif not isinstance(event, BadEventError):
            self._strategies[event.strategy_id] = StrategyAt(event, offset)
        ordered = {name: self._strategies[name] for name in sorted(self._strategies)}
        self._tables = Tables(self._changes.table(ordered))

    def _readers(self, topic: str) -> list[str]:
        if topic == REQUESTS.name:
            return [self._fusion.name]
        return [scoring.name for scoring, _ in self._routes.get(topic, ())]

    def _score(self, score: Any, arrival: Arrival) -> None:
        offset = self._send(SCORES.name, score.asset, score, arrival)
        self._fuse(score.asset, score, arrival, offset, SCORES.name)

    def _fuse(
        self, asset: str, event: Any, arrival: Arrival, offset: int, topic: str = REQUESTS.name
    ) -> None:
        try:
            moved = advance(
                self._fusion,
                self._fused.get(asset),
                event,
                topic,
                arrival.partition,
                offset,
                self._tables,
            )
        except UnusableEventError as error:
            self._refuse(self._fusion.name, arrival, error)
            return
        if moved is None:
            return
        self._fused[asset] = moved[0]
        for output in moved[1]:
            if output.topic == RANKING.name:
                self._emit_rank(arrival.clock_ms, arrival.timestamp_ms, output.event)
            else:
                self._send(output.topic, output.key, output.event, arrival)

    def _send(self, topic: str, key: str, event: Any, arrival: Arrival) -> int:
        place = (topic, arrival.partition)
        offset = self._next[place]
        self._next[place] = offset + 1
        self._emit(Produced(topic, arrival.partition, offset, key, arrival.timestamp_ms, event))
        return offset

    def _write_off(self, tick: Any, arrival: Arrival) -> None:
        for output in missing(self._changes.without, tick):
            self._score(output.event, arrival)

    def _refuse(self, reader: str, arrival: Arrival, error: Exception) -> None:
        self.refused.append(
            Refused(
                reader,
                arrival.topic,
                arrival.partition,
                arrival.offset,
                arrival.timestamp_ms,
                type(error).__name__.removesuffix("Error"),
                str(error),
            )
        )


def missing(engines: tuple[str, ...], tick: Any) -> list[Output]:
    """Return what stands in the scores in place of engines that are left out."""
    return [
        Output(
            SCORES.name,
            tick.asset,
            EngineScore(
                asset=tick.asset,
                engine=engine,
                status="missing",
                cycle=tick.cycle,
                cycle_size=tick.cycle_size,
                as_of=tick.observed_at,
                sequence=0,
                score=0.0,
                confidence=0.0,
                freshness=0.0,
                detail={"answer": "left out of this replay"},
            ),
        )
        for engine in engines
    ]
