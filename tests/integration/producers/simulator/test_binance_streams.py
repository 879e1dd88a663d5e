"""Real ccxt.pro listens to the simulated Binance, also when its websocket misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import ccxt
import pytest
import pytest_asyncio

from producers.clock import scaled
from producers.simulator.binance import routes
from tests.integration.producers.simulator.exchange_factory import (
    Served,
    binance,
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
    async with serving("binance", routes, scaled(START_MS, 10.0)) as one:
        await one.venue.ready()
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def exchange(served: Served) -> AsyncIterator[Any]:
    served.faults.clear()
    async with binance(served, pro=True) as one:
        await one.load_markets()
        yield one


def subscribe(*names: str) -> dict[str, Any]:
    return {"method": "SUBSCRIBE", "params": list(names), "id": 1}


async def test_candles(served: Served, exchange: Any) -> None:
    (row,) = await soon(exchange.watch_ohlcv(MARKET, "1h"))
    assert row[0] == served.clock.now_ms() // HOUR_MS * HOUR_MS
    wanted = [["ETH/USDT", "4h"], ["PEPE/USDT", "1d"]]
    assert await soon(exchange.watch_ohlcv_for_symbols(wanted))


async def test_the_book_that_streams_is_the_book(served: Served, exchange: Any) -> None:
    streamed = await watched(exchange.watch_order_book, MARKET, times=4)
    book = served.venue.book("BTCUSDT")
    # Each side is whole and in order; the levels are those of the last seconds.
    assert streamed["bids"][0][0] < streamed["asks"][0][0]
    assert len(streamed["bids"]) == len(book.bids)
    books = await soon(exchange.watch_order_book_for_symbols(["ETH/USDT", "PEPE/USDT"]))
    assert books["bids"]


async def test_the_differences_lead_from_the_snapshot_to_the_next_one(served: Served) -> None:
    async with (
        binance(served) as rest,
        listening(f"{served.socket}/ws/0", subscribe("btcusdt@depth@100ms")) as socket,
    ):
        await soon(socket.receive_json())
        before = await rest.public_get_depth({"symbol": "BTCUSDT"})
        sides = {"b": dict(before["bids"]), "a": dict(before["asks"])}
        said = int(before["lastUpdateId"])
        while True:
            event = await soon(socket.receive_json())
            if event["u"] <= said:
                continue
            assert event["U"] == said + 1
            said = event["u"]
            for side, levels in sides.items():
                levels.update(event[side])
            after = await rest.public_get_depth({"symbol": "BTCUSDT"})
            if int(after["lastUpdateId"]) == said:
                break
    for side, name in (("b", "bids"), ("a", "asks")):
        there = {price: size for price, size in sides[side].items() if float(size)}
        assert there == dict(after[name])


async def test_tickers(exchange: Any) -> None:
    ticker = await soon(exchange.watch_ticker(MARKET))
    assert ticker["last"] > 0
    full = await soon(exchange.watch_ticker("ETH/USDT", {"name": "ticker"}))
    assert full["bid"] < full["ask"]


async def test_each_candle_is_said_closed_once() -> None:
    clock = scaled(START_MS, 7_200.0)  # an hour in half a second
    async with serving("binance", routes, clock) as fast:
        await fast.venue.ready()
        url = f"{fast.socket}/ws/btcusdt@kline_1h"
        async with listening(url) as socket:
            events = [await soon(socket.receive_json()) for _ in range(16)]
    closed = [event["k"]["t"] for event in events if event["k"]["x"]]
    assert len(closed) >= 2
    assert closed == list(range(closed[0], closed[-1] + 1, HOUR_MS))
    last = {event["k"]["t"]: event["k"]["x"] for event in events}
    assert [last[opened] for opened in closed] == [True] * len(closed)


async def test_a_dying_connection_is_one_error_and_then_goes_on(
    served: Served, exchange: Any
) -> None:
    await soon(exchange.watch_ohlcv(MARKET, "1h"))
    served.script(kind="ws_dies", times=1)
    with pytest.raises(ccxt.NetworkError, match="1012"):
        await watched(exchange.watch_ohlcv, MARKET, "1h")
    assert await soon(exchange.watch_ohlcv(MARKET, "1h"))


async def test_a_skipped_id_is_a_checksum_error_and_then_a_new_snapshot(
    served: Served, exchange: Any
) -> None:
    await watched(exchange.watch_order_book, MARKET, times=3)
    served.script(kind="ws_skips", times=1, path="btcusdt@depth")
    with pytest.raises(ccxt.ChecksumError):
        await watched(exchange.watch_order_book, MARKET)
    assert (await soon(exchange.watch_order_book(MARKET)))["bids"]


async def test_silence_ends_when_the_fault_does(served: Served, exchange: Any) -> None:
    await soon(exchange.watch_ohlcv(MARKET, "1h"))
    number = served.script(kind="ws_silent", path="kline")
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(exchange.watch_ohlcv(MARKET, "1h"), 0.5)
    served.faults.remove(number)
    assert await soon(exchange.watch_ohlcv(MARKET, "1h"))


async def test_a_stale_stream_says_the_same_again(served: Served) -> None:
    served.faults.clear()
    async with listening(f"{served.socket}/ws/btcusdt@kline_1h") as socket:
        fresh = [await soon(socket.receive_str()) for _ in range(2)]
        served.script(kind="stale", path="ws:")
        stale = [await soon(socket.receive_str()) for _ in range(4)][1:]
    assert fresh[0] != fresh[1]
    assert len(set(stale)) == 1
    served.faults.clear()


async def test_a_refused_connection(served: Served, exchange: Any) -> None:
    served.script(kind="ws_refuses", times=1)
    with pytest.raises(ccxt.NetworkError):
        await soon(exchange.watch_ticker(MARKET))
    assert await soon(exchange.watch_ticker(MARKET))


async def test_more_than_five_messages_a_second_end_the_connection(served: Served) -> None:
    before = served.faults.ledger.violations()
    messages = [subscribe("btcusdt@ticker")] * 8
    async with listening(f"{served.socket}/ws/0", *messages) as socket:
        async for _ in socket:
            pass
        assert socket.close_code == 1008
    assert served.faults.ledger.violations() == before + 1


async def test_single_subscriptions_of_ccxt_keep_the_limit(served: Served, exchange: Any) -> None:
    before = served.faults.ledger.violations()
    pairs = [(symbol, frame) for symbol in exchange.symbols for frame in ("1h", "4h", "1d")]
    await soon(asyncio.gather(*(exchange.watch_ohlcv(*pair) for pair in pairs)), 15)
    assert served.faults.ledger.violations() == before


@pytest.mark.parametrize(
    ("message", "code"),
    [
        pytest.param({"method": "SUBSCRIBE", "params": ["nope@depth"], "id": 1}, 2, id="no market"),
        pytest.param({"method": "SUBSCRIBE", "params": ["btcusdt@x"], "id": 1}, 2, id="no stream"),
        pytest.param({"method": "SING", "id": 1}, 2, id="no method"),
        pytest.param({"what": 1}, 3, id="nothing asked"),
    ],
)
async def test_what_is_not_understood(served: Served, message: dict[str, Any], code: int) -> None:
    async with listening(f"{served.socket}/ws/0", message) as socket:
        assert (await soon(socket.receive_json()))["error"]["code"] == code


async def test_unsubscribing_ends_a_stream(served: Served) -> None:
    name = "btcusdt@ticker"
    async with listening(f"{served.socket}/ws/0", subscribe(name)) as socket:
        await soon(socket.receive_json())
        await soon(socket.receive_json())
        await socket.send_json({"method": "UNSUBSCRIBE", "params": [name], "id": 2})
        while (await soon(socket.receive_json())) != {"result": None, "id": 2}:
            pass
        await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 3})
        assert (await soon(socket.receive_json())) == {"result": [], "id": 3}
