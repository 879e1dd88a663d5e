"""Answers that the real exchanges gave, through ccxt's own parsers into events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from producers.exchange.connection import Connection
from producers.exchange.parsing import Listing, book_of, candles_of
from schemas.market import Candle, OrderBook
from schemas.validation import problem
from tests.integration.producers.exchange.harness import answering
from transport.clock import WallClock

pytestmark = pytest.mark.shared_data
_DAY_MS = 86_400_000


def body(shared_data: Path, name: str) -> Any:
    path = shared_data / "fixtures" / name
    return orjson.loads(path.read_bytes())["body"]


async def candles(
    exchange: str, bodies: dict[str, Any], symbol: str, timeframe: str, now_ms: int
) -> tuple[Candle, ...]:
    async with answering({part: orjson.dumps(one) for part, one in bodies.items()}) as url:
        connection = Connection(exchange, WallClock(), url=url)
        try:
            assert symbol in await connection.markets()
            rows = await connection.candles(symbol, timeframe, None, 1_000)
        finally:
            await connection.close()
    listing = Listing(exchange, symbol.partition("/")[0], symbol)
    parsed = candles_of(listing, timeframe, rows, now_ms)
    assert parsed.skipped == ()
    assert all(problem(candle) is None for candle in parsed.rows)
    return parsed.rows


async def test_binances_markets_and_candles(shared_data: Path) -> None:
    bodies = {
        "exchangeInfo": body(shared_data, "binance_jkorf/GetExchangeInfo.json"),
        "klines": body(shared_data, "binance_jkorf/GetKlines.json"),
    }
    opened = bodies["klines"][0][0]
    rows = await candles("binance", bodies, "ETH/BTC", "1d", opened + 2 * _DAY_MS)
    first = rows[0]
    assert first.closed
    assert (first.open, first.high, first.low, first.close) == (
        0.0163479,
        0.8,
        0.015758,
        0.015771,
    )
    assert first.volume == 148976.11427815
    assert first.open_time == opened


async def test_bybits_markets_and_candles(shared_data: Path) -> None:
    klines = body(shared_data, "bybit_v5_jkorf/GetKlines.json")
    bodies = {
        "instruments-info": body(shared_data, "bybit_v5_jkorf/GetSpotSymbols.json"),
        "kline": klines,
    }
    newest = int(klines["result"]["list"][0][0])  # Bybit's are newest first
    rows = await candles("bybit", bodies, "BTC/USDT", "1h", newest + 5_000)
    assert [row.open_time for row in rows] == sorted(
        int(one[0]) for one in klines["result"]["list"]
    )
    assert [row.closed for row in rows] == [True] * (len(rows) - 1) + [False]
    assert (rows[-1].open, rows[-1].close) == (17071.0, 17055.5)


async def test_bybits_order_book(shared_data: Path) -> None:
    raw = body(shared_data, "bybit_v5_jkorf/GetOrderbook.json")
    bodies = {
        "instruments-info": body(shared_data, "bybit_v5_jkorf/GetSpotSymbols.json"),
        "orderbook": raw,
    }
    async with answering({part: orjson.dumps(one) for part, one in bodies.items()}) as url:
        connection = Connection("bybit", WallClock(), url=url)
        try:
            await connection.markets()
            book = await connection.book("BTC/USDT", 50)
        finally:
            await connection.close()
    seen_ms = raw["result"]["ts"] + 120
    parsed = book_of(Listing("bybit", "BTC", "BTC/USDT"), book, seen_ms, 50)
    assert parsed.skipped == ()
    (event,) = parsed.rows
    assert isinstance(event, OrderBook)
    assert problem(event) is None
    assert event.bid_prices[0] == float(raw["result"]["b"][0][0])
    assert event.ask_sizes[0] == float(raw["result"]["a"][0][1])
    assert event.event_time == raw["result"]["ts"]
    late = book_of(Listing("bybit", "BTC", "BTC/USDT"), book, seen_ms + 120_000, 50)
    assert "stale" in late.skipped[0]


@pytest.mark.parametrize(
    ("exchange", "part"), [("binance", "exchangeInfo"), ("bybit", "instruments-info")]
)
async def test_the_market_lists_parse(shared_data: Path, exchange: str, part: str) -> None:
    file = {
        "binance": "binance_jkorf/GetExchangeInfo.json",
        "bybit": "bybit_v5_jkorf/GetSpotSymbols.json",
    }[exchange]
    async with answering({part: orjson.dumps(body(shared_data, file))}) as url:
        connection = Connection(exchange, WallClock(), url=url)
        try:
            markets = await connection.markets()
        finally:
            await connection.close()
    assert all(market["base"] and market["quote"] and market["id"] for market in markets.values())
