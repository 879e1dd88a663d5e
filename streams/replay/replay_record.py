"""What arrives at the topology, and in which order when nothing recorded it.

**The tie rule.** Records of one topic partition keep the order of their offsets. Between topics
the earlier `observed_at` goes first; at the same moment the topic that stands first in
`ORDER`: strategies, then the market topics in the order of the table (the tick first), then the
scores of headlines, then requests. A record whose `observed_at` lies before that of an earlier
offset counts as observed with that one: the log cannot be read backwards.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from schemas.topics import MARKET_TOPICS, NEWS_SCORES, REQUESTS, STRATEGIES

ORDER = (
    STRATEGIES.name,
    *(topic.name for topic in MARKET_TOPICS),
    NEWS_SCORES.name,
    REQUESTS.name,
)
RANK = {name: rank for rank, name in enumerate(ORDER)}
_TIME_FIELD = {STRATEGIES.name: "updated_at", REQUESTS.name: "requested_at"}


class ReplayRecord(msgspec.Struct, frozen=True, order=True, gc=False):
    """A record as the topology takes it.

    `clock_ms` is where it stands in the merge; `event` None a tombstone of control.strategies.
    """

    clock_ms: int
    rank: int
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    event: Any


Read = Callable[[str, int], Iterable[tuple[int, int, bytes | None, Any]]]
"""Yields (offset, timestamp_ms, key, event) of a topic partition, in the order of offsets."""


def merged(read: Read, places: Iterable[tuple[str, int]]) -> Iterator[ReplayRecord]:
    """Merge topic partitions by the tie rule; then by partition, which no state depends on."""
    # Records compare by their place before their event, and no two have the same place.
    return heapq.merge(*(one_topic(read, *place) for place in places))


def one_topic(read: Read, topic: str, partition: int) -> Iterator[ReplayRecord]:
    """Yield a topic partition with the clock of the merge, which never goes back."""
    rank = RANK[topic]
    field = _TIME_FIELD.get(topic, "observed_at")
    clock_ms = 0
    for offset, timestamp_ms, key, event in read(topic, partition):
        # A tombstone, or the error of a record that is no event, has no time of its own.
        at_ms = getattr(event, field, timestamp_ms)
        clock_ms = max(clock_ms, at_ms)
        yield ReplayRecord(clock_ms, rank, topic, partition, offset, timestamp_ms, key, event)
