"""The ranking of a raw replay: rank entries of all shards in the order of the merge.

The cycle watchdog's grace records come here from event time: a cycle is closed `GRACE_MS` after
the last entry that belongs to it.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any, NamedTuple

from schemas.codec import BadEventError
from schemas.partitioning import partition_for, partition_of
from schemas.signals import RankEntry
from schemas.topics import RANKING, TOP
from streams.replay.letters import Letters
from streams.replay.logs import Logs
from streams.replay.parity import Comparison
from streams.replay.recorded_outputs import RecordedOutputs
from streams.runner import Produced, StageRunner
from streams.stage import UnusableEventError
from streams.topology import stage


def check_rankings(
    logs: Logs,
    partition: int,
    comparison: Comparison,
    on_progress: Callable[[int], None] | None = None,
) -> None:
    """Replay one partition of the ranking and compare what comes out.

    That the entries themselves are right is compared with the signals they come from.
    """
    ranking = stage("ranking")
    partitions = logs.archive.partitions[RANKING.name]
    letters = Letters(logs, partition, None)
    runner = StageRunner(ranking, partitions, given_up=letters.given_up_check(ranking.name))
    expected = RecordedOutputs(
        TOP.name,
        partition,
        (one for one in logs.read(TOP.name, partition) if not isinstance(one.event, BadEventError)),
        lambda one: one.event.strategy_id,
        lambda top: top.cycle,
        comparison,
    )
    for record, event in logs.read(RANKING.name, partition):
        if on_progress is not None:
            on_progress(1)
        key = record.key
        try:
            outputs = runner.apply(RANKING.name, partition, record.offset, key, event)
        except (BadEventError, UnusableEventError):
            continue
        taken: Any = event
        if taken.kind == "grace":
            comparison.result.decisions[RANKING.name] += 1
        for output in outputs:
            target = partition_for(output.key.encode(), key, partition, partitions)
            produced = Produced(
                output.topic, target, -1, output.key, record.timestamp_ms, output.event
            )
            expected.match(output.key, produced)
    # Every recorded entry has been applied: what they do not lead to came of later ones.
    expected.finish(lambda _: True)


GRACE_MS = 60_000
"""Twice the watchdog's patience, as in a live run with its defaults."""


class Ranked(NamedTuple):
    """A rank entry on its way; compares by the merge's clock, then by what it says."""

    clock_ms: int
    strategy_id: str
    asset: str
    number: int
    timestamp_ms: int
    entry: RankEntry


def in_order(streams: Iterable[Iterator[Ranked]]) -> Iterator[Ranked]:
    """Merge the shards' entries, each of which comes by its clock."""
    return heapq.merge(*(_by_clock(stream) for stream in streams))


def _by_clock(stream: Iterator[Ranked]) -> Iterator[Ranked]:
    """Yield the entries of one moment by strategy and asset, so that shards do not matter."""
    moment: list[Ranked] = []
    for ranked in stream:
        if moment and ranked.clock_ms != moment[0].clock_ms:
            yield from sorted(moment)
            moment = []
        moment.append(ranked)
    yield from sorted(moment)


class RankingRun:
    """The ranking stage over merged entries; `emit` gets entries, grace records and rankings."""

    def __init__(self, partitions: int, emit: Callable[[Produced], None]) -> None:
        self._runner = StageRunner(stage("ranking"), partitions)
        self._partitions = partitions
        self._emit = emit
        self._next: Counter[tuple[str, int]] = Counter()
        self._last_ms: dict[int, tuple[int, int]] = {}

    def run(self, entries: Iterable[Ranked]) -> None:
        """Take all entries, then close what is still open."""
        for ranked in entries:
            self._close(ranked.clock_ms)
            self._last_ms[ranked.entry.cycle] = (ranked.clock_ms, ranked.timestamp_ms)
            key = ranked.entry.strategy_id
            self._apply(partition_of(key.encode(), self._partitions), ranked.entry, ranked)
        self._close(None)

    def _close(self, now_ms: int | None) -> None:
        """Write the grace record of every cycle that has been silent long enough."""
        while self._last_ms:
            cycle = next(iter(self._last_ms))
            last_ms, timestamp_ms = self._last_ms[cycle]
            if now_ms is not None and now_ms - last_ms < GRACE_MS:
                return
            del self._last_ms[cycle]
            grace = RankEntry("*", "grace", cycle, 0, "", "", "", 0.0, 0.0)
            for partition in range(self._partitions):
                self._apply(partition, grace, Ranked(last_ms, "*", "", 0, timestamp_ms, grace))

    def _apply(self, partition: int, entry: RankEntry, ranked: Ranked) -> None:
        name, at_ms = entry.strategy_id, ranked.timestamp_ms
        offset = self._send(RANKING.name, partition, name, at_ms, entry)
        key = name.encode()
        for output in self._runner.apply(RANKING.name, partition, offset, key, entry):
            target = partition_for(output.key.encode(), key, partition, self._partitions)
            self._send(output.topic, target, output.key, at_ms, output.event)

    def _send(self, topic: str, partition: int, key: str, timestamp_ms: int, event: Any) -> int:
        offset = self._next[topic, partition]
        self._next[topic, partition] = offset + 1
        self._emit(Produced(topic, partition, offset, key, timestamp_ms, event))
        return offset


def numbered(entries: Iterable[tuple[int, int, RankEntry]]) -> Iterator[Ranked]:
    """Return what a MarketReplay hands to its `emit_rank`, ready for `in_order`."""
    numbers = count()
    for clock_ms, timestamp_ms, entry in entries:
        yield Ranked(clock_ms, entry.strategy_id, entry.asset, next(numbers), timestamp_ms, entry)
