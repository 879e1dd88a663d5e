"""A market's order book with the ids of its changes, and with what was bought out of it."""

from __future__ import annotations

import math
import zlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from simulator.exchange.amounts import ZERO, exact, places
from simulator.exchange.listings import Listing
from simulator.shapes import Book, Level, Market

LEVELS = 50
_KEPT_CHANGES = 512

_EVERY_MS = 5_000
"""The world's book moves with every tick of its price; here it is looked at only so often."""


_NOTHING = Book((), ())


@dataclass(frozen=True, slots=True)
class Change:
    """What changed at once: ids `first_id` to `last_id`, one a level; size 0: the level is gone."""

    first_id: int
    last_id: int
    at_ms: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


@dataclass(slots=True)
class LiveBook:
    """The book as every client of an exchange sees it; `refresh` before reading it.

    The ids of changes follow one another without a hole, whoever caused them: the world, an order
    that took from a level, or the ripple. The ripple gives one level a side another size every
    second: a real book never stands still, and clients wait for its next change.
    """

    listing: Listing
    market: Market
    update_id: int
    changes: deque[Change] = field(default_factory=lambda: deque(maxlen=_KEPT_CHANGES))
    bids: dict[float, float] = field(default_factory=dict)
    asks: dict[float, float] = field(default_factory=dict)
    _looked: int = -1
    _world: Book = _NOTHING
    _taken: dict[float, Decimal] = field(default_factory=dict)

    def refresh(self, now_ms: int) -> None:
        """Bring the book to this time and note what changed."""
        self._look(now_ms)
        second = now_ms // 1000
        bids = self._shown(self._world.bids, f"b{second}")
        asks = self._shown(self._world.asks, f"a{second}")
        changed = _difference(self.bids, bids), _difference(self.asks, asks)
        self.bids, self.asks = bids, asks
        count = len(changed[0]) + len(changed[1])
        if count:
            first = self.update_id + 1
            self.update_id += count
            self.changes.append(Change(first, self.update_id, now_ms, *changed))

    def since(self, update_id: int) -> list[Change]:
        """Return the changes after that id, the oldest first."""
        newer = []
        for change in reversed(self.changes):
            if change.last_id <= update_id:
                break
            newer.append(change)
        return newer[::-1]

    def against(self, *, buying: bool) -> list[tuple[Decimal, Decimal]]:
        """Return price and size of the levels that an order would meet, best first."""
        side = self.asks if buying else self.bids
        return [(exact(price), exact(size)) for price, size in side.items()]

    def take(self, price: Decimal, quantity: Decimal) -> None:
        """Take `quantity` out of a level until the world's book is another one."""
        key = float(price)
        self._taken[key] = self._taken.get(key, ZERO) + quantity

    def _look(self, now_ms: int) -> None:
        at_ms = now_ms // _EVERY_MS * _EVERY_MS
        if at_ms == self._looked:
            return
        self._looked = at_ms
        world = self.market.book(self.listing.asset, at_ms, LEVELS)
        if world != self._world:
            self._world = world
            self._taken.clear()

    def _shown(self, side: Sequence[Level], seed: str) -> dict[float, float]:
        """Return the side in whole steps, less what was taken, with its ripple."""
        digits = places(self.listing.step)
        rippling, factor = _ripple(f"{self.listing.symbol}{seed}", len(side))
        shown = {}
        for number, (price, size) in enumerate(side):
            left = size * factor if number == rippling else size
            if self._taken:
                left -= float(self._taken.get(price, 0))
            left = round(math.floor(left * 10**digits + 1e-6) / 10**digits, digits)
            if left > 0.0:
                shown[price] = left
        return shown


def _ripple(seed: str, levels: int) -> tuple[int, float]:
    """Return which level is rippling and by which factor, 0.85 to 1."""
    if not levels:
        return -1, 1.0
    drawn = zlib.crc32(seed.encode())
    return drawn % levels, 0.85 + 0.15 * (drawn >> 16) / 0xFFFF


def _difference(before: dict[float, float], after: dict[float, float]) -> tuple[Level, ...]:
    gone = [(price, 0.0) for price in before if price not in after]
    return (*(level for level in after.items() if before.get(level[0]) != level[1]), *gone)
