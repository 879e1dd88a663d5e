"""The last 24 hours of a market as Bybit writes them."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from simulator.bybit.answers import answer, listing_of
from simulator.exchange.amounts import plain
from simulator.exchange.listings import Listing
from simulator.exchange.venue import VENUE, Venue

_NO_LEVEL = (0.0, 0.0)


async def tickers(request: web.Request) -> web.Response:
    """GET /v5/market/tickers: of `symbol`, or of every market."""
    venue = request.app[VENUE]
    one = "symbol" in request.query
    listings = [listing_of(request, request.query)] if one else venue.listings()
    listed = [ticker(venue, listing) for listing in listings]
    return answer(request, {"category": "spot", "list": listed})


def ticker(venue: Venue, listing: Listing) -> dict[str, Any]:
    """Return the best offers and the 24 hours of a market."""
    book = venue.book(listing.symbol)
    bid = next(iter(book.bids.items()), _NO_LEVEL)
    ask = next(iter(book.asks.items()), _NO_LEVEL)
    best = {
        "bid1Price": plain(bid[0]),
        "bid1Size": plain(bid[1]),
        "ask1Price": plain(ask[0]),
        "ask1Size": plain(ask[1]),
    }
    return {**day(venue, listing), **best}


def day(venue: Venue, listing: Listing) -> dict[str, Any]:
    """Return the 24 hours of a market: in the form of the topic tickers.<symbol>."""
    seen = venue.market.ticker(listing.asset, venue.clock.now_ms())
    return {
        "symbol": listing.symbol,
        "lastPrice": plain(seen.price),
        "prevPrice24h": plain(seen.open_24h),
        "price24hPcnt": f"{seen.change_24h_pct / 100.0:.4f}",
        "highPrice24h": plain(seen.high_24h),
        "lowPrice24h": plain(seen.low_24h),
        "turnover24h": plain(round(seen.volume_usd, 8)),
        "volume24h": plain(round(seen.volume, 8)),
        "usdIndexPrice": plain(seen.price),
    }
