"""Real ccxt.pro listens to a simulated exchange, also when its websocket misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import ccxt
import pytest

from tests.integration.simulator.exchange.harness import (
    HOUR_MS,
    MARKET,
    START_MS,
    Served,
    listening,
    serving,
    soon,
    watched,
)
from transport.clock import scaled

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Wire(NamedTuple):
    """How an exchange is asked for Bitcoin's hourly candles; open time, closed of a message."""

    path: str
    asked: dict[str, Any]
    read: Callable[[dict[str, Any]], tuple[int, bool]]


WIRES = {
    "binance": Wire(
        "/ws/0",
        {"method": "SUBSCRIBE", "params": ["btcusdt@kline_1h"], "id": 1},
        lambda message: (message["k"]["t"], message["k"]["x"]),
    ),
    "bybit": Wire(
        "/v5/public/spot",
        {"op": "subscribe", "args": ["kline.60.BTCUSDT"], "req_id": "1"},
        lambda message: (message["data"][0]["start"], message["data"][0]["confirm"]),
    ),
}


async def test_candles(streaming: Served, listener: Any) -> None:
    (row,) = await soon(listener.watch_ohlcv(MARKET, "1h"))
    assert row[0] == streaming.clock.now_ms() // HOUR_MS * HOUR_MS
    wanted = [["ETH/USDT", "4h"], ["PEPE/USDT", "1d"]]
    assert await soon(listener.watch_ohlcv_for_symbols(wanted))


async def test_a_dying_connection_is_one_error_and_then_goes_on(
    streaming: Served, listener: Any
) -> None:
    await soon(listener.watch_ohlcv(MARKET, "1h"))
    streaming.script(kind="ws_dies", times=1)
    with pytest.raises(ccxt.NetworkError, match="1012"):
        await watched(listener.watch_ohlcv, MARKET, "1h")
    assert await soon(listener.watch_ohlcv(MARKET, "1h"))


async def test_silence_ends_when_the_fault_does(streaming: Served, listener: Any) -> None:
    await soon(listener.watch_ohlcv(MARKET, "1h"))
    number = streaming.script(kind="ws_silent", path="kline")
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(listener.watch_ohlcv(MARKET, "1h"), 0.5)
    streaming.faults.remove(number)
    assert await soon(listener.watch_ohlcv(MARKET, "1h"))


async def test_a_refused_connection(streaming: Served, listener: Any) -> None:
    streaming.script(kind="ws_refuses", times=1)
    with pytest.raises(ccxt.NetworkError):
        await soon(listener.watch_ticker(MARKET))
    assert await soon(listener.watch_ticker(MARKET))


async def test_books(listener: Any) -> None:
    streamed = await watched(listener.watch_order_book, MARKET, 50, times=5)
    assert streamed["bids"][0][0] < streamed["asks"][0][0]
    books = await soon(listener.watch_order_book_for_symbols(["ETH/USDT", "PEPE/USDT"]))
    assert books["bids"]
    assert books["asks"]


async def test_a_ticker(listener: Any) -> None:
    assert (await soon(listener.watch_ticker(MARKET)))["last"] > 0


async def test_each_candle_is_said_closed_once(name: str) -> None:
    wire = WIRES[name]
    clock = scaled(START_MS, 7_200.0)  # an hour in half a second
    async with serving(name, clock) as fast:
        await fast.venue.ready()
        async with listening(fast.socket + wire.path, wire.asked) as socket:
            await soon(socket.receive_json())
            events = [wire.read(await soon(socket.receive_json())) for _ in range(16)]
    closed = [opened for opened, is_closed in events if is_closed]
    assert len(closed) >= 2
    assert closed == list(range(closed[0], closed[-1] + 1, HOUR_MS))
    last = dict(events)
    assert [last[opened] for opened in closed] == [True] * len(closed)


async def test_a_stale_stream_says_the_same_again(streaming: Served) -> None:
    wire = WIRES[streaming.name]
    streaming.faults.clear()
    async with listening(streaming.socket + wire.path, wire.asked) as socket:
        fresh = [await soon(socket.receive_str()) for _ in range(3)][1:]
        streaming.script(kind="stale", path="ws:")
        stale = [await soon(socket.receive_str()) for _ in range(4)][1:]
    assert fresh[0] != fresh[1]
    assert len(set(stale)) == 1
    streaming.faults.clear()
