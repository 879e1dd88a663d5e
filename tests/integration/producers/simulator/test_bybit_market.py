"""Real ccxt reads the simulated Bybit: markets, candles, books, tickers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from producers.simulator.bybit import routes
from tests.integration.producers.simulator.exchange_factory import Served, bybit, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOUR_MS = 3_600_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    async with serving("bybit", routes) as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(served: Served) -> AsyncIterator[Any]:
    async with bybit(served) as one:
        await one.load_markets()
        yield one


async def test_load_markets(exchange: Any, served: Served) -> None:
    assert list(exchange.markets) == ["BTC/USDT", "ETH/USDT", "PEPE/USDT"]
    assert exchange.markets["PEPE/USDT"]["precision"]["price"] == 1e-10
    assert exchange.markets["BTC/USDT"]["limits"]["cost"]["min"] == 5.0
    assert exchange.currencies["PEPE"]["code"] == "PEPE"
    assert "/bybit/v5/asset/coin/query-info" in [path for _, path, _ in served.requests]


async def test_load_markets_of_every_type_finds_the_spot_ones(served: Served) -> None:
    async with bybit(served, options={}) as one:
        assert len(await one.load_markets()) == 3


async def test_time(exchange: Any, served: Served) -> None:
    assert abs(await exchange.fetch_time() - served.clock.now_ms()) < 5_000


@pytest.mark.parametrize(
    ("timeframe", "hours"), [("1h", 1), ("2h", 2), ("4h", 4), ("12h", 12), ("1d", 24), ("1w", 168)]
)
async def test_candles_end_with_the_one_under_way(
    exchange: Any, served: Served, timeframe: str, hours: int
) -> None:
    rows = await exchange.fetch_ohlcv("BTC/USDT", timeframe, limit=5)
    length_ms = hours * HOUR_MS
    opened = [row[0] for row in rows]
    assert opened == [opened[0] + number * length_ms for number in range(5)]
    assert rows[-1][0] <= served.clock.now_ms() < rows[-1][0] + length_ms


async def test_the_wire_has_the_newest_candle_first(exchange: Any) -> None:
    query = {"category": "spot", "symbol": "BTCUSDT", "interval": "60", "limit": "3"}
    answer = await exchange.public_get_v5_market_kline(query)
    opened = [int(row[0]) for row in answer["result"]["list"]]
    assert opened == sorted(opened, reverse=True)


async def test_300_closed_candles_by_pages_are_those_at_once(exchange: Any, served: Served) -> None:
    hour_ms = served.clock.now_ms() // HOUR_MS * HOUR_MS
    at_once = await exchange.fetch_ohlcv("ETH/USDT", "1h", limit=301)
    since, paged = hour_ms - 300 * HOUR_MS, []
    while rows := await exchange.fetch_ohlcv("ETH/USDT", "1h", since=since, limit=77):
        paged += rows
        since = rows[-1][0] + HOUR_MS
    assert len(paged) == 301
    assert paged[:300] == at_once[:300]


async def test_order_book(exchange: Any) -> None:
    book = await exchange.fetch_order_book("PEPE/USDT", 7)
    assert len(book["bids"]) == len(book["asks"]) == 7
    assert book["bids"][0][0] < book["asks"][0][0]


async def test_tickers(exchange: Any) -> None:
    one = await exchange.fetch_ticker("BTC/USDT")
    assert one["low"] <= one["last"] <= one["high"]
    assert one["bid"] < one["ask"]
    assert len(await exchange.fetch_tickers()) == 3
