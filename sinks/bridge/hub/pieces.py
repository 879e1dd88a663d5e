"""Pieces of the log on their way to a client, out of windows that all clients share."""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sinks.bridge.frames import Frame
from sinks.bridge.hub.cursors import Place, Positions

_FRAME_BYTES = 600
"""What a frame takes beside its bytes, which it has twice: as they are, and compressed to half."""

Range = tuple[int, int]
"""From an offset to the one before which it ends."""


Event = tuple[int, int, Frame]
"""Timestamp, offset and frame."""


@dataclass(slots=True)
class Piece:
    """Events of a range of places, in order; `gaps` are ranges that the log no longer has."""

    events: list[tuple[Place, int, Frame]] = field(default_factory=list)
    gaps: dict[Place, Range] = field(default_factory=dict)
    next: Positions = field(default_factory=dict)


@dataclass(slots=True)
class Window:
    """What the log has of a place before `stop`, from `begin` on; before that it has nothing.

    `events` are in the order of their offsets.
    """

    begin: int
    stop: int
    events: list[Event] = field(default_factory=list)
    used_s: float = 0.0

    def size(self) -> int:
        """Return about how many bytes it takes."""
        return sum(3 * len(frame.plain) // 2 + _FRAME_BYTES for _, _, frame in self.events)


def take(windows: Mapping[Place, Window], stops: Positions, most: int, piece: Piece) -> None:
    """Move up to `most` events into a piece, by time, but those of one place by offset.

    Each place begins at `piece.next` and ends before its stop. Where its window ends before that,
    what comes next of the place is not known yet, and the piece ends too.
    """
    left: Positions = {}

    def is_cut_off(place: Place) -> bool:
        if left[place]:
            return False
        window_stop, stop = windows[place].stop, stops[place]
        piece.next[place] = max(piece.next[place], min(window_stop, stop))
        return window_stop < stop

    sources = []
    for place, start in piece.next.items():
        events = windows[place].events
        first = bisect_left(events, start, key=_offset)
        last = bisect_left(events, stops[place], first, key=_offset)
        left[place] = last - first
        sources.append((place, events[first : min(last, first + most)]))
    if any([is_cut_off(place) for place in left]):
        return
    for place, (_, offset, frame) in _by_time(sources):
        piece.events.append((place, offset, frame))
        piece.next[place] = offset + 1
        left[place] -= 1
        if (not left[place] and is_cut_off(place)) or len(piece.events) >= most:
            return


def _by_time(sources: list[tuple[Place, list[Event]]]) -> Iterable[tuple[Place, Event]]:
    tagged = [[(place, event) for event in events] for place, events in sources if events]
    return tagged[0] if len(tagged) == 1 else heapq.merge(*tagged, key=_time)


def _time(tagged: tuple[Place, Event]) -> int:
    return tagged[1][0]


def _offset(event: Event) -> int:
    return event[1]
