"""The last events of each place, in memory, and how far the hub has read.

A client that was away for a moment goes on from here; the log is read for those who were away
longer. Everything from `first(place)` to `position(place)` is here, but for records that are no
events (tombstones, what cannot be decoded).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from sinks.bridge.frames import Frame
from sinks.bridge.hub.cursors import Place, Positions


class RecentEvents:
    """Keeps `most` events of each place."""

    def __init__(self, most: int = 1_024) -> None:
        self._most = most
        self._events: dict[Place, deque[tuple[int, Frame]]] = {}
        self._first: Positions = {}
        self.positions: Positions = {}

    def begin(self, place: Place, offset: int) -> None:
        """Begin at an offset; what is here of that place is forgotten."""
        self._events[place] = deque()
        self._first[place] = self.positions[place] = offset

    def note(self, place: Place, offset: int, frame: Frame | None) -> None:
        """Take the next record of a place, with its event if it is one."""
        self.positions[place] = offset + 1
        if frame is None:
            return
        events = self._events[place]
        events.append((offset, frame))
        if len(events) > self._most:
            self._first[place] = events.popleft()[0] + 1

    def forget(self, place: Place) -> None:
        """Forget a place that the log no longer has."""
        del self._events[place], self._first[place], self.positions[place]

    def places(self, topics: Iterable[str]) -> list[Place]:
        """Return the places of topics, in order."""
        wanted = set(topics)
        return sorted(place for place in self.positions if place[0] in wanted)

    def covers(self, place: Place, offset: int) -> bool:
        """Return whether everything from an offset on is here."""
        return self._first[place] <= offset

    def since(self, place: Place, offset: int) -> list[tuple[int, Frame]]:
        """Return the events from an offset on."""
        found = []
        for entry in reversed(self._events[place]):
            if entry[0] < offset:
                break
            found.append(entry)
        found.reverse()
        return found
