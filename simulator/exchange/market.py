"""What an exchange asks of the world it stands in: a part of `simulator.world.World`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from simulator.shapes import (
    AssetRow,
    Book,
    Kline,
    Ticker,
)


class Market(Protocol):
    """Prices of a world at a time. `await ready(now_ms)` first; then reads are quick."""

    async def ready(self, now_ms: int) -> None:
        """Compute the market up to `now_ms`."""
        ...

    def assets(self) -> Sequence[AssetRow]:
        """Return what is traded, the largest first."""
        ...

    def price(self, symbol: str, now_ms: int) -> float:
        """Return the last price."""
        ...

    def ticker(self, symbol: str, now_ms: int) -> Ticker:
        """Return price, and range and volume of 24 hours."""
        ...

    def candles(
        self, symbol: str, timeframe: str, start_ms: int | None, limit: int, now_ms: int
    ) -> list[Kline]:
        """Return candles of 1m, 1h, 4h or 1d in the order of time, the one under way last.

        With `start_ms`: the first `limit` that open then or later; without: the last `limit`.
        """
        ...

    def book(self, symbol: str, now_ms: int, levels: int) -> Book:
        """Return bids and asks, at most so many levels each."""
        ...
