"""Windows of the log, however they are cut: every event once, and all of them by time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sinks.bridge.frames import Frame
from sinks.bridge.hub.cursors import Place, Positions
from sinks.bridge.hub.pieces import Piece, Window, take

OFFSETS = st.sets(st.integers(0, 40), max_size=20).map(sorted)
LOGS = st.lists(OFFSETS, min_size=1, max_size=4)
"""Offsets that each partition of a topic has; a time is an offset, so order is one of all."""


def window(offsets: list[int], first: int, stop: int) -> Window:
    return Window(first, stop, [(o, o, Frame(b"%d" % o)) for o in offsets if first <= o < stop])


@given(LOGS, st.integers(1, 9), st.integers(1, 7), st.integers(0, 40), st.integers(0, 45))
def test_every_event_comes_once_and_by_time(
    log: list[list[int]], length: int, most: int, start: int, stop: int
) -> None:
    places: dict[Place, list[int]] = {("signals", n): offsets for n, offsets in enumerate(log)}
    at: Positions = dict.fromkeys(places, start)
    got: list[tuple[Place, int]] = []
    pieces = 0
    while behind := {place: stop for place in places if at[place] < stop}:
        windows = {
            place: window(places[place], first, min(stop, first + length))
            for place in behind
            if (first := at[place] - at[place] % length) is not None
        }
        piece = Piece(next={place: at[place] for place in behind})
        take(windows, behind, most, piece)
        assert len(piece.events) <= most
        assert any(piece.next[place] > at[place] for place in behind)  # else it never ends
        assert [e[2].payload for e in piece.events] == [b"%d" % e[1] for e in piece.events]
        got += [(place, offset) for place, offset, _ in piece.events]
        at |= piece.next
        pieces += 1
    wanted = [(p, o) for p, offsets in places.items() for o in offsets if start <= o < stop]
    assert sorted(got) == sorted(wanted)
    assert [offset for _, offset in got] == sorted(offset for _, offset in got)
    assert pieces <= len(wanted) + len(places) * (stop // length + 2)


def test_a_window_that_begins_behind_what_was_asked_for_begins_there() -> None:
    piece = Piece(next={("signals", 0): 7})
    take({("signals", 0): window([7, 8, 9], 5, 10)}, {("signals", 0): 9}, 10, piece)
    assert [offset for _, offset, _ in piece.events] == [7, 8]
    assert piece.next == {("signals", 0): 9}
