"""Candles as Bybit writes them: the newest first."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from schemas.times import DAY_MS, MINUTE_MS
from simulator.bybit.answers import BybitError, answer, listing_of, whole
from simulator.exchange.amounts import plain
from simulator.exchange.bars import MAX_LIMIT, WEEK_MS, bars
from simulator.exchange.venue import VENUE
from simulator.shapes import Kline

INTERVALS: dict[str, int] = {
    **{str(count): count * MINUTE_MS for count in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)},
    "D": DAY_MS,
    "W": WEEK_MS,
}
"""Length by interval, ms. Below an hour only the last hours are known."""


async def klines(request: web.Request) -> web.Response:
    """GET /v5/market/kline: from `start` on or the latest, at most 1000."""
    query, venue = request.query, request.app[VENUE]
    listing = listing_of(request, query)
    length_ms = INTERVALS.get(query.get("interval", ""))
    if length_ms is None:
        raise BybitError(10001, "Invalid period!")
    rows = bars(
        venue.market,
        listing.asset,
        length_ms,
        venue.clock.now_ms(),
        start_ms=whole(query, "start", 0) if "start" in query else None,
        end_ms=whole(query, "end", 0) if "end" in query else None,
        limit=max(1, min(MAX_LIMIT, whole(query, "limit", 200))),
    )
    listed = [_row(bar) for bar in reversed(rows)]
    return answer(request, {"category": "spot", "symbol": listing.symbol, "list": listed})


def _row(bar: Kline) -> list[str]:
    prices = (bar.open, bar.high, bar.low, bar.close)
    return [
        str(bar.open_time),
        *map(plain, prices),
        plain(round(bar.volume, 8)),
        plain(_turnover(bar)),
    ]


def event(bar: Kline, interval: str, length_ms: int, now_ms: int) -> dict[str, Any]:
    """Return a candle in the form of the topic kline.<interval>.<symbol>."""
    return {
        "start": bar.open_time,
        "end": bar.open_time + length_ms - 1,
        "interval": interval,
        "open": plain(bar.open),
        "close": plain(bar.close),
        "high": plain(bar.high),
        "low": plain(bar.low),
        "volume": plain(round(bar.volume, 8)),
        "turnover": plain(_turnover(bar)),
        "confirm": bar.closed,
        "timestamp": now_ms,
    }


def _turnover(bar: Kline) -> float:
    return round(bar.volume * (bar.open + bar.close) / 2.0, 8)
