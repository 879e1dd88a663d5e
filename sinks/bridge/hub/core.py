"""What all clients share: the latest of everything, the last events, and who wants what.

Nothing here waits: between two awaits of anybody the state is that after a whole record, so a
snapshot and the changes after it have no hole and no double.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from sinks.base import SinkRecord
from sinks.bridge.frames import Bundle, Frame, snapshot_frame
from sinks.bridge.hub.channels import BY_TOPIC, PRICES, topics_of
from sinks.bridge.hub.cursors import Place, Positions, format_cursor
from sinks.bridge.hub.filters import Filter, Registry
from sinks.bridge.hub.views import Latest


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


ITEMS_A_SNAPSHOT = 200
_MOST_CACHED = 256


class Member(Protocol):
    """A client as the core sees it."""

    latest: Frame | None

    def send(self, frame: Frame) -> None:
        """Send a frame; never waits."""


class Subscription:
    """What one request asked for.

    `started` are the places and offsets from which on its client has been sent everything wanted.
    `behind` is the next offset of each place while it is catching up, and empty once it is live.
    """

    def __init__(self, name: str, channels: tuple[str, ...], wanted: Filter) -> None:
        self.name = name
        self.channels = channels
        self.wanted = wanted
        self.live: tuple[str, ...] = ()
        self.started: Positions = {}
        self.behind: Positions = {}

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics whose events it gets one by one."""
        return topics_of(self.channels)

    def wants(self, frame: Frame) -> bool:
        """Return whether a frame is one of its own."""
        return frame.channel in self.channels and self.wanted.matches(frame)

    def has_sent(self, frame: Frame, position: int) -> bool:
        """Return whether its client got an event by it; `position` is the hub's at that place."""
        if frame.place is None or not self.wants(frame):
            return False
        topic, partition, offset = frame.place
        place = (topic, partition)
        started = self.started.get(place)
        return started is not None and started <= offset < self.behind.get(place, position)


class Core:
    """See the module's docstring. `take` is called for each record, in the order of its place."""

    def __init__(self, recent_events: int = 1_024) -> None:
        self.latest = Latest()
        self.recent_events = RecentEvents(recent_events)
        self.registry: Registry[Member] = Registry()
        self.sent = 0
        self._snapshots: dict[tuple[tuple[str, ...], Filter, str], Frame] = {}
        self._made_of = 0

    @property
    def positions(self) -> Positions:
        """The next offset of each place."""
        return self.recent_events.positions

    def take(self, record: SinkRecord) -> None:
        """Take a record into the state and send its frame to all who want it."""
        frame = self.latest.apply(record)
        place = (record.topic, record.partition)
        event = frame if BY_TOPIC[record.topic].channel is not None else None
        self.recent_events.note(place, record.offset, event)
        if frame is not None:
            # All of them first: a send can end a client, which then leaves the registry.
            members = list(self.registry.receivers(frame))
            for member in members:
                member.send(frame)
            self.sent += len(members)

    def pass_over(self, place: Place, offset: int) -> None:
        """Take note of a record that is of no use."""
        self.recent_events.note(place, offset, None)

    def cursor(self, topics: Iterable[str]) -> str:
        """Return the cursor of topics: all of them up to there has been sent."""
        return format_cursor({p: self.positions[p] for p in self.recent_events.places(topics)})

    def snapshot(self, channels: tuple[str, ...], wanted: Filter, name: str) -> Frame:
        """Return the latest events of channels, made once for all who ask before a change."""
        key = (channels, wanted, name)
        if self._made_of != self.latest.version or len(self._snapshots) >= _MOST_CACHED:
            self._made_of = self.latest.version
            self._snapshots.clear()
        if key not in self._snapshots:
            parts = [part for channel in channels for part in self._made(channel, wanted, name)]
            made = self._snapshots[key] = Bundle(parts)
            made.opens = tuple(self.recent_events.places(topics_of(channels)))
        return self._snapshots[key]

    def _made(self, channel: str, wanted: Filter, name: str) -> list[Frame]:
        items = [frame for frame in self.latest.frames(channel) if wanted.matches(frame)]
        parts = [
            items[first : first + ITEMS_A_SNAPSHOT]
            for first in range(0, len(items) or 1, ITEMS_A_SNAPSHOT)
        ]
        cursor = "" if channel == PRICES else self.cursor(topics_of((channel,)))
        return [
            snapshot_frame(
                {
                    "type": "snapshot",
                    "id": name,
                    "channel": channel,
                    # Whoever is cut off in between and comes again must not pass over the rest.
                    "cursor": cursor if number == len(parts) else "",
                    "more": number < len(parts),
                },
                part,
            )
            for number, part in enumerate(parts, start=1)
        ]

    def go_live(
        self, member: Member, subscription: Subscription, channels: tuple[str, ...]
    ) -> None:
        """Send what comes of these channels to the subscription's client."""
        for channel in channels:
            self.registry.add(channel, subscription.wanted, member)
        subscription.live += channels
        for place in self.recent_events.places(topics_of(channels)):
            subscription.behind.pop(place, None)
            subscription.started.setdefault(place, self.positions[place])

    def leave(self, member: Member, subscription: Subscription) -> None:
        """Send no more for a subscription."""
        for channel in subscription.live:
            self.registry.remove(channel, subscription.wanted, member)
        subscription.live = ()
        subscription.started.clear()
        subscription.behind.clear()


def lowest(*all_positions: Mapping[Place, int]) -> dict[Any, int]:
    """Return the lowest offset of each place."""
    found: Positions = {}
    for positions in all_positions:
        for place, offset in positions.items():
            found[place] = min(offset, found.get(place, offset))
    return found
