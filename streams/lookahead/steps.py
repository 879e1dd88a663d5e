"""The topology in one process, a record at a time, with every step told apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from streams.engines.base import Engine
from streams.engines.scoring_stage import ScoringStage
from streams.lookahead.records import MarketRecord
from streams.runner import StageRunner, TopologyRunner
from streams.stage import Entry, Output, Stage, StrategyAt
from streams.topology import stage as topology_stage


class Step(NamedTuple):
    """What one stage made of one record: the entry after it, and what went out or wrong.

    `error` is "" unless the stage raised; its state then stays as it was, as in the live run.
    """

    stage: Stage
    topic: str
    partition: int
    key: bytes
    entry: Entry | None
    outputs: tuple[Output, ...]
    error: str = ""


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


class WatchedTopology(TopologyRunner):
    """The one runner, with every step told apart.

    `refusal` is asked after every step; a text that it returns counts as the step's error.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        strategies: Mapping[str, StrategyAt],
        refusal: Callable[[], str] = str,
        partitions: int = 1,
    ) -> None:
        super().__init__(stages, partitions, strategies)
        self._refusal = refusal
        self._steps: list[Step] = []

    def steps(self, record: MarketRecord) -> list[Step]:
        """Take a record through all stages; return every step, in the order in which they came."""
        topic, partition, offset, event = record
        self._steps = []
        self.feed(topic, partition, offset, event.observed_at, event.asset.encode(), event)
        return self._steps

    def apply(
        self,
        reader: StageRunner,
        topic: str,
        partition: int,
        offset: int,
        key: bytes | None,
        event: Any,
    ) -> tuple[Output, ...]:
        """Apply a record to one of its readers and keep what came of it."""
        error = ""
        outputs: tuple[Output, ...] = ()
        try:
            outputs = super().apply(reader, topic, partition, offset, key, event)
        except Exception as raised:
            error = f"{type(raised).__name__}: {raised}"
        error = self._refusal() or error
        name = reader.entry_key(key or b"", partition)
        entry = reader.entries.get(name)
        self._steps.append(Step(reader.stage, topic, partition, name, entry, outputs, error))
        return outputs
