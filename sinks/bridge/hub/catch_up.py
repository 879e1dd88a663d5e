"""From a cursor to the live stream, without a hole and without a double.

The subscription's `behind` says what comes next of each place. Pieces of the log are read up to
where the hub is, which goes on meanwhile; once all that is left lies in the hub's memory, it is
sent from there and the subscription goes live, in one step without an await.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from sinks.bridge.frames import Frame, control
from sinks.bridge.hub.backlog import Backlog
from sinks.bridge.hub.channels import topics_of
from sinks.bridge.hub.core import Core, Subscription
from sinks.bridge.hub.cursors import Place, format_cursor

_log = logging.getLogger(__name__)
STEP = 64
"""Events that are sent before others have their turn, and the client's socket is waited for.

Below the limit of its queue; to send them takes some tenths of a millisecond.
"""
_RETRY_S = 1.0
_LOOK_S = 0.05

GAPS = {
    "expired": "The log no longer has these records: it keeps them for a limited time.",
    "replaced": "The log was recreated and has fewer records than this cursor: all it has follows.",
    "no_position": "The cursor names no offset of this partition: it goes on with what comes now.",
}


class Reader(Protocol):
    """The client that catches up."""

    latest: Frame | None
    subscriptions: dict[str, Subscription]

    def send(self, frame: Frame) -> None:
        """Send a frame; never waits."""

    def prepare(self, frame: Frame) -> None:
        """Make the bytes of a frame, which takes some time at its first reader."""

    def send_all(self, frames: list[Frame]) -> None:
        """Send frames in order; never waits."""

    async def flushed(self) -> None:
        """Wait until the socket has taken all."""


def gap_frame(
    place: Place, start: int | None, stop: int, reason: str, name: str | None = None
) -> Frame:
    """Return the frame that tells of records in [start, stop) that will not come."""
    topic, partition = place
    frame = control(
        "gap",
        id=name,
        topic=topic,
        partition=partition,
        **{"from": start, "to": stop - 1},
        reason=reason,
        message=GAPS[reason],
        cursor=format_cursor({place: stop}),
    )
    # A client that is closed before it got this is sent it again: see Client.close_with_cursor.
    if start is None:
        frame.opens = (place,)
    elif start < stop:
        frame.place = (topic, partition, start)
    return frame


class CatchUp:
    """Brings one subscription of one client to the live stream; see the module's docstring.

    `behind` of the subscription is set, with every place of its channels that has to catch up.
    """

    def __init__(
        self,
        core: Core,
        backlog: Backlog,
        reader: Reader,
        sub: Subscription,
        step: int = STEP,
    ) -> None:
        self._core = core
        self._backlog = backlog
        self._reader = reader
        self._sub = sub
        self._step_size = step

    async def run(self, channels: tuple[str, ...]) -> None:
        """Send what was missed and go live with these channels; ends when that is done."""
        self._missing_positions(channels)
        while not await self._step(channels):
            await self._reader.flushed()

    def _missing_positions(self, channels: Iterable[str]) -> None:
        """Begin now where the cursor names no offset, and say so unless nothing can be missing."""
        sub, positions = self._sub, self._core.positions
        for place in self._core.recent_events.places(topics_of(tuple(channels))):
            if place not in sub.behind:
                sub.behind[place] = positions[place]
                if positions[place] > 0:
                    self._gap(place, None, positions[place], "no_position")
        sub.started |= sub.behind

    async def _step(self, channels: tuple[str, ...]) -> bool:
        """Send some of what is missing; True when that was all, and the subscription is live."""
        sub, core = self._sub, self._core
        for place in [place for place in sub.behind if place not in core.positions]:
            self._gap(place, sub.behind.pop(place), 0, "replaced")
        ahead = [place for place, offset in sub.behind.items() if offset > core.positions[place]]
        if ahead and not await self._reached(ahead):
            return False
        away = self._away()
        if away:
            await self._attempt(lambda: self._from_log(away))
            return False
        async with self._backlog.turns.turn():
            if ahead or self._away() or not self._from_memory():
                return False
            core.go_live(self._reader, sub, channels)  # no await since nothing was missing
            return True

    def _away(self) -> dict[Place, tuple[int, int]]:
        """Return the ranges that are missing and are not in the hub's memory."""
        recent, positions = self._core.recent_events, self._core.positions
        return {
            place: (offset, positions[place])
            for place, offset in self._sub.behind.items()
            if place in positions and offset < positions[place] and not recent.covers(place, offset)
        }

    def _from_memory(self) -> bool:
        """Send what the hub still has; True when that was all."""
        left = self._step_size
        for place, offset in sorted(self._sub.behind.items()):
            events = self._core.recent_events.since(place, offset)
            self._pass_on([(place, at, frame) for at, frame in events[:left]])
            if len(events) > left:
                return False
            left -= len(events)
            self._sub.behind[place] = self._core.positions[place]
        return True

    async def _from_log(self, ranges: dict[Place, tuple[int, int]]) -> None:
        piece = await self._backlog.read(ranges, self._step_size)
        async with self._backlog.turns.turn():
            for _, _, frame in piece.events:
                if self._sub.wants(frame):
                    self._reader.prepare(frame)
                    await self._backlog.turns.pause()
            for place, (start, stop) in piece.gaps.items():
                self._gap(place, start, stop, "expired")
                self._sub.behind[place] = stop
            self._pass_on(piece.events)
            for place, offset in piece.next.items():
                self._sub.behind[place] = max(offset, self._sub.behind[place])

    def _pass_on(self, events: list[tuple[Place, int, Frame]]) -> None:
        """Send events, but those that are not wanted or that another subscription has sent."""
        sub, positions = self._sub, self._core.positions
        others = [one for one in self._reader.subscriptions.values() if one is not sub]
        wanted = []
        for place, offset, frame in events:
            sub.behind[place] = offset + 1
            at = positions.get(place, 0)
            if sub.wants(frame) and not any(other.has_sent(frame, at) for other in others):
                wanted.append(frame)
        self._reader.send_all(wanted)

    async def _reached(self, ahead: list[Place]) -> bool:
        """Return whether the hub has reached the cursor, after a short wait.

        A topic that ends before the cursor was recreated: the client is sent a `replaced` gap.
        """
        await asyncio.sleep(_LOOK_S)
        late = [p for p in ahead if self._sub.behind[p] > self._core.positions[p]]
        if late:
            await self._attempt(lambda: self._replaced(late))
        return not late

    async def _replaced(self, places: list[Place]) -> None:
        ends = await self._backlog.ends(places)
        gone = [place for place in places if ends[place] < self._sub.behind[place]]
        for place, begin in (await self._backlog.begins(gone)).items() if gone else ():
            self._gap(place, self._sub.behind[place], begin, "replaced")
            self._sub.behind[place] = self._sub.started[place] = begin

    def _gap(self, place: Place, start: int | None, stop: int, reason: str) -> None:
        self._reader.send(gap_frame(place, start, stop, reason, self._sub.name))

    async def _attempt(self, action: Callable[[], Awaitable[None]]) -> None:
        """Do something with the log; what failed is tried again by the next step."""
        try:
            await action()
        except Exception as error:  # whatever the log says when it is away
            _log.warning("the log could not be read for a client that catches up: %s", error)
            await asyncio.sleep(_RETRY_S)
