"""Order books as Bybit writes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aiohttp import web

from simulator.bybit.answers import answer, listing_of, whole
from simulator.exchange.amounts import plain
from simulator.exchange.livebook import LiveBook
from simulator.exchange.venue import VENUE
from simulator.shapes import Level

_MOST = 200


async def orderbook(request: web.Request) -> web.Response:
    """GET /v5/market/orderbook: one level a side by default, 200 at most."""
    listing = listing_of(request, request.query)
    venue = request.app[VENUE]
    limit = max(1, min(_MOST, whole(request.query, "limit", 1)))
    now_ms = venue.clock.now_ms()
    book = venue.book(listing.symbol)
    return answer(request, {**snapshot(book, limit, book.update_id), "ts": now_ms, "cts": now_ms})


def snapshot(book: LiveBook, limit: int, number: int) -> dict[str, Any]:
    """Return the top of a book under an update number."""
    return {
        "s": book.listing.symbol,
        "b": levels(list(book.bids.items())[:limit]),
        "a": levels(list(book.asks.items())[:limit]),
        "u": number,
        "seq": book.update_id,
    }


def levels(side: Iterable[Level]) -> list[tuple[str, str]]:
    """Return price and size of levels as text; size 0 deletes a level."""
    return [(plain(price), plain(size)) for price, size in side]
