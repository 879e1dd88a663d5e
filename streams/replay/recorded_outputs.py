"""The recorded outputs of one topic partition, matched with what a replay makes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Any

from streams.replay.parity import Comparison, first_difference
from streams.replay.per_key_reader import Keyed, PerKeyReader, remember
from streams.runner import Produced

_LOOK_AHEAD = 16

Slot = Callable[[Any], Hashable]
IsAhead = Callable[[Any], bool]
"""Says of an output that was never replayed whether its inputs were not recorded any more."""


class RecordedOutputs:
    """See the module's docstring.

    Outputs of one key come in the same order in both; a restarted worker may have sent some again.
    `slot` says which output an event is, whatever its numbers: the strategy and cycle of a signal.
    """

    def __init__(
        self,
        topic: str,
        partition: int,
        records: Iterator[Keyed],
        key_of: Callable[[Keyed], str | None],
        slot: Slot,
        comparison: Comparison | None,
    ) -> None:
        self._topic, self._partition = topic, partition
        self._log: PerKeyReader[str] = PerKeyReader(records, key_of)
        self._key_of = key_of
        self._slot = slot
        self._comparison = comparison
        self._seen: dict[str, OrderedDict[Hashable, Any]] = {}

    def match(self, key: str, replayed: Produced) -> None:
        """Compare an output with the recorded one that belongs to it."""
        self._drop_repeated(key)
        comparison = self._comparison
        slot = self._slot(replayed.event)
        place = self._find(key, slot)
        if place is None:
            if self._log.peek(key) is None:
                if comparison is not None:
                    comparison.result.unanswered[self._topic] += 1
            elif comparison is not None:
                comparison.replayed_only(replayed)
            return
        for _ in range(place):
            self._surplus(self._log.take(key))
        one = self._log.take(key)
        self._remember(key, slot, one.event)
        if comparison is not None:
            comparison.pair(one.record, one.event, replayed, self._partition)

    def finish(self, is_ahead: IsAhead) -> None:
        """Note what was recorded and never replayed."""
        for one in self._log.rest():
            if self._is_repeated(self._key_of(one) or "", one):
                continue
            if self._comparison is not None and is_ahead(one.event):
                self._comparison.result.ahead[self._topic] += 1
            else:
                self._surplus(one)

    def _find(self, key: str, slot: Hashable) -> int | None:
        for place in range(_LOOK_AHEAD):
            one = self._log.peek(key, place)
            if one is None:
                return None
            if self._slot(one.event) == slot:
                return place
        return None

    def _drop_repeated(self, key: str) -> None:
        while True:
            one = self._log.peek(key)
            if one is None or not self._is_repeated(key, one):
                return
            self._log.take(key)

    def _is_repeated(self, key: str, one: Keyed) -> bool:
        seen = self._seen.get(key)
        before = None if seen is None else seen.get(self._slot(one.event))
        if before is None or first_difference(before, one.event) is not None:
            return False
        if self._comparison is not None:
            self._comparison.result.repeated[self._topic] += 1
        return True

    def _remember(self, key: str, slot: Hashable, event: Any) -> None:
        remember(self._seen.setdefault(key, OrderedDict()), slot, event)

    def _surplus(self, one: Keyed) -> None:
        if self._comparison is not None:
            self._comparison.recorded_only(self._topic, self._partition, one.record, one.event)
