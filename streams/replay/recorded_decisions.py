"""The decisions of a recorded run, read once for all asset partitions of a process.

signals.decisions is keyed by strategy, fusion by asset: each asset partition has decisions in every
partition of the topic.
"""

from __future__ import annotations

import heapq
from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Any, NamedTuple

from schemas.partitioning import partition_of
from schemas.signals import ON_REQUEST, Decision
from schemas.topics import DECISIONS, REQUESTS, SCORES, STRATEGIES
from streams.replay.logs import Logs
from streams.replay.per_key_reader import Keyed

_NOBODY = 0xFFFF
"""Stands for an asset partition where a record is no decision of fusion."""


def recorded_decisions(logs: Logs, numbers: Iterable[int]) -> Iterator[tuple[int, int, Keyed]]:
    """Yield (timestamp in ms, partition, record) of some partitions, side by side by time."""

    def one_of(number: int) -> Iterator[tuple[int, int, Keyed]]:
        for one in logs.read(DECISIONS.name, number):
            yield one.record.timestamp_ms, number, one

    return heapq.merge(*map(one_of, numbers), key=itemgetter(0))


class Answer(NamedTuple):
    """The answer to a request: its event time, the asset, the request's place, what it had read.

    `scores_to` is the last score before it, `version` the strategy's offset; -1: none.
    """

    as_of: int
    asset: str
    request: int
    scores_to: int
    version: int


class _Reign(NamedTuple):
    """A version of a strategy, and the first and the last cycle of an asset that it decided."""

    version: int
    first: int
    last: int


class RecordedDecisions:
    """See the module's docstring. Memory: two bytes a record, and a line for each new version."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self._assets = logs.archive.partitions[SCORES.name]
        self.partitions = logs.archive.partitions[DECISIONS.name]
        self._owners = [array("H") for _ in range(self.partitions)]
        self._reigns: defaultdict[str, dict[str, list[_Reign]]] = defaultdict(dict)
        self._versions: defaultdict[str, dict[str, list[tuple[int, int]]]] = defaultdict(dict)
        """By asset and strategy: from which score on which version ruled."""
        self._answers: defaultdict[int, dict[int, Answer]] = defaultdict(dict)
        for number in range(self.partitions):
            for one in logs.read(DECISIONS.name, number):
                self._owners[number].append(self._noted(one.event))

    def read(self, number: int, assets: int) -> Iterator[Keyed]:
        """Yield the decisions in partition `number` on the assets of partition `assets`."""
        chosen = (owner == assets for owner in self._owners[number])
        return self._logs.read(DECISIONS.name, number, chosen)

    def rulers(self, asset: str, cycle: int) -> list[tuple[str, int]]:
        """Return the strategies that decided a cycle of an asset, by id, and their offsets.

        A version decides every cycle of an asset from its first to its last.
        """
        return [
            (strategy_id, one.version)
            for strategy_id, reigns in sorted(self._reigns.get(asset, {}).items())
            for one in reigns
            if one.first <= cycle <= one.last
        ]

    def version(self, asset: str, strategy_id: str, score: int) -> int | None:
        """Return the offset of the version that ruled at the score at an offset, -1: gone by then.

        None: nothing was decided yet. The first decision of each version, and the last one of a
        strategy that watches the asset no more, stand in the log whatever they say.
        """
        versions = self._versions.get(asset, {}).get(strategy_id, ())
        count = bisect_right(versions, score, key=itemgetter(0))
        return versions[count - 1][1] if count else None

    def answers(self, assets: int) -> list[Answer]:
        """Return the answers to the requests of an asset partition, in the order of event time."""
        return sorted(self._answers[assets].values())

    def answer(self, assets: int, request: int) -> Answer | None:
        """Return the answer to the request that stands at an offset; None: there is none."""
        return self._answers[assets].get(request)

    def _noted(self, event: Any) -> int:
        """Keep what a replay has to know of a decision; return the asset partition it is of."""
        if not isinstance(event, Decision) or event.kind != "decision":
            return _NOBODY
        owner = partition_of(event.asset.encode(), self._assets)
        version = _last(event, STRATEGIES.name)
        if event.trigger in ON_REQUEST:
            request = _last(event, REQUESTS.name)
            answer = Answer(event.as_of, event.asset, request, _last(event, SCORES.name), version)
            self._answers[owner].setdefault(request, answer)
            return owner
        ruling = -1 if event.override == "unwatched" else version
        versions = self._versions[event.asset].setdefault(event.strategy_id, [])
        if not versions or versions[-1][1] != ruling:
            versions.append((_last(event, SCORES.name), ruling))
        if event.cycle is not None:
            reigns = self._reigns[event.asset].setdefault(event.strategy_id, [])
            if not reigns or reigns[-1].version != version:
                reigns.append(_Reign(version, event.cycle, event.cycle))
            elif event.cycle > reigns[-1].last:
                reigns[-1] = reigns[-1]._replace(last=event.cycle)
        return owner


def _last(decision: Decision, topic: str) -> int:
    """Return the last place of a topic that a decision names, -1 when it names none."""
    return max((place.offset for place in decision.inputs if place.topic == topic), default=-1)
