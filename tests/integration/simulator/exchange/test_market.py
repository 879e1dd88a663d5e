"""Real ccxt reads a simulated exchange: markets, candles, books, tickers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.simulator.exchange.harness import HOUR_MS, Served

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOURS = {"1h": 1, "2h": 2, "4h": 4, "6h": 6, "12h": 12, "1d": 24, "1w": 168}


async def test_load_markets(exchange: Any) -> None:
    assert list(exchange.markets) == ["BTC/USDT", "ETH/USDT", "PEPE/USDT"]
    pepe = exchange.markets["PEPE/USDT"]
    assert pepe["active"]
    assert pepe["spot"]
    assert pepe["precision"]["price"] == 1e-10
    assert pepe["limits"]["cost"]["min"] == 5.0


async def test_time(exchange: Any, served: Served) -> None:
    assert abs(await exchange.fetch_time() - served.clock.now_ms()) < 5_000


@pytest.mark.parametrize(
    ("name", "timeframe", "hours"),
    [
        *((name, *one) for name in ("binance", "bybit") for one in HOURS.items()),
        ("binance", "3d", 72),
    ],
    indirect=["name"],
)
async def test_candles_end_with_the_one_under_way(
    exchange: Any, served: Served, timeframe: str, hours: int
) -> None:
    rows = await exchange.fetch_ohlcv("BTC/USDT", timeframe, limit=5)
    length_ms = hours * HOUR_MS
    opened = [row[0] for row in rows]
    assert opened == [opened[0] + number * length_ms for number in range(5)]
    assert rows[-1][0] <= served.clock.now_ms() < rows[-1][0] + length_ms
    assert all(low <= min(o, c) <= max(o, c) <= high for _, o, high, low, c, _ in rows)


async def test_300_closed_candles_by_pages_are_those_at_once(exchange: Any, served: Served) -> None:
    hour_ms = served.clock.now_ms() // HOUR_MS * HOUR_MS
    at_once = await exchange.fetch_ohlcv("ETH/USDT", "1h", limit=301)
    since, paged = hour_ms - 300 * HOUR_MS, []
    while rows := await exchange.fetch_ohlcv("ETH/USDT", "1h", since=since, limit=77):
        paged += rows
        since = rows[-1][0] + HOUR_MS
    assert len(paged) == 301
    assert paged[:300] == at_once[:300]


async def test_closed_candles_are_the_worlds(exchange: Any, served: Served) -> None:
    rows = await exchange.fetch_ohlcv("PEPE/USDT", "4h", limit=4)
    known = served.venue.market.candles("PEPE", "4h", rows[0][0], 3, served.clock.now_ms())
    assert rows[:3] == [list(row[:6]) for row in known]


async def test_order_book(exchange: Any) -> None:
    book = await exchange.fetch_order_book("PEPE/USDT", 7)
    assert len(book["bids"]) == len(book["asks"]) == 7
    assert book["bids"][0][0] < book["asks"][0][0]
    assert book["bids"] == sorted(book["bids"], reverse=True)


async def test_tickers(exchange: Any) -> None:
    one = await exchange.fetch_ticker("BTC/USDT")
    assert one["low"] <= one["last"] <= one["high"]
    assert one["bid"] < one["ask"]
    assert len(await exchange.fetch_tickers()) == 3
