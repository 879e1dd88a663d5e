"""Order books around any price, out of the simulated market's books of twenty levels."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.market import OrderBook
from simulator.shapes import Book, Level

SUBLEVELS = 3
"""Levels that one of the market's is spread over: a side has up to 60, out to about two percent."""


def mid_of(book: OrderBook, decimals: int) -> float:
    """Return the price that a book of the simulated market was made around, exactly."""
    return round((book.bid_prices[0] + book.ask_prices[0]) / 2.0, decimals)


def around(book: OrderBook, price: float, decimals: int, levels: int) -> Book:
    """Return the top `levels` of the book, moved so that `price` is its middle."""
    scale = 10**decimals
    middle = round(price * scale)
    shift = middle - round(mid_of(book, decimals) * scale)
    bids = _side(book.bid_prices, book.bid_sizes, shift, decimals, levels, -1)
    asks = _side(book.ask_prices, book.ask_sizes, shift, decimals, levels, 1)
    return Book(bids, asks)


def _side(
    prices: Sequence[float],
    sizes: Sequence[float],
    shift: int,
    decimals: int,
    levels: int,
    sign: int,
) -> tuple[Level, ...]:
    scale = 10**decimals
    ticks = [round(price * scale) + shift for price in prices]
    there: list[Level] = []
    for number, (tick, size) in enumerate(zip(ticks, sizes, strict=True)):
        following = ticks[number + 1] if number + 1 < len(ticks) else tick + sign * SUBLEVELS
        steps = min(SUBLEVELS, abs(following - tick))
        part = float(f"{size / max(1, steps):.6g}")
        for step in range(steps):
            at = tick + (following - tick) * step // steps
            if at > 0:
                there.append((round(at / scale, decimals), part))
        if len(there) >= levels:
            break
    return tuple(there[:levels])
