"""Real ccxt.pro listens to the simulated Bybit, also when its websocket misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import ccxt
import pytest
import pytest_asyncio

from producers.clock import scaled
from producers.simulator.bybit import routes
from tests.integration.producers.simulator.exchange_factory import (
    Served,
    bybit,
    listening,
    serving,
    soon,
    watched,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOUR_MS = 3_600_000
START_MS = 1_795_456_800_000
MARKET = "BTC/USDT"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    # Ten times as fast: a book changes every second of the clock at least.
    async with serving("bybit", routes, scaled(START_MS, 10.0)) as one:
        await one.venue.ready()
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def exchange(served: Served) -> AsyncIterator[Any]:
    served.faults.clear()
    async with bybit(served, pro=True, apiKey="", secret="") as one:
        await one.load_markets()
        yield one


def url(served: Served) -> str:
    return f"{served.socket}/v5/public/spot"


def subscribe(*topics: str) -> dict[str, Any]:
    return {"op": "subscribe", "args": list(topics), "req_id": "1"}


async def test_candles(served: Served, exchange: Any) -> None:
    (row,) = await soon(exchange.watch_ohlcv(MARKET, "1h"))
    assert row[0] == served.clock.now_ms() // HOUR_MS * HOUR_MS
    wanted = [["ETH/USDT", "4h"], ["PEPE/USDT", "1d"]]
    assert await soon(exchange.watch_ohlcv_for_symbols(wanted))


async def test_books(exchange: Any) -> None:
    streamed = await watched(exchange.watch_order_book, MARKET, 50, times=5)
    assert streamed["bids"][0][0] < streamed["asks"][0][0]
    assert len(streamed["bids"]) == 50
    books = await soon(exchange.watch_order_book_for_symbols(["ETH/USDT", "PEPE/USDT"]))
    assert books["asks"]


async def test_a_snapshot_and_its_deltas_are_what_a_later_snapshot_is(served: Served) -> None:
    topic = "orderbook.50.BTCUSDT"
    async with listening(url(served), subscribe(topic)) as first:
        assert (await soon(first.receive_json()))["success"]
        message = await soon(first.receive_json())
        assert message["type"] == "snapshot"
        sides = {side: dict(message["data"][side]) for side in "ba"}
        number = message["data"]["u"]
        async with listening(url(served), subscribe(topic)) as second:
            await soon(second.receive_json())
            later = (await soon(second.receive_json()))["data"]
        while number < later["u"]:
            message = await soon(first.receive_json())
            assert message["type"] == "delta"
            assert message["data"]["u"] == number + 1
            number += 1
            for side, levels in sides.items():
                levels.update(message["data"][side])
    for side, levels in sides.items():
        assert {price: size for price, size in levels.items() if size != "0"} == dict(later[side])


async def test_tickers(exchange: Any) -> None:
    ticker = await soon(exchange.watch_ticker(MARKET))
    assert ticker["last"] > 0
    best = await soon(exchange.watch_bids_asks([MARKET]))
    assert best[MARKET]["bid"] < best[MARKET]["ask"]


async def test_each_candle_is_said_closed_once() -> None:
    clock = scaled(START_MS, 7_200.0)  # an hour in half a second
    async with serving("bybit", routes, clock) as fast:
        await fast.venue.ready()
        async with listening(url(fast), subscribe("kline.60.BTCUSDT")) as socket:
            await soon(socket.receive_json())
            events = [(await soon(socket.receive_json()))["data"][0] for _ in range(16)]
    closed = [event["start"] for event in events if event["confirm"]]
    assert len(closed) >= 2
    assert closed == list(range(closed[0], closed[-1] + 1, HOUR_MS))


async def test_a_dying_connection_is_one_error_and_then_goes_on(
    served: Served, exchange: Any
) -> None:
    await soon(exchange.watch_ohlcv(MARKET, "1h"))
    served.script(kind="ws_dies", times=1)
    with pytest.raises(ccxt.NetworkError, match="1012"):
        await watched(exchange.watch_ohlcv, MARKET, "1h")
    assert await soon(exchange.watch_ohlcv(MARKET, "1h"))


async def test_a_skipped_delta_leaves_a_hole_in_the_numbers(served: Served) -> None:
    served.faults.clear()
    async with listening(url(served), subscribe("orderbook.50.ETHUSDT")) as socket:
        await soon(socket.receive_json())
        numbers = [(await soon(socket.receive_json()))["data"]["u"]]
        served.script(kind="ws_skips", times=1, path="orderbook.50.ETHUSDT")
        for _ in range(3):
            numbers.append((await soon(socket.receive_json()))["data"]["u"])
    assert numbers[-1] == numbers[0] + 4


async def test_silence_ends_when_the_fault_does(served: Served, exchange: Any) -> None:
    await soon(exchange.watch_ohlcv(MARKET, "1h"))
    number = served.script(kind="ws_silent", path="kline")
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(exchange.watch_ohlcv(MARKET, "1h"), 0.5)
    served.faults.remove(number)
    assert await soon(exchange.watch_ohlcv(MARKET, "1h"))


async def test_a_stale_stream_says_the_same_again(served: Served) -> None:
    served.faults.clear()
    async with listening(url(served), subscribe("kline.60.BTCUSDT")) as socket:
        fresh = [await soon(socket.receive_str()) for _ in range(3)][1:]
        served.script(kind="stale", path="ws:kline")
        stale = [await soon(socket.receive_str()) for _ in range(4)][1:]
    assert fresh[0] != fresh[1]
    assert len(set(stale)) == 1
    served.faults.clear()


async def test_a_refused_connection(served: Served, exchange: Any) -> None:
    served.script(kind="ws_refuses", times=1)
    with pytest.raises(ccxt.NetworkError):
        await soon(exchange.watch_ticker(MARKET))
    assert await soon(exchange.watch_ticker(MARKET))


@pytest.mark.parametrize(
    ("message", "text"),
    [
        pytest.param(subscribe("orderbook.50.NOPEUSDT"), "handler not found", id="no market"),
        pytest.param(subscribe("orderbook.7.BTCUSDT"), "handler not found", id="no such depth"),
        pytest.param(subscribe(*["tickers.BTCUSDT"] * 11), "args size >10", id="too many"),
        pytest.param({"op": "sing"}, "unknown op", id="no operation"),
        pytest.param({"what": 1}, "Invalid JSON", id="nothing asked"),
    ],
)
async def test_what_is_not_understood(served: Served, message: dict[str, Any], text: str) -> None:
    async with listening(url(served), message) as socket:
        answer = await soon(socket.receive_json())
    assert not answer["success"]
    assert text in answer["ret_msg"]


async def test_ping_and_unsubscribe(served: Served) -> None:
    topic = "tickers.BTCUSDT"
    async with listening(url(served), {"op": "ping", "req_id": "7"}) as socket:
        pong = await soon(socket.receive_json())
        assert (pong["ret_msg"], pong["req_id"]) == ("pong", "7")
        await socket.send_json(subscribe(topic))
        await socket.send_json({"op": "unsubscribe", "args": [topic]})
        while (await soon(socket.receive_json())).get("op") != "unsubscribe":
            pass
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(socket.receive(), 0.4)
