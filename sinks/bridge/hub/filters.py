"""What a subscription wants, and the clients by what they want."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, Protocol, TypeVar

import msgspec

from sinks.bridge.frames import Frame


class Filter(msgspec.Struct, frozen=True):
    """Which frames of its channels a subscription wants; an empty set wants all.

    A condition holds for what has no such field: a filter for actions takes all prices.
    """

    assets: frozenset[str] = frozenset()
    strategies: frozenset[str] = frozenset()
    actions: frozenset[str] = frozenset()
    min_confidence: float = 0.0

    def matches(self, frame: Frame) -> bool:
        """Return whether a frame is wanted."""
        if self.assets and frame.asset is not None and frame.asset not in self.assets:
            return False
        return self.matches_beside_asset(frame)

    def matches_beside_asset(self, frame: Frame) -> bool:
        """Return whether a frame is wanted that is of a wanted asset."""
        if self.strategies and frame.strategy is not None and frame.strategy not in self.strategies:
            return False
        if self.actions and frame.action is not None and frame.action not in self.actions:
            return False
        confidence = frame.confidence
        return confidence is None or confidence >= self.min_confidence


class Receiver(Protocol):
    """Who gets frames; `latest` is the last one that it got."""

    latest: Frame | None


R = TypeVar("R", bound=Receiver)
_Groups = dict[Filter, dict[R, int]]


class Registry(Generic[R]):
    """The live receivers by channel, asset and filter.

    Equal filters are one group: a frame is matched once for all of its receivers, and groups of
    other assets are never looked at.
    """

    def __init__(self) -> None:
        self._channels: dict[str, dict[str | None, _Groups[R]]] = {}

    def add(self, channel: str, wanted: Filter, receiver: R) -> None:
        """Send the receiver what comes; to be removed as often as it is added."""
        by_asset = self._channels.setdefault(channel, {})
        for asset in _keys(wanted):
            group = by_asset.setdefault(asset, {}).setdefault(wanted, {})
            group[receiver] = group.get(receiver, 0) + 1

    def remove(self, channel: str, wanted: Filter, receiver: R) -> None:
        """Undo one `add`."""
        by_asset = self._channels[channel]
        for asset in _keys(wanted):
            groups = by_asset[asset]
            group = groups[wanted]
            group[receiver] -= 1
            if group[receiver] == 0:
                del group[receiver]
            if not group:
                del groups[wanted]
            if not groups:
                del by_asset[asset]

    def receivers(self, frame: Frame) -> Iterator[R]:
        """Yield each receiver that wants the frame once; the registry must not change meanwhile."""
        for group in self._groups(frame):
            for receiver in group:
                if receiver.latest is not frame:
                    receiver.latest = frame
                    yield receiver

    def _groups(self, frame: Frame) -> Iterator[dict[R, int]]:
        by_asset = self._channels.get(frame.channel)
        if not by_asset:
            return
        # What has no asset is for everybody, also for those who ask for single assets.
        keys: Iterable[str | None] = (None, frame.asset) if frame.asset is not None else by_asset
        for key in keys:
            for wanted, group in by_asset.get(key, {}).items():
                if wanted.matches_beside_asset(frame):
                    yield group


def _keys(wanted: Filter) -> list[str | None]:
    return [*sorted(wanted.assets)] if wanted.assets else [None]
