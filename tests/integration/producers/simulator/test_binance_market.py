"""Real ccxt reads the simulated Binance: markets, candles, books, tickers, limits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from producers.simulator.binance import routes
from producers.simulator.binance.weights import WEIGHTS
from tests.integration.producers.simulator.exchange_factory import Served, binance, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOUR_MS = 3_600_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    async with serving("binance", routes) as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(served: Served) -> AsyncIterator[Any]:
    async with binance(served) as one:
        await one.load_markets()
        yield one


async def test_load_markets(exchange: Any) -> None:
    assert list(exchange.markets) == ["BTC/USDT", "ETH/USDT", "PEPE/USDT"]
    pepe = exchange.markets["PEPE/USDT"]
    assert pepe["active"]
    assert pepe["spot"]
    assert pepe["precision"]["price"] == 1e-10
    assert pepe["limits"]["cost"]["min"] == 5.0
    assert exchange.price_to_precision("BTC/USDT", 50000.126) == "50000.1"


async def test_load_markets_of_a_real_account_asks_for_currencies_too(served: Served) -> None:
    async with binance(served) as one:
        one.set_sandbox_mode(False)
        one.urls["api"].update(public=f"{served.http}/api/v3", sapi=f"{served.http}/sapi/v1")
        markets = await one.load_markets(True)
    assert "BTC/USDT" in markets
    assert "/binance/sapi/v1/capital/config/getall" in [path for _, path, _ in served.requests]
    assert one.currencies["PEPE"]["code"] == "PEPE"


async def test_ping_and_time(exchange: Any, served: Served) -> None:
    assert await exchange.public_get_ping() == {}
    assert abs(await exchange.fetch_time() - served.clock.now_ms()) < 5_000


@pytest.mark.parametrize(
    ("timeframe", "hours"),
    [("1h", 1), ("2h", 2), ("4h", 4), ("6h", 6), ("12h", 12), ("1d", 24), ("3d", 72), ("1w", 168)],
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


async def test_minutes_are_there_for_the_last_minutes(exchange: Any) -> None:
    rows = await exchange.fetch_ohlcv("BTC/USDT", "1m", limit=1)
    assert len(rows) == 1


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


async def test_an_until_bounds_the_candles(exchange: Any, served: Served) -> None:
    until = served.clock.now_ms() // HOUR_MS * HOUR_MS - 10 * HOUR_MS
    rows = await exchange.fetch_ohlcv("BTC/USDT", "1h", None, 3, {"until": until})
    assert [row[0] for row in rows] == [until - 2 * HOUR_MS, until - HOUR_MS, until]


async def test_order_book(exchange: Any) -> None:
    book = await exchange.fetch_order_book("PEPE/USDT", 7)
    assert len(book["bids"]) == len(book["asks"]) == 7
    assert book["bids"][0][0] < book["asks"][0][0]
    assert book["bids"] == sorted(book["bids"], reverse=True)
    assert book["nonce"] > 0


async def test_tickers(exchange: Any) -> None:
    one = await exchange.fetch_ticker("BTC/USDT")
    assert one["low"] <= one["last"] <= one["high"]
    assert one["bid"] < one["ask"]
    some = await exchange.fetch_tickers(["BTC/USDT", "PEPE/USDT"])
    assert list(some) == ["BTC/USDT", "PEPE/USDT"]
    assert len(await exchange.fetch_tickers()) == 3
    assert (await exchange.fetch_bids_asks(["BTC/USDT"]))["BTC/USDT"]["bid"] > 0
    assert (await exchange.fetch_last_prices(["BTC/USDT"]))["BTC/USDT"]["price"] > 0


async def test_weights_are_counted_and_said(exchange: Any, served: Served) -> None:
    minute = served.exchange[WEIGHTS].minute
    await exchange.fetch_time()
    before = minute.used
    await exchange.fetch_order_book("BTC/USDT", 1000)
    said = int(exchange.last_response_headers["X-MBX-USED-WEIGHT-1M"])
    assert said - before in (50, 50 - before)  # the latter if a minute has just begun
