"""One stage of the topology, and how one record moves it. Used by the worker and the replay.

A stage keeps an `Entry` per key: its own state, and the last applied offset of every input topic.
`advance` is the whole of effectively-once: a record at or below the applied offset changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import msgspec

from schemas.control import Strategy
from schemas.dead_letters import Kind
from schemas.scores import InputPosition
from streams.headlines.probabilities import NO_TEXTS, ModelTexts

FORMER = "#"
"""`market.candles#1` in applied offsets: those of the topic before it was recreated."""


class UnusableEventError(ValueError):
    """A valid event that a stage cannot use, for example a request for an unknown strategy.

    The text has the cause; the record goes to the dead letters and the stream goes on.
    `kind` is the letter's.
    """

    def __init__(self, text: str, kind: Kind = Kind.UNUSABLE) -> None:
        super().__init__(text)
        self.kind = kind


class Output(msgspec.Struct, frozen=True, gc=False):
    """An event on its way to a topic (logical name), under a key."""

    topic: str
    key: str
    event: msgspec.Struct


class Entry(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """State of one key of a stage, and the last applied offset by logical topic."""

    state: Any
    applied: dict[str, int]


NOWHERE = -1


class StrategyAt(NamedTuple):
    """A strategy and its offset in control.strategies: which version a signal was made with.

    `NOWHERE` for one that its request brings.
    """

    strategy: Strategy
    offset: int


class Tables(NamedTuple):
    """Tables that a stage may look up besides its own state, as of the start of the batch.

    A table of strategies is never changed: after a change it is another one. `read_to` is the last
    offset of control.strategies behind it, -1 where nobody says. `texts` is what a model says of
    the texts of the batch. `is_brief`: nobody reads why a cycle's decisions came about; they go out
    with the book's features alone, without trace and details, and with contributions only where a
    position is or begins.
    """

    strategies: Mapping[str, StrategyAt]
    texts: ModelTexts = NO_TEXTS
    read_to: int = -1
    is_brief: bool = False


EMPTY_TABLES = Tables({})


class Position(msgspec.Struct, frozen=True, gc=False):
    """Where the record at hand stands, and all that its key has applied (itself included)."""

    topic: str
    partition: int
    offset: int
    applied: dict[str, int]

    def inputs(self) -> tuple[InputPosition, ...]:
        """Return the last applied offset of every input topic, in the order of topic names."""
        applied, partition = self.applied, self.partition
        if len(applied) == 1:
            return (InputPosition(self.topic, partition, self.offset),)
        return tuple(
            [
                InputPosition(topic, partition, at)
                for topic, at in sorted(applied.items())
                if FORMER not in topic
            ]
        )

    def sequence(self) -> int:
        """Return a number that grows with every applied record and depends on nothing else."""
        applied = self.applied
        return self.offset + 1 if len(applied) == 1 else sum(applied.values()) + len(applied)


class Stage(Protocol):
    """A processing step, as the runner uses it; `step` is pure."""

    @property
    def name(self) -> str:
        """Name of the stage, also part of its consumer group."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Logical topics that it reads."""

    @property
    def state_type(self) -> Any:
        """Type of its state, for msgspec."""

    def initial(self) -> Any:
        """Return the state of a key never seen."""

    def step(
        self, state: Any, event: Any, position: Position, tables: Tables
    ) -> tuple[Any, tuple[Output, ...]]:
        """Apply one valid event; return the new state and what goes out."""


def advance(
    stage: Stage,
    entry: Entry | None,
    event: Any,
    topic: str,
    partition: int,
    offset: int,
    tables: Tables = EMPTY_TABLES,
) -> tuple[Entry, tuple[Output, ...]] | None:
    """Move one key of a stage by one record; None when the key had applied it already."""
    if entry is None:
        entry = Entry(stage.initial(), {})
    applied = entry.applied
    if topic in applied and offset <= applied[topic]:
        return None
    applied = {**applied, topic: offset}
    state, outputs = stage.step(
        entry.state, event, Position(topic, partition, offset, applied), tables
    )
    return Entry(state, applied), outputs
