"""Candles as Binance writes them."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from schemas.times import DAY_MS, HOUR_MS, MINUTE_MS
from simulator.binance.answers import BinanceError, answer, limit_of, listing_of, required, whole
from simulator.exchange.amounts import fixed
from simulator.exchange.bars import MAX_LIMIT, WEEK_MS, bars
from simulator.exchange.listings import Listing
from simulator.exchange.venue import VENUE
from simulator.shapes import Kline

INTERVALS: dict[str, int] = {
    **{f"{count}m": count * MINUTE_MS for count in (1, 3, 5, 15, 30)},
    **{f"{count}h": count * HOUR_MS for count in (1, 2, 4, 6, 8, 12)},
    "1d": DAY_MS,
    "3d": 3 * DAY_MS,
    "1w": WEEK_MS,
}
"""Length by interval, ms. Below an hour only the last hours are known."""

_USD_A_TRADE = 1_500.0


async def klines(request: web.Request) -> web.Response:
    """GET /api/v3/klines: oldest first, the last one under way; no paging but startTime."""
    query, venue = request.query, request.app[VENUE]
    listing = listing_of(request, query)
    length_ms = INTERVALS.get(required(query, "interval"))
    if length_ms is None:
        raise BinanceError(400, -1120, "Invalid interval.")
    rows = bars(
        venue.market,
        listing.asset,
        length_ms,
        venue.clock.now_ms(),
        start_ms=whole(query, "startTime", 0) if "startTime" in query else None,
        end_ms=whole(query, "endTime", 0) if "endTime" in query else None,
        limit=limit_of(query, 500, MAX_LIMIT),
    )
    return answer([_row(row, length_ms, listing) for row in rows])


def _row(bar: Kline, length_ms: int, listing: Listing) -> list[Any]:
    """Return a candle; who was the taker is made up: one half."""
    digits = listing.price_places
    value = turnover(bar)
    return [
        bar.open_time,
        fixed(bar.open, digits),
        fixed(bar.high, digits),
        fixed(bar.low, digits),
        fixed(bar.close, digits),
        fixed(bar.volume),
        bar.open_time + length_ms - 1,
        fixed(value),
        trades(value),
        fixed(bar.volume / 2.0),
        fixed(value / 2.0),
        "0",
    ]


def event(
    bar: Kline, interval: str, length_ms: int, listing: Listing, now_ms: int
) -> dict[str, Any]:
    """Return a candle in the form of the stream `<symbol>@kline_<interval>`."""
    digits = listing.price_places
    value = turnover(bar)
    count = trades(value)
    return {
        "e": "kline",
        "E": now_ms,
        "s": listing.symbol,
        "k": {
            "t": bar.open_time,
            "T": bar.open_time + length_ms - 1,
            "s": listing.symbol,
            "i": interval,
            "f": bar.open_time,
            "L": bar.open_time + count,
            "o": fixed(bar.open, digits),
            "c": fixed(bar.close, digits),
            "h": fixed(bar.high, digits),
            "l": fixed(bar.low, digits),
            "v": fixed(bar.volume),
            "n": count,
            "x": bar.closed,
            "q": fixed(value),
            "V": fixed(bar.volume / 2.0),
            "Q": fixed(value / 2.0),
            "B": "0",
        },
    }


def turnover(bar: Kline) -> float:
    """Return what was traded, in units of the quote."""
    return bar.volume * (bar.open + bar.close) / 2.0


def trades(value: float) -> int:
    """Return a plausible number of trades for a turnover in USD."""
    return round(value / _USD_A_TRADE)
