"""The flow in one process, a record at a time, with every step told apart."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from streams.engines.base import Engine
from streams.engines.scoring_stage import ScoringStage
from streams.lookahead.records import MarketRecord
from streams.stage import Entry, Output, Stage, StrategyAt, Tables, advance
from streams.topology import stage as topology_stage


class Step(NamedTuple):
    """What one stage made of one record: the entry after it, and what went out or wrong.

    `error` is "" unless the stage raised; its state then stays as it was, as in the live run.
    """

    stage: Stage
    topic: str
    partition: int
    key: str
    entry: Entry | None
    outputs: tuple[Output, ...]
    error: str = ""


class _Waiting(NamedTuple):
    topic: str
    partition: int
    offset: int
    key: str
    event: Any


def load_stage(name: str) -> Stage:
    """Return a stage of the topology by its name, or the engine at `module:attribute` as a stage.

    Raises LookupError when there is none, and whatever the import of its module raises.
    """
    module, _, attribute = name.partition(":")
    if not attribute:
        return topology_stage(name)
    engine = getattr(import_module(module), attribute, None)
    if not isinstance(engine, Engine):
        msg = f"{name} is {engine!r}, not an engine"
        raise LookupError(msg)
    return ScoringStage(engine)


class TopologyRunner:
    """Some stages from their initial states on; outputs of one are inputs of the next.

    `complaint` is asked after every step; what it says counts as the step's error.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        strategies: Mapping[str, StrategyAt],
        complaint: Callable[[], str] = str,
    ) -> None:
        self._tables = Tables(strategies)
        self._complaint = complaint
        self._entries: dict[tuple[str, str], Entry] = {}
        self._next: Counter[tuple[str, int]] = Counter()
        self._readers: dict[str, list[Stage]] = {}
        for one in stages:
            for topic in one.inputs:
                self._readers.setdefault(topic, []).append(one)

    def feed(self, record: MarketRecord) -> list[Step]:
        """Take a record through all stages; return every step that applied it or what it made."""
        topic, partition, offset, event = record
        steps: list[Step] = []
        waiting = deque([_Waiting(topic, partition, offset, event.asset, event)])
        while waiting:
            one = waiting.popleft()
            for reader in self._readers.get(one.topic, ()):
                step = self._step(reader, one)
                if step is not None:
                    steps.append(step)
                    waiting.extend(self._placed(output, partition) for output in step.outputs)
        return steps

    def _placed(self, output: Output, partition: int) -> _Waiting:
        place = output.topic, partition
        offset = self._next[place]
        self._next[place] = offset + 1
        return _Waiting(output.topic, partition, offset, output.key, output.event)

    def _step(self, reader: Stage, one: _Waiting) -> Step | None:
        key = reader.single_key or one.key
        before = self._entries.get((reader.name, key))
        entry, error = before, ""
        outputs: tuple[Output, ...] = ()
        try:
            moved = advance(
                reader, before, one.event, one.topic, one.partition, one.offset, self._tables
            )
            if moved is None:
                return None
            entry, outputs = moved
            self._entries[reader.name, key] = entry
        except Exception as raised:
            error = f"{type(raised).__name__}: {raised}"
        error = self._complaint() or error
        return Step(reader, one.topic, one.partition, key, entry, outputs, error)
