"""OKX's public spot API (v5), simulated: instruments, candles, books, tickers under /api/v5."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Unpack

from aiohttp import web

from schemas.times import DAY_MS, HOUR_MS, MINUTE_MS
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
_BARS = {
    **{f"{count}m": count * MINUTE_MS for count in (1, 3, 5, 15, 30)},
    **{f"{count}H": count * HOUR_MS for count in (1, 2, 4)},
    "1Dutc": DAY_MS,
}
"""Length by name; a day without "utc" would begin in Hong Kong."""
_MOST_CANDLES, _MOST_LEVELS = 300, 400
_LENGTH_MS, _REQUESTS = 2_000, 40
LIMIT: web.AppKey[WeightWindow] = web.AppKey("limit", WeightWindow)


class OkxError(Exception):
    """An error with OKX's code; its status is 200 but for too many requests."""

    def __init__(self, code: int, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def routes(
    world: Market, clock: Clock, faults: Faults, **chosen: Unpack[Choices]
) -> web.Application:
    """Return the application to mount at /okx. It has no websocket and no account."""
    venue = Venue("okx", world, clock, faults, lambda venue, stream: None, **chosen)
    app = application(venue, _served, _PUBLIC)
    app[LIMIT] = WeightWindow(_LENGTH_MS, _REQUESTS, venue.speed)
    return app


@web.middleware
async def _served(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Count a request, bring the world to the present, and return errors in OKX's form."""
    venue = request.app[VENUE]
    now_ms = await venue.ready()
    try:
        if not request.app[LIMIT].add(now_ms):
            venue.faults.requests.violation(venue.name, "okx: more than 40 requests in 2 s")
            raise OkxError(50011, "Too Many Requests", 429)
        return await handler(request)
    except OkxError as error:
        body = {"code": str(error.code), "msg": error.message, "data": []}
        return json_response(body, error.status)


def _listing(request: web.Request) -> Listing:
    name = request.query.get("instId", "")
    listing = request.app[VENUE].listing(name.replace("-", ""))
    if listing is None or "-" not in name:
        raise OkxError(51001, f"Instrument ID {name} does not exist.")
    return listing


def _name(listing: Listing) -> str:
    return f"{listing.asset}-{listing.quote}"


async def instruments(request: web.Request) -> web.Response:
    """GET public/instruments: spot; there is nothing of the other types."""
    is_spot = request.query.get("instType") == "SPOT"
    return _answer([_row(one) for one in request.app[VENUE].listings()] if is_spot else [])


def _row(listing: Listing) -> dict[str, Any]:
    empty = dict.fromkeys(
        ("alias", "ctMult", "ctType", "ctVal", "ctValCcy", "expTime", "lever", "optType", "stk"), ""
    )
    return {
        **empty,
        "baseCcy": listing.asset,
        "category": "1",
        "instFamily": "",
        "instId": _name(listing),
        "instType": "SPOT",
        "listTime": "1548133413000",
        "lotSz": "0.00000001",
        "maxLmtSz": "9999999999",
        "maxMktSz": "1000000",
        "minSz": plain(listing.step),
        "quoteCcy": listing.quote,
        "settleCcy": "",
        "state": "live",
        "tickSz": plain(listing.tick),
        "uly": "",
    }


async def candles(request: web.Request) -> web.Response:
    """GET market/candles and history-candles: newest first, opened between before and after."""
    query, venue, listing = request.query, request.app[VENUE], _listing(request)
    length_ms = _BARS.get(query.get("bar", "1m"))
    if length_ms is None:
        raise OkxError(51000, "Parameter bar error")
    limit = min(int(query.get("limit", 100)), _MOST_CANDLES)
    now_ms = venue.clock.now_ms()
    after_ms = int(query.get("after") or now_ms + 1)
    first_ms = max(int(query.get("before", 0)) + 1, min(after_ms, now_ms) - limit * length_ms)
    rows = bars(venue.market, listing.asset, length_ms, now_ms, start_ms=first_ms, limit=limit + 1)
    wanted = [row for row in rows if row.open_time < after_ms]
    return _answer([_candle(row) for row in reversed(wanted[-limit:])])


def _candle(row: Kline) -> list[str]:
    prices = (row.open, row.high, row.low, row.close)
    turnover = plain(round(row.volume * (row.open + row.close) / 2.0, 8))
    volume = plain(round(row.volume, 8))
    return [str(row.open_time), *map(plain, prices), volume, turnover, turnover, f"{row.closed:d}"]


async def books(request: web.Request) -> web.Response:
    """GET market/books: `sz` levels a side, one by default."""
    venue, listing = request.app[VENUE], _listing(request)
    size = int(request.query.get("sz", 1))
    if not 1 <= size <= _MOST_LEVELS:
        raise OkxError(51000, "Parameter sz error.")
    book = venue.book(listing.symbol)
    sides = {
        side: [[plain(price), plain(amount), "0", "2"] for price, amount in levels.items()][:size]
        for side, levels in (("asks", book.asks), ("bids", book.bids))
    }
    return _answer([{**sides, "ts": str(venue.clock.now_ms()), "seqId": book.update_id}])


async def tickers(request: web.Request) -> web.Response:
    """GET market/tickers: of every spot market."""
    venue = request.app[VENUE]
    is_spot = request.query.get("instType") == "SPOT"
    return _answer([_ticker(venue, one) for one in venue.listings()] if is_spot else [])


def _ticker(venue: Venue, listing: Listing) -> dict[str, str]:
    now_ms = venue.clock.now_ms()
    seen, book = venue.market.ticker(listing.asset, now_ms), venue.book(listing.symbol)
    ask, bid = next(iter(book.asks), seen.price), next(iter(book.bids), seen.price)
    return {
        "instType": "SPOT",
        "instId": _name(listing),
        "last": plain(seen.price),
        "lastSz": "0.1",
        "askPx": plain(ask),
        "askSz": "1",
        "bidPx": plain(bid),
        "bidSz": "1",
        "open24h": plain(seen.open_24h),
        "high24h": plain(seen.high_24h),
        "low24h": plain(seen.low_24h),
        "volCcy24h": plain(round(seen.volume_usd, 8)),
        "vol24h": plain(round(seen.volume, 8)),
        "ts": str(now_ms),
        "sodUtc0": plain(seen.open_24h),
        "sodUtc8": plain(seen.open_24h),
    }


def _answer(data: list[Any]) -> web.Response:
    return json_response({"code": "0", "msg": "", "data": data})


_PUBLIC = (
    web.get("/api/v5/public/instruments", instruments),
    web.get("/api/v5/market/candles", candles),
    web.get("/api/v5/market/history-candles", candles),
    web.get("/api/v5/market/books", books),
    web.get("/api/v5/market/tickers", tickers),
)
