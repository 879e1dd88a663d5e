"""The confidence agent of a replay: decisions of all shards in the order of the merge.

The cycle watchdog's ends of cycles come here from event time: a cycle ends `GRACE_MS` after the
last decision that belongs to it. Offsets in signals.decisions are given here too, so that what
comes out does not depend on the number of shards.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any, NamedTuple

from schemas.codec import BadEventError
from schemas.partitioning import partition_for, partition_of
from schemas.signals import Decision
from schemas.topics import DECISIONS
from streams.confidence.confidence_stage import ConfidenceStage
from streams.fusion.watchdog import cycle_end
from streams.replay.changes import NO_CHANGES, Changes
from streams.replay.logs import Logs
from streams.replay.recorded_decisions import recorded_decisions
from streams.runner import Produced, StageRunner
from streams.stage import UnusableEventError
from streams.topology import stage

GRACE_MS = 60_000
"""Twice the watchdog's patience, as in a live run with its defaults."""


class Decided(NamedTuple):
    """A decision on its way; compares by the merge's clock, then by what it is about."""

    clock_ms: int
    strategy_id: str
    asset: str
    number: int
    timestamp_ms: int
    decision: Decision


def in_order(streams: Iterable[Iterator[Decided]]) -> Iterator[Decided]:
    """Merge the shards' decisions, each of which comes by its clock."""
    return heapq.merge(*(_by_clock(stream) for stream in streams))


def _by_clock(stream: Iterator[Decided]) -> Iterator[Decided]:
    """Yield the decisions of one moment by strategy and asset, so that shards do not matter."""
    moment: list[Decided] = []
    for decided in stream:
        if moment and decided.clock_ms != moment[0].clock_ms:
            yield from sorted(moment)
            moment = []
        moment.append(decided)
    yield from sorted(moment)


def numbered(decisions: Iterable[tuple[int, int, Decision]]) -> Iterator[Decided]:
    """Return what a MarketReplay hands to its `emit_decision`, ready for `in_order`."""
    numbers = count()
    for clock_ms, timestamp_ms, one in decisions:
        yield Decided(clock_ms, one.strategy_id, one.asset, next(numbers), timestamp_ms, one)


class _OpenCycle:
    """A cycle that may still get decisions: when the last one came, and the newest by strategy."""

    __slots__ = ("clock_ms", "newest", "timestamp_ms")

    def __init__(self) -> None:
        self.clock_ms = self.timestamp_ms = 0
        self.newest: dict[str, int] = {}


class ConfidenceRun:
    """The stage over merged decisions; `emit` gets them, ends of cycles, and what comes of both.

    `refused` counts decisions that the stage could not use, `clock_ms` is that of the last one.
    """

    def __init__(self, partitions: int, emit: Callable[[Produced], None]) -> None:
        self._runner = StageRunner(stage(ConfidenceStage.name), partitions)
        self._partitions = partitions
        self._emit = emit
        self._next: Counter[tuple[str, int]] = Counter()
        self._open: dict[int, _OpenCycle] = {}
        self.refused = 0
        self.clock_ms = 0

    def run(self, decisions: Iterable[Decided]) -> None:
        """Take all decisions, then end what is still open."""
        for decided in decisions:
            self.take(decided)
        self.end()

    def take(self, decided: Decided) -> None:
        """Take the next decision, after the ends of cycles that lie before it."""
        decision = decided.decision
        self.clock_ms = decided.clock_ms
        self._end_silent(decided.clock_ms)
        if decision.cycle is not None:
            cycle = self._open.setdefault(decision.cycle, _OpenCycle())
            cycle.clock_ms, cycle.timestamp_ms = decided.clock_ms, decided.timestamp_ms
            newest = cycle.newest.get(decision.strategy_id, decision.as_of)
            cycle.newest[decision.strategy_id] = max(newest, decision.as_of)
        self._apply(decision, decided.timestamp_ms)

    def end(self) -> None:
        """End the cycles that are still open."""
        self._end_silent(None)

    def follow(
        self, logs: Logs, assets: frozenset[str] = frozenset(), changes: Changes = NO_CHANGES
    ) -> None:
        """Take the recorded decisions at their own places, of some assets or (empty) of all.

        Of `changes` it counts which strategies are replayed.
        """
        for _, number, one in recorded_decisions(logs, range(self._partitions)):
            event = one.event
            if isinstance(event, BadEventError) or (assets and event.asset not in {*assets, ""}):
                continue
            if not changes.wants(event.strategy_id):
                continue
            self.clock_ms = max(self.clock_ms, one.record.timestamp_ms)
            self._next[DECISIONS.name, number] = one.record.offset
            self._apply(event, one.record.timestamp_ms)

    def _end_silent(self, now_ms: int | None) -> None:
        """End every cycle that has been silent long enough, for the strategies that wait."""
        while self._open:
            start = next(iter(self._open))
            cycle = self._open[start]
            if now_ms is not None and now_ms - cycle.clock_ms < GRACE_MS:
                return
            del self._open[start]
            for strategy_id in sorted(cycle.newest):
                if self._waits(strategy_id, start):
                    end = cycle_end(strategy_id, start, cycle.newest[strategy_id])
                    self._apply(end, cycle.timestamp_ms)

    def _waits(self, strategy_id: str, cycle: int) -> bool:
        entry = self._runner.entries.get(strategy_id.encode())
        return entry is not None and any(one.cycle == cycle for one in entry.state.ranking.open)

    def _apply(self, decision: Decision, timestamp_ms: int) -> None:
        name = decision.strategy_id
        key = name.encode()
        partition = partition_of(key, self._partitions)
        offset = self._send(DECISIONS.name, partition, name, timestamp_ms, decision)
        try:
            outputs = self._runner.apply(DECISIONS.name, partition, offset, key, decision)
        except (BadEventError, UnusableEventError):
            self.refused += 1
            return
        for output in outputs:
            target = partition_for(output.key.encode(), key, partition, self._partitions)
            self._send(output.topic, target, output.key, timestamp_ms, output.event)

    def _send(self, topic: str, partition: int, key: str, timestamp_ms: int, event: Any) -> int:
        offset = self._next[topic, partition]
        self._next[topic, partition] = offset + 1
        self._emit(Produced(topic, partition, offset, key, timestamp_ms, event))
        return offset
