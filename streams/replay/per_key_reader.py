"""One topic partition read on demand, with a queue for each key that was read past."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator
from typing import Any, Generic, NamedTuple, TypeVar

from streams.archive.records import LoggedRecord

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_REMEMBERED = 2048
"""Outputs of a key that a restarted worker may send again: at most a batch of its loop."""


class Keyed(NamedTuple):
    """A record of the log, decoded: its event, or the error that decoding gave."""

    record: LoggedRecord
    event: Any


class PerKeyReader(Generic[K]):
    """See the module's docstring. `key_of` names the queue of a record, None drops it.

    Memory holds what lies between the slowest and the fastest reader of a partition, which in a
    recorded live run is the engines' lag.
    """

    def __init__(self, records: Iterator[Keyed], key_of: Callable[[Keyed], K | None]) -> None:
        self._records = records
        self._key_of = key_of
        self._queues: dict[K, deque[Keyed]] = {}
        self._read_to = -1

    def up_to(self, key: K, offset: int) -> Iterator[Keyed]:
        """Take the records of a key up to an offset, included."""
        while self._read_to < offset and self._read():
            pass
        queue = self._queues.get(key)
        while queue and queue[0].record.offset <= offset:
            yield queue.popleft()

    def peek(self, key: K, place: int = 0) -> Keyed | None:
        """Return the next record of a key (or the one `place` further), None at the end."""
        queue = self._queues.setdefault(key, deque())
        while len(queue) <= place:
            if not self._read():
                return None
        return queue[place]

    def take(self, key: K) -> Keyed:
        """Take the record that `peek` has shown."""
        return self._queues[key].popleft()

    def rest(self) -> Iterator[Keyed]:
        """Take everything that is left, in the order of the log."""
        left = sorted(
            (one for queue in self._queues.values() for one in queue),
            key=lambda one: one.record.offset,
        )
        self._queues.clear()
        yield from left
        for one in self._records:
            if self._key_of(one) is not None:
                yield one

    def _read(self) -> bool:
        one = next(self._records, None)
        if one is None:
            return False
        self._read_to = one.record.offset
        key = self._key_of(one)
        if key is not None:
            self._queues.setdefault(key, deque()).append(one)
        return True


def remember(seen: OrderedDict[K, V], what: K, output: V) -> None:
    """Keep an output to know it again when a restarted worker has sent it twice."""
    seen[what] = output
    if len(seen) > _REMEMBERED:
        seen.popitem(last=False)
