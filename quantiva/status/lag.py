"""Lag, rates and states, from offsets read twice. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from transport.log_reader import Partition

BEHIND_MS = 10_000
"""Records may wait so long before a stage counts as behind."""


class StageState(StrEnum):
    """State of a stage, as a word."""

    OK = "ok"
    BEHIND = "behind"
    STALLED = "stalled"
    NOT_RUNNING = "not running"


class Snapshot(NamedTuple):
    """Ends of all partitions, and committed offsets by group, at one moment in seconds."""

    at_s: float
    ends: Mapping[Partition, int]
    committed: Mapping[str, Mapping[Partition, int]]


class Progress(NamedTuple):
    """The progress of one group between two snapshots.

    `next` is, by partition, the offset that the group reads next.
    """

    lag: int
    rate_per_s: float
    moved: bool
    next: Mapping[Partition, int]


def progress(
    first: Snapshot,
    second: Snapshot,
    group: str,
    partitions: list[Partition],
    begins: Mapping[Partition, int],
) -> Progress:
    """Compare two snapshots of a group on the partitions that it reads."""
    before = next_offsets(first.committed.get(group, {}), partitions, begins)
    after = next_offsets(second.committed.get(group, {}), partitions, begins)
    applied = sum(max(after[tp] - before[tp], 0) for tp in partitions)
    lag = sum(max(second.ends.get(tp, 0) - after[tp], 0) for tp in partitions)
    elapsed_s = max(second.at_s - first.at_s, 1e-9)
    return Progress(lag, applied / elapsed_s, applied > 0, after)


def next_offsets(
    committed: Mapping[Partition, int],
    partitions: list[Partition],
    begins: Mapping[Partition, int],
) -> dict[Partition, int]:
    """Return what a group reads next: the first offset where it has no commit that counts."""
    return {tp: max(committed.get(tp, -1), begins.get(tp, 0)) for tp in partitions}


def topic_rate(first: Snapshot, second: Snapshot, partitions: list[Partition]) -> float:
    """Return how many records a second came into the partitions."""
    new = sum(second.ends.get(tp, 0) - first.ends.get(tp, 0) for tp in partitions)
    return max(new, 0) / max(second.at_s - first.at_s, 1e-9)


def state(
    *,
    members: int | None,
    lag: int,
    moved: bool,
    waiting_ms: float,
    stall_ms: float,
    waits: bool = False,
) -> StageState:
    """Judge a group. `members` is None where the broker cannot count them.

    `waiting_ms` is how long its oldest record that is not applied has been waiting; a group that
    has such a record for longer than `stall_ms` and does not move is stalled. One that `waits` on
    purpose is not behind before that.
    """
    if members == 0:
        return StageState.NOT_RUNNING
    if lag == 0:
        return StageState.OK
    if waiting_ms > stall_ms and not moved:
        return StageState.STALLED
    if waiting_ms > (stall_ms if waits else BEHIND_MS):
        return StageState.BEHIND
    return StageState.OK
