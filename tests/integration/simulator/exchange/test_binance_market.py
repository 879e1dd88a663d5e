"""What real ccxt reads of the simulated Binance alone."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.binance.weights import WEIGHTS
from tests.integration.simulator.exchange.harness import HOUR_MS, Served, client

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def name() -> str:
    return "binance"


async def test_precision_is_that_of_the_ticks(exchange: Any) -> None:
    assert exchange.price_to_precision("BTC/USDT", 50000.126) == "50000.1"


async def test_load_markets_of_a_real_account_asks_for_currencies_too(served: Served) -> None:
    async with client(served) as one:
        one.set_sandbox_mode(False)
        one.urls["api"].update(public=f"{served.http}/api/v3", sapi=f"{served.http}/sapi/v1")
        markets = await one.load_markets(True)
    assert "BTC/USDT" in markets
    assert "/binance/sapi/v1/capital/config/getall" in [path for _, path, _ in served.requests]
    assert one.currencies["PEPE"]["code"] == "PEPE"


async def test_minutes_are_there_for_the_last_minutes(exchange: Any) -> None:
    rows = await exchange.fetch_ohlcv("BTC/USDT", "1m", limit=1)
    assert len(rows) == 1


async def test_an_until_bounds_the_candles(exchange: Any, served: Served) -> None:
    until = served.clock.now_ms() // HOUR_MS * HOUR_MS - 10 * HOUR_MS
    rows = await exchange.fetch_ohlcv("BTC/USDT", "1h", None, 3, {"until": until})
    assert [row[0] for row in rows] == [until - 2 * HOUR_MS, until - HOUR_MS, until]


async def test_weights_are_counted_and_said(exchange: Any, served: Served) -> None:
    minute = served.exchange[WEIGHTS].minute
    await exchange.fetch_time()
    before = minute.used
    await exchange.fetch_order_book("BTC/USDT", 1000)
    said = int(exchange.last_response_headers["X-MBX-USED-WEIGHT-1M"])
    assert said - before in (50, 50 - before)  # the latter if a minute has just begun


async def test_a_book_has_the_id_of_its_last_change(exchange: Any) -> None:
    assert (await exchange.fetch_order_book("PEPE/USDT", 7))["nonce"] > 0


async def test_ping(exchange: Any) -> None:
    assert await exchange.public_get_ping() == {}


async def test_tickers_of_some_markets(exchange: Any) -> None:
    some = await exchange.fetch_tickers(["BTC/USDT", "PEPE/USDT"])
    assert list(some) == ["BTC/USDT", "PEPE/USDT"]
    assert (await exchange.fetch_bids_asks(["BTC/USDT"]))["BTC/USDT"]["bid"] > 0
    assert (await exchange.fetch_last_prices(["BTC/USDT"]))["BTC/USDT"]["price"] > 0
