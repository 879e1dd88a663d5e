"""Order books as Binance writes them: a snapshot, and differences whose ids form a chain."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from simulator.binance.answers import answer, limit_of, listing_of
from simulator.exchange.amounts import fixed
from simulator.exchange.listings import Listing
from simulator.exchange.livebook import Change
from simulator.exchange.venue import VENUE
from simulator.shapes import Level

_MOST = 5_000


async def depth(request: web.Request) -> web.Response:
    """GET /api/v3/depth: best first; a difference with an id above lastUpdateId comes after it."""
    listing = listing_of(request, request.query)
    limit = limit_of(request.query, 100, _MOST)
    book = request.app[VENUE].book(listing.symbol)
    return answer(
        {
            "lastUpdateId": book.update_id,
            "bids": levels(listing, list(book.bids.items())[:limit]),
            "asks": levels(listing, list(book.asks.items())[:limit]),
        }
    )


def difference(change: Change, listing: Listing) -> dict[str, Any]:
    """Return a change in the form of the stream `<symbol>@depth`; quantity 0 deletes a level."""
    return {
        "e": "depthUpdate",
        "E": change.at_ms,
        "s": listing.symbol,
        "U": change.first_id,
        "u": change.last_id,
        "b": levels(listing, change.bids),
        "a": levels(listing, change.asks),
    }


def levels(listing: Listing, side: list[Level] | tuple[Level, ...]) -> list[tuple[str, str]]:
    """Return price and quantity of levels as text."""
    digits = listing.price_places
    return [(f"{price:.{digits}f}", fixed(size)) for price, size in side]
