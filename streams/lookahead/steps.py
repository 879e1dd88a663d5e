"""The topology in one process, a record at a time, with every step told apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from schemas.topics import NEWS_SCORES
from streams.engines.base import Engine
from streams.engines.scoring_stage import ScoringStage
from streams.headlines.stage import HeadlinesStage
from streams.lookahead.records import MarketRecord
from streams.runner import StageRunner, TopologyRunner, Validators
from streams.stage import EMPTY_TABLES, Entry, Output, Stage, StrategyAt, Tables
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


def with_headlines(names: Sequence[str]) -> list[str]:
    """Return stages' names; where one reads scores of headlines, also the one that writes them."""
    reads = any(NEWS_SCORES.name in load_stage(name).inputs for name in names)
    scores = reads and HeadlinesStage.name not in names
    return [HeadlinesStage.name, *names] if scores else list(names)


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
        self._refusal = refusal
        self._steps: list[Step] = []
        super().__init__(stages, partitions, strategies)

    def steps(self, record: MarketRecord) -> list[Step]:
        """Take a record through all stages; return every step, in the order in which they came."""
        topic, partition, offset, event = record
        self._steps.clear()
        self.feed(topic, partition, offset, event.observed_at, event.asset.encode(), event)
        return self._steps.copy()

    def runner_of(self, stage: Stage, validators: Validators) -> StageRunner:
        """Return a runner that keeps its steps."""
        return _WatchedStage(stage, self.partitions, validators, self._steps.append, self._refusal)


class _WatchedStage(StageRunner):
    __slots__ = ("_keep", "_refusal")

    def __init__(
        self,
        stage: Stage,
        partitions: int,
        validators: Validators,
        keep: Callable[[Step], None],
        refusal: Callable[[], str],
    ) -> None:
        super().__init__(stage, partitions, validators=validators)
        self._keep, self._refusal = keep, refusal

    def apply(
        self,
        topic: str,
        partition: int,
        offset: int,
        key: bytes | None,
        event: Any,
        tables: Tables = EMPTY_TABLES,
    ) -> tuple[Output, ...]:
        """Apply a record and keep what came of it."""
        error = ""
        outputs: tuple[Output, ...] = ()
        try:
            outputs = super().apply(topic, partition, offset, key, event, tables)
        except Exception as raised:
            error = f"{type(raised).__name__}: {raised}"
        error = self._refusal() or error
        name = key or b""
        entry = self.entries.get(name)
        self._keep(Step(self.stage, topic, partition, name, entry, outputs, error))
        return outputs
