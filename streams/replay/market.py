"""Replay of raw market data: the topology in one pass over merged arrivals.

Every engine answers at once, so a cycle is complete with its tick, and no watchdog is needed but
for the engines that are left out on purpose. Offsets of what comes out count from 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from schemas.codec import BadEventError
from schemas.topics import (
    BY_NAME,
    MARKET_TOPICS,
    RANKING,
    REQUESTS,
    SCORES,
    TRENDING,
)
from streams.engines.scoring_stage import ScoringStage, ScoringState
from streams.fusion.stage import FusionStage
from streams.fusion.state import ENGINE_INDEX
from streams.fusion.watchdog import missing_score
from streams.replay.changes import NO_CHANGES, Changes
from streams.replay.fused import Fused, Spoken
from streams.replay.replay_record import ReplayRecord
from streams.stage import (
    Entry,
    Output,
    Position,
    StrategyAt,
    Tables,
    UnusableEventError,
    advance,
)
from streams.topology import scoring_engines
from streams.validator import RecordValidator

_KEPT = 20
LEFT_OUT = "left out of this replay"


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


class _Scoring:
    """A scoring engine, and what it keeps of each asset: an `Entry` where scores are kept too."""

    __slots__ = ("entries", "index", "stage", "states")

    def __init__(self, stage: ScoringStage) -> None:
        self.stage, self.index = stage, ENGINE_INDEX[stage.name]
        self.entries: dict[str, Entry] = {}
        self.states: dict[str, ScoringState] = {}


class _Route:
    """What one topic's records go through: the gate, then the stages that read it."""

    __slots__ = ("arrived", "check", "engines", "readers")

    def __init__(self, topic: str, partitions: int) -> None:
        self.check = RecordValidator(BY_NAME[topic], partitions, keyed=True).check
        self.engines: list[_Scoring] = []
        self.readers: list[str] = []
        self.arrived = 0


class MarketReplay:
    """Engines and fusion of some partitions. `emit` gets every output but the ranking's own.

    `emit_rank` gets (clock_ms, timestamp_ms, entry) of every signal of a cycle. `with_scores`
    False: scores are counted in `scores` and not emitted; what the engines say goes to fusion
    without becoming a score with its inputs, which is quicker where nobody keeps them.
    `are_checked`: the arrivals come from a reader of ours that lets nothing invalid through.
    """

    def __init__(
        self,
        partitions: int,
        strategies: Mapping[str, StrategyAt],
        emit: Callable[[Produced], None],
        emit_rank: Callable[[int, int, Any], None],
        changes: Changes = NO_CHANGES,
        *,
        with_scores: bool = True,
        are_checked: bool = False,
    ) -> None:
        self._emit, self._emit_rank = emit, emit_rank
        self._with_scores = with_scores
        self._hear = self._speak if with_scores else self._speak_briefly
        self._are_checked = are_checked
        self._changes = changes
        self._strategies = dict(strategies)
        self._tables = Tables(changes.table(strategies))
        self._fusion = FusionStage()
        self._fused = Fused(self._fusion)
        self._routes = {
            topic.name: _Route(topic.name, partitions) for topic in (*MARKET_TOPICS, REQUESTS)
        }
        self._routes[REQUESTS.name].readers.append(self._fusion.name)
        for engine in scoring_engines():
            if engine.name not in changes.without:
                scoring = _Scoring(ScoringStage(engine))
                for topic in scoring.stage.inputs:
                    self._routes[topic].engines.append(scoring)
                    self._routes[topic].readers.append(engine.name)
        # What a topic's record means besides: a tick, to the engines that are left out.
        self._more: dict[str, Callable[[str, ReplayRecord], None]] = {REQUESTS.name: self._request}
        if changes.without:
            self._more[TRENDING.name] = self._write_off
        self._next: Counter[tuple[str, int]] = Counter()
        self._scores = [0] * partitions
        self.refused = 0
        self.first_refused: list[Refused] = []
        self.clock_ms = 0

    @property
    def arrived(self) -> dict[str, int]:
        """Records applied so far, by topic."""
        return {topic: route.arrived for topic, route in self._routes.items()}

    @property
    def scores(self) -> int:
        """Scores made so far."""
        return sum(self._scores)

    def apply(self, arrival: ReplayRecord) -> None:
        """Take one record through the topology."""
        self.clock_ms = arrival.clock_ms
        topic, event = arrival.topic, arrival.event
        route = self._routes.get(topic)
        if route is None:
            self._strategy(arrival.key, event, arrival.offset)
            return
        route.arrived += 1
        if not self._are_checked and self._is_refused(route, arrival):
            return
        asset = event.asset
        for scoring in route.engines:
            self._hear(scoring, asset, arrival)
        if topic in self._more:
            self._more[topic](asset, arrival)

    def _request(self, asset: str, arrival: ReplayRecord) -> None:
        self._fuse(asset, arrival.event, arrival, REQUESTS.name, arrival.offset)

    def _write_off(self, asset: str, arrival: ReplayRecord) -> None:
        """Say to a tick what the watchdog says of engines that are not there."""
        tick = arrival.event
        for engine in self._changes.without:
            score = missing_score(
                asset, engine, tick.cycle, tick.cycle_size, tick.observed_at, LEFT_OUT
            )
            self._score(asset, score, arrival)

    def _speak(self, scoring: _Scoring, asset: str, arrival: ReplayRecord) -> None:
        """Move an engine, as a worker does; hand on the score that comes of it."""
        entries, topic, event = scoring.entries, arrival.topic, arrival.event
        place = (topic, arrival.partition, arrival.offset)
        moved = advance(scoring.stage, entries.get(asset), event, *place)
        if moved is not None:
            entries[asset], outputs = moved
            for output in outputs:
                self._score(asset, output.event, arrival)

    def _speak_briefly(self, scoring: _Scoring, asset: str, arrival: ReplayRecord) -> None:
        """Move an engine; hand to fusion what it would keep of the score. No offset comes twice."""
        states, event = scoring.states, arrival.event
        before = states.get(asset) or scoring.stage.initial()
        after, reading = scoring.stage.speak(before, event, arrival.offset)
        states[asset] = after
        if reading is None:
            return
        partition = arrival.partition
        offset = self._scores[partition]
        self._scores[partition] = offset + 1
        cycle, size = (
            (event.cycle, event.cycle_size) if arrival.topic == TRENDING.name else (None, 0)
        )
        spoken = Spoken(scoring.index, reading, after.clock_ms, partition, offset, cycle, size)
        for output in self._fused.hear(asset, spoken, self._tables):
            self._send(output, arrival)

    def _is_refused(self, route: _Route, arrival: ReplayRecord) -> bool:
        """Check a record; one that no stage can use is noted for each."""
        event = arrival.event
        try:
            route.check(event, arrival.key, arrival.partition)
        except BadEventError as error:
            # What could not be decoded stands there as the error of its decoding.
            said = event if isinstance(event, BadEventError) else error
            for reader in route.readers:
                self._refuse(reader, arrival, said)
            return True
        return False

    def _strategy(self, key: bytes | None, event: Any, offset: int) -> None:
        if event is None:
            self._strategies.pop((key or b"").decode(), None)
        elif not isinstance(event, BadEventError):
            self._strategies[event.strategy_id] = StrategyAt(event, offset)
        ordered = {name: self._strategies[name] for name in sorted(self._strategies)}
        self._tables = Tables(self._changes.table(ordered))

    def _score(self, asset: str, score: Any, arrival: ReplayRecord) -> None:
        partition = arrival.partition
        offset = self._scores[partition]
        self._scores[partition] = offset + 1
        if self._with_scores:
            self._emit(Produced(SCORES.name, partition, offset, asset, arrival.timestamp_ms, score))
        self._fuse(asset, score, arrival, SCORES.name, offset)

    def _fuse(self, asset: str, event: Any, arrival: ReplayRecord, topic: str, offset: int) -> None:
        place = Position(topic, arrival.partition, offset, {topic: offset})
        try:
            outputs = self._fused.step(asset, event, place, self._tables)
        except UnusableEventError as error:
            self._refuse(self._fusion.name, arrival, error)
            return
        for output in outputs:
            self._send(output, arrival)

    def _send(self, output: Output, arrival: ReplayRecord) -> None:
        if output.topic == RANKING.name:
            self._emit_rank(arrival.clock_ms, arrival.timestamp_ms, output.event)
            return
        place = (output.topic, arrival.partition)
        offset = self._next[place]
        self._next[place] = offset + 1
        self._emit(Produced(*place, offset, output.key, arrival.timestamp_ms, output.event))

    def _refuse(self, reader: str, arrival: ReplayRecord, error: Exception) -> None:
        self.refused += 1
        if len(self.first_refused) < _KEPT:
            kind = type(error).__name__.removesuffix("Error")
            self.first_refused.append(
                Refused(
                    reader,
                    arrival.topic,
                    arrival.partition,
                    arrival.offset,
                    arrival.timestamp_ms,
                    kind,
                    str(error),
                )
            )
