"""Outcomes of a replay: those of scores come from the shards, those of signals are made here.

Each partition has them in one order, whatever the number of shards: by the clock of what they came
of; at the same clock those of signals first. So they can be written, and read, as one log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from schemas.outcomes import Outcome
from schemas.partitioning import partition_of
from schemas.topics import OUTCOMES, SIGNALS
from streams.outcomes.outcomes_stage import OutcomesStage
from streams.runner import Produced, StageRunner
from streams.topology import stage

Before = Callable[[int | None], Iterable[tuple[int, int, Outcome]]]
"""Takes (clock_ms, timestamp_ms, outcome) of scores from before a clock; None: all that is left."""


class OutcomesRun:
    """`before` gives the outcomes of scores; `emit` gets all, with their places in the log."""

    def __init__(self, partitions: int, before: Before, emit: Callable[[Produced], None]) -> None:
        self._runner = StageRunner(stage(OutcomesStage.name), partitions)
        self._partitions = partitions
        self._before, self._emit = before, emit
        self._next: Counter[int] = Counter()
        self._clock_ms = -1

    def signal(self, one: Produced, clock_ms: int) -> None:
        """Take a signal that came at a clock; clocks ascend."""
        if clock_ms > self._clock_ms:
            self._clock_ms = clock_ms
            self._release(clock_ms)
        outputs = self._runner.apply(
            SIGNALS.name, one.partition, one.offset, one.key.encode(), one.event
        )
        for output in outputs:
            self._send(one.partition, output.key, one.timestamp_ms, output.event)

    def close(self) -> None:
        """Take what is left of the scores."""
        self._release(None)

    def _release(self, clock_ms: int | None) -> None:
        for _, timestamp_ms, outcome in self._before(clock_ms):
            partition = partition_of(outcome.asset.encode(), self._partitions)
            self._send(partition, outcome.asset, timestamp_ms, outcome)

    def _send(self, partition: int, key: str, timestamp_ms: int, event: object) -> None:
        offset = self._next[partition]
        self._next[partition] = offset + 1
        self._emit(Produced(OUTCOMES.name, partition, offset, key, timestamp_ms, event))
