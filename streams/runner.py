"""The one runner: validates a record, advances the stages that read it, routes their outputs.

The worker's batches, replays, the look-ahead proof and the golden tests are sources and sinks
around it. `StageRunner` is one stage; `TopologyRunner` joins several, so that what one writes is
what the next one reads. For tests of an engine or a strategy of your own see docs/testkit.md:

    runner = TopologyRunner(stages(), strategies=[my_strategy])
    for event in events:
        signals = [one.event for one in runner.publish(event) if one.topic == "signals"]
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from schemas.codec import BadEventError
from schemas.control import SignalRequest, Strategy
from schemas.events import TOPIC_OF
from schemas.partitioning import partition_of
from schemas.scores import EngineScore, NewsScore
from schemas.signals import Decision
from schemas.topics import BY_NAME, DECISIONS, NEWS_SCORES, REQUESTS, SCORES, Topic
from streams.record_validator import RecordValidator
from streams.stage import (
    EMPTY_TABLES,
    Entry,
    Output,
    Stage,
    StrategyAt,
    Tables,
    UnusableEventError,
    advance,
)

_PUBLISHED: dict[type, Topic] = {
    **TOPIC_OF,
    SignalRequest: REQUESTS,
    NewsScore: NEWS_SCORES,
    EngineScore: SCORES,
    Decision: DECISIONS,
}
_TIMES = ("observed_at", "requested_at", "as_of")
_new = tuple.__new__  # half the time of Produced(...), which does the same

GivenUp = Callable[[str, int, int], None]
"""Raises UnusableEventError for a (topic, partition, offset) that the stage failed on too often."""


class Entries(Protocol):
    """Where a stage keeps its entries by key: a dict, or the state store of a worker."""

    def get(self, key: bytes, /) -> Entry | None:
        """Return the entry of a key, None for a key never seen."""
        ...

    def __setitem__(self, key: bytes, entry: Entry, /) -> None:
        """Remember the entry of a key."""
        ...


Validators = dict[str, RecordValidator]
"""By topic."""


class Produced(NamedTuple):
    """A record as it stands in the log: logical topic, place, key, timestamp in ms, event."""

    topic: str
    partition: int
    offset: int
    key: str
    timestamp_ms: int
    event: Any


Emit = Callable[[Produced], None]


class Refused(NamedTuple):
    """A record that a stage could not use; `error` is the class of what it raised."""

    stage: str
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    error: str
    reason: str


class StageRunner:
    """One stage over the keys of any number of partitions.

    `partitions` is the topology's common count. `given_up` is asked after the validation.
    Runners of one process may share `validators`: a record that several stages read is then
    checked once.
    """

    __slots__ = ("_checks", "_given_up", "entries", "stage")

    def __init__(
        self,
        stage: Stage,
        partitions: int,
        entries: Entries | None = None,
        given_up: GivenUp | None = None,
        validators: Validators | None = None,
    ) -> None:
        self.stage = stage
        self.entries: Entries = {} if entries is None else entries
        self._given_up = given_up
        shared = {} if validators is None else validators
        for topic in stage.inputs:
            if topic not in shared:
                shared[topic] = RecordValidator(BY_NAME[topic], partitions)
        self._checks = {topic: shared[topic].check for topic in stage.inputs}

    def check(self, topic: str, partition: int, offset: int, key: bytes | None, event: Any) -> None:
        """Raise BadEventError or UnusableEventError for a record that the stage must not see."""
        self._checks[topic](event, key, partition)
        if self._given_up is not None:
            self._given_up(topic, partition, offset)

    def apply(
        self,
        topic: str,
        partition: int,
        offset: int,
        key: bytes | None,
        event: Any,
        tables: Tables = EMPTY_TABLES,
    ) -> tuple[Output, ...]:
        """Apply one record; return what goes out, nothing for one that was applied before.

        `topic` is logical, `event` a decoded one or the BadEventError of its decoding. Raises
        BadEventError or UnusableEventError for a record that the stage cannot use; whatever else
        the stage raises is a defect of the stage and passes through.
        """
        self._checks[topic](event, key, partition)
        if self._given_up is not None:
            self._given_up(topic, partition, offset)
        name: Any = key  # the validator refuses a missing one
        entries = self.entries
        moved = advance(self.stage, entries.get(name), event, topic, partition, offset, tables)
        if moved is None:
            return ()
        entries[name] = moved[0]
        return moved[1]


class TopologyRunner:
    """Some stages from their initial states on; the outputs of one are the inputs of the next.

    `emit` gets every output at the place in the log that it would have, counted from 0.
    `refused` gets the records that a stage could not use; None raises their errors.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        partitions: int = 1,
        strategies: Mapping[str, StrategyAt] | Iterable[Strategy] = (),
        emit: Emit | None = None,
        refused: Callable[[Refused], None] | None = None,
    ) -> None:
        if not isinstance(strategies, Mapping):
            strategies = {
                one.strategy_id: StrategyAt(one, offset) for offset, one in enumerate(strategies)
            }
        self.partitions = partitions
        self.tables = Tables(strategies)
        self._emit, self._refused = emit, refused
        self._next: dict[tuple[str, int], int] = {}
        self._readers: dict[str, list[StageRunner]] = {}
        validators: Validators = {}
        for stage in stages:
            runner = self.runner_of(stage, validators)
            for topic in stage.inputs:
                self._readers.setdefault(topic, []).append(runner)

    def runner_of(self, stage: Stage, validators: Validators) -> StageRunner:
        """Return what applies records to a stage; what watches each step overrides this."""
        return StageRunner(stage, self.partitions, validators=validators)

    def publish(self, event: Any, timestamp_ms: int | None = None) -> list[Produced]:
        """Put an event behind the others of its topic and run it; return all that came of it.

        `event` is a market event, a request, a score or a decision; its timestamp in ms is when
        it was observed (or requested, ...) unless one is given. Raises LookupError for another
        kind of event.
        """
        topic = _PUBLISHED.get(type(event))
        if topic is None:
            msg = f"a {type(event).__name__} is no input of the topology"
            raise LookupError(msg)
        if timestamp_ms is None:
            timestamp_ms = next(getattr(event, name) for name in _TIMES if hasattr(event, name))
        made: list[Produced] = []

        def collect(one: Produced) -> None:
            made.append(one)
            if self._emit is not None:
                self._emit(one)

        self._put(topic.name, getattr(event, topic.key), event, timestamp_ms, collect)
        return made

    def append(self, topic: str, key: str, event: Any, timestamp_ms: int) -> None:
        """Put an event of a logical topic behind the others and run it; `emit` gets it too."""
        self._put(topic, key, event, timestamp_ms, self._emit, self._emit)

    def _put(
        self,
        topic: str,
        key: str,
        event: Any,
        timestamp_ms: int,
        emit: Emit | None,
        emit_own: Emit | None = None,
    ) -> None:
        name = key.encode()
        one = self._placed(Output(topic, key, event), name, None, 0, timestamp_ms)
        if emit_own is not None:
            emit_own(one)
        self.feed(topic, one.partition, one.offset, timestamp_ms, name, event, emit)

    def feed(
        self,
        topic: str,
        partition: int,
        offset: int,
        timestamp_ms: int,
        key: bytes | None,
        event: Any,
        emit: Emit | None = None,
    ) -> None:
        """Run one record of the log, and all that comes of it, first in first out.

        Outputs go to `emit`, the runner's own when it is None.
        """
        if emit is None:
            emit = self._emit
        waiting: deque[tuple[bytes, Produced]] | None = None
        readers = self._readers
        while True:
            for reader in readers.get(topic, ()):
                try:
                    outputs = reader.apply(topic, partition, offset, key, event, self.tables)
                except (BadEventError, UnusableEventError) as error:
                    self._refuse(reader, (topic, partition, offset, timestamp_ms), error)
                    continue
                for output in outputs:
                    name = output.key.encode()
                    one = self._placed(output, name, key, partition, timestamp_ms)
                    if emit is not None:
                        emit(one)
                    if one[0] in readers:
                        if waiting is None:
                            waiting = deque()
                        waiting.append((name, one))
            if not waiting:
                return
            key, (topic, partition, offset, _, timestamp_ms, event) = waiting.popleft()

    def _placed(
        self,
        output: Output,
        key: bytes,
        input_key: bytes | None,
        input_partition: int,
        timestamp_ms: int,
    ) -> Produced:
        """Give an output the next offset of the partition that it goes to."""
        topic = output.topic
        partition = input_partition if key == input_key else partition_of(key, self.partitions)
        place = (topic, partition)
        offset = self._next.get(place, 0)
        self._next[place] = offset + 1
        fields = (topic, partition, offset, output.key, timestamp_ms, output.event)
        return _new(Produced, fields)

    def _refuse(
        self, reader: StageRunner, place: tuple[str, int, int, int], error: Exception
    ) -> None:
        if self._refused is None:
            raise error
        kind = type(error).__name__.removesuffix("Error")
        self._refused(Refused(reader.stage.name, *place, kind, str(error)))
