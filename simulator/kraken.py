"""Kraken's public spot API, simulated: markets, candles, books, tickers under /0/public.

The large ten are traded in USDT and USD, the rest in USD alone, under Kraken's own names: XXBTZUSD.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Unpack

from aiohttp import web

from schemas.times import MINUTE_MS
from simulator.error_bodies import json_response
from simulator.exchange.amounts import plain
from simulator.exchange.bars import bars
from simulator.exchange.limits import WeightWindow
from simulator.exchange.listings import Listing
from simulator.exchange.venue import VENUE, Choices, Venue, application
from simulator.faults import Faults
from simulator.shapes import Kline, Market
from transport.clock import Clock

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_NAMES = {"BTC": "XBT", "DOGE": "XDG"}
_PREFIXED = ("XBT", "ETH", "XRP", "LTC", "XLM", "ETC", "ZEC", "XMR", "XDG")
"""The oldest coins have an X before their names, currencies a Z."""
_IN_USDT = 10
_MOST_CANDLES, _MOST_LEVELS = 720, 500
_INTERVALS = (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)
_A_MINUTE = 90
_TOO_MANY, _INVALID = "EGeneral:Too many requests", "EGeneral:Invalid arguments"
_UNKNOWN = "EQuery:Unknown asset pair"
LIMIT: web.AppKey[WeightWindow] = web.AppKey("limit", WeightWindow)


class KrakenError(Exception):
    """An error in Kraken's words, for example EQuery:Unknown asset pair."""


def routes(
    world: Market, clock: Clock, faults: Faults, **chosen: Unpack[Choices]
) -> web.Application:
    """Return the application to mount at /kraken. It has no websocket and no account."""
    venue = Venue("kraken", world, clock, faults, lambda venue, stream: None, **chosen)
    app = application(venue, _served, _PUBLIC)
    app[LIMIT] = WeightWindow(MINUTE_MS, _A_MINUTE, venue.speed)
    return app


@web.middleware
async def _served(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Count a request, bring the world to the present, and return errors in Kraken's form: 200."""
    venue = request.app[VENUE]
    now_ms = await venue.ready()
    try:
        if not request.app[LIMIT].add(now_ms):
            venue.faults.requests.violation(venue.name, "kraken: more than a request a second")
            raise KrakenError(_TOO_MANY)
        return await handler(request)
    except KrakenError as error:
        return json_response({"error": [str(error)]})


def _pairs(venue: Venue) -> dict[str, tuple[Listing, str]]:
    """Return each pair's market and quote currency by Kraken's id of it."""
    found = {}
    for number, listing in enumerate(venue.listings()):
        name = _NAMES.get(listing.asset, listing.asset)
        old = name in _PREFIXED
        found[f"X{name}ZUSD" if old and name != "XDG" else f"{name}USD"] = (listing, "USD")
        if number < _IN_USDT:
            found[f"{name}USDT"] = (listing, "USDT")
    return found


def _pair(request: web.Request) -> tuple[str, Listing]:
    asked = request.query.get("pair", "")
    found = _pairs(request.app[VENUE]).get(asked)
    if found is None:
        raise KrakenError(_UNKNOWN)
    return asked, found[0]


async def pairs(request: web.Request) -> web.Response:
    """GET AssetPairs: every pair by its id."""
    return _answer({name: _row(*one) for name, one in _pairs(request.app[VENUE]).items()})


def _row(listing: Listing, quote: str) -> dict[str, Any]:
    name = _NAMES.get(listing.asset, listing.asset)
    return {
        "altname": f"{name}{quote}",
        "wsname": f"{name}/{quote}",
        "aclass_base": "currency",
        "base": f"X{name}" if name in _PREFIXED else name,
        "aclass_quote": "currency",
        "quote": "ZUSD" if quote == "USD" else quote,
        "lot": "unit",
        "cost_decimals": 5,
        "pair_decimals": listing.decimals,
        "lot_decimals": 8,
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": [[0, 0.4], [10000, 0.35]],
        "fees_maker": [[0, 0.25], [10000, 0.2]],
        "fee_volume_currency": "ZUSD",
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": plain(listing.step),
        "costmin": "0.5",
        "tick_size": plain(listing.tick),
        "status": "online",
    }


async def candles(request: web.Request) -> web.Response:
    """GET OHLC: the last 720, of those that open after `since` (s); the last one is open."""
    name, listing = _pair(request)
    query, venue = request.query, request.app[VENUE]
    interval = query.get("interval", "1")
    if not interval.isdecimal() or int(interval) not in _INTERVALS:
        raise KrakenError(_INVALID)
    length_ms = int(interval) * MINUTE_MS
    rows = bars(venue.market, listing.asset, length_ms, venue.clock.now_ms(), limit=_MOST_CANDLES)
    since_s = float(query.get("since", 0))
    listed = [_candle(row) for row in rows if row.open_time > since_s * 1000]
    last = [row.open_time // 1000 for row in rows if row.closed]
    return _answer({name: listed, "last": last[-1] if last else 0})


def _candle(row: Kline) -> list[Any]:
    prices = (row.open, row.high, row.low, row.close)
    mean = plain(round((row.open + row.close) / 2.0, 10))
    return [row.open_time // 1000, *map(plain, prices), mean, plain(row.volume), 17]


async def depth(request: web.Request) -> web.Response:
    """GET Depth: `count` levels a side, 100 by default."""
    name, listing = _pair(request)
    venue = request.app[VENUE]
    count = min(int(request.query.get("count", 100)), _MOST_LEVELS)
    book, at_s = venue.book(listing.symbol), venue.clock.now_ms() // 1000
    sides = {
        side: [[plain(price), f"{size:.3f}", at_s] for price, size in list(levels.items())[:count]]
        for side, levels in (("asks", book.asks), ("bids", book.bids))
    }
    return _answer({name: sides})


async def tickers(request: web.Request) -> web.Response:
    """GET Ticker: of the pairs named, with commas between; an unknown one spoils all."""
    venue = request.app[VENUE]
    known = _pairs(venue)
    asked = request.query.get("pair", "")
    names = asked.split(",") if asked else list(known)
    if any(name not in known for name in names):
        raise KrakenError(_UNKNOWN)
    return _answer({name: _ticker(venue, known[name][0]) for name in names})


def _ticker(venue: Venue, listing: Listing) -> dict[str, Any]:
    seen, book = (
        venue.market.ticker(listing.asset, venue.clock.now_ms()),
        venue.book(listing.symbol),
    )
    ask, bid = next(iter(book.asks), seen.price), next(iter(book.bids), seen.price)
    price, volume = plain(seen.price), plain(round(seen.volume, 8))
    return {
        "a": [plain(ask), "1", "1.000"],
        "b": [plain(bid), "1", "1.000"],
        "c": [price, "0.10000000"],
        "v": [volume, volume],
        "p": [price, price],
        "t": [1000, 1000],
        "l": [plain(seen.low_24h), plain(seen.low_24h)],
        "h": [plain(seen.high_24h), plain(seen.high_24h)],
        "o": plain(seen.open_24h),
    }


def _answer(result: dict[str, Any]) -> web.Response:
    return json_response({"error": [], "result": result})


_PUBLIC = (
    web.get("/0/public/AssetPairs", pairs),
    web.get("/0/public/OHLC", candles),
    web.get("/0/public/Depth", depth),
    web.get("/0/public/Ticker", tickers),
)
