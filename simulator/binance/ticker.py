"""Prices of the last 24 hours, the last price and the best offers, as Binance writes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from schemas.times import DAY_MS
from simulator.binance.answers import answer
from simulator.binance.klines import trades
from simulator.binance.markets import asked_for
from simulator.exchange.amounts import fixed
from simulator.exchange.listings import Listing
from simulator.exchange.venue import VENUE, Venue
from simulator.shapes import Level

_View = Callable[[Venue, Listing], dict[str, Any]]


async def day(request: web.Request) -> web.Response:
    """GET /api/v3/ticker/24hr: of `symbol`, of `symbols`, or of every market."""
    return _answer(request, day_of)


async def price(request: web.Request) -> web.Response:
    """GET /api/v3/ticker/price, with the parameters of 24hr."""
    return _answer(request, _price)


async def best(request: web.Request) -> web.Response:
    """GET /api/v3/ticker/bookTicker, with the parameters of 24hr."""
    return _answer(request, _best)


def day_of(venue: Venue, listing: Listing) -> dict[str, Any]:
    """Return the 24 hours of a market."""
    now_ms, digits = venue.clock.now_ms(), listing.price_places
    seen = venue.market.ticker(listing.asset, now_ms)
    count = trades(seen.volume_usd)
    mean = seen.volume_usd / seen.volume if seen.volume else seen.price
    return {
        **_best(venue, listing),
        "priceChange": fixed(seen.price - seen.open_24h, digits),
        "priceChangePercent": fixed(seen.change_24h_pct, 3),
        "weightedAvgPrice": fixed(mean, digits),
        "prevClosePrice": fixed(seen.open_24h, digits),
        "lastPrice": fixed(seen.price, digits),
        "lastQty": fixed(listing.step),
        "openPrice": fixed(seen.open_24h, digits),
        "highPrice": fixed(seen.high_24h, digits),
        "lowPrice": fixed(seen.low_24h, digits),
        "volume": fixed(seen.volume),
        "quoteVolume": fixed(seen.volume_usd),
        "openTime": now_ms - DAY_MS,
        "closeTime": now_ms,
        "firstId": now_ms,
        "lastId": now_ms + count,
        "count": count,
    }


def event(venue: Venue, listing: Listing, now_ms: int, *, mini: bool) -> dict[str, Any]:
    """Return the 24 hours in the form of the streams `<symbol>@ticker` and `@miniTicker`."""
    full = day_of(venue, listing)
    said = {
        "e": "24hrMiniTicker" if mini else "24hrTicker",
        "E": now_ms,
        **{short: full[name] for short, name in _MINI.items()},
    }
    return said if mini else {**said, **{short: full[name] for short, name in _FULL.items()}}


def _answer(request: web.Request, view: _View) -> web.Response:
    venue = request.app[VENUE]
    views = [view(venue, listing) for listing in asked_for(request)]
    return answer(views[0] if "symbol" in request.query else views)


def _price(venue: Venue, listing: Listing) -> dict[str, Any]:
    last = venue.price(listing)
    return {"symbol": listing.symbol, "price": fixed(last, listing.price_places)}


def _best(venue: Venue, listing: Listing) -> dict[str, Any]:
    book = venue.book(listing.symbol)
    bid, ask = _first(book.bids), _first(book.asks)
    digits = listing.price_places
    return {
        "symbol": listing.symbol,
        "bidPrice": fixed(bid[0], digits),
        "bidQty": fixed(bid[1]),
        "askPrice": fixed(ask[0], digits),
        "askQty": fixed(ask[1]),
    }


def _first(side: dict[float, float]) -> Level:
    """Return the best level; an empty side is all zeros, as at Binance."""
    return next(iter(side.items()), (0.0, 0.0))


_MINI = {
    "s": "symbol",
    "c": "lastPrice",
    "o": "openPrice",
    "h": "highPrice",
    "l": "lowPrice",
    "v": "volume",
    "q": "quoteVolume",
}
_FULL = {
    "p": "priceChange",
    "P": "priceChangePercent",
    "w": "weightedAvgPrice",
    "x": "prevClosePrice",
    "Q": "lastQty",
    "b": "bidPrice",
    "B": "bidQty",
    "a": "askPrice",
    "A": "askQty",
    "O": "openTime",
    "C": "closeTime",
    "F": "firstId",
    "L": "lastId",
    "n": "count",
}
