"""Real ccxt.pro, and plain websockets, listen to what the simulated Binance alone says."""

from __future__ import annotations

import asyncio
from typing import Any

import ccxt
import pytest

from tests.integration.simulator.exchange.harness import (
    MARKET,
    Served,
    client,
    listening,
    soon,
    watched,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def name() -> str:
    return "binance"


def subscribe(*names: str) -> dict[str, Any]:
    return {"method": "SUBSCRIBE", "params": list(names), "id": 1}


async def test_the_differences_lead_from_the_snapshot_to_the_next_one(streaming: Served) -> None:
    async with (
        client(streaming) as rest,
        listening(f"{streaming.socket}/ws/0", subscribe("btcusdt@depth@100ms")) as socket,
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


async def test_a_skipped_id_is_a_checksum_error_and_then_a_new_snapshot(
    streaming: Served, listener: Any
) -> None:
    await watched(listener.watch_order_book, MARKET, times=3)
    streaming.script(kind="ws_skips", times=1, path="btcusdt@depth")
    with pytest.raises(ccxt.ChecksumError):
        await watched(listener.watch_order_book, MARKET)
    assert (await soon(listener.watch_order_book(MARKET)))["bids"]


async def test_more_than_five_messages_a_second_end_the_connection(streaming: Served) -> None:
    before = streaming.faults.requests.violations()
    messages = [subscribe("btcusdt@ticker")] * 8
    async with listening(f"{streaming.socket}/ws/0", *messages) as socket:
        async for _ in socket:
            pass
        assert socket.close_code == 1008
    assert streaming.faults.requests.violations() == before + 1


async def test_single_subscriptions_of_ccxt_keep_the_limit(
    streaming: Served, listener: Any
) -> None:
    before = streaming.faults.requests.violations()
    pairs = [(symbol, frame) for symbol in listener.symbols for frame in ("1h", "4h", "1d")]
    await soon(asyncio.gather(*(listener.watch_ohlcv(*pair) for pair in pairs)), 15)
    assert streaming.faults.requests.violations() == before


@pytest.mark.parametrize(
    ("message", "code"),
    [
        pytest.param({"method": "SUBSCRIBE", "params": ["nope@depth"], "id": 1}, 2, id="no market"),
        pytest.param({"method": "SUBSCRIBE", "params": ["btcusdt@x"], "id": 1}, 2, id="no stream"),
        pytest.param({"method": "SING", "id": 1}, 2, id="no method"),
        pytest.param({"what": 1}, 3, id="nothing asked"),
    ],
)
async def test_what_is_not_understood(
    streaming: Served, message: dict[str, Any], code: int
) -> None:
    async with listening(f"{streaming.socket}/ws/0", message) as socket:
        assert (await soon(socket.receive_json()))["error"]["code"] == code


async def test_unsubscribing_ends_a_stream(streaming: Served) -> None:
    name = "btcusdt@ticker"
    async with listening(f"{streaming.socket}/ws/0", subscribe(name)) as socket:
        await soon(socket.receive_json())
        await soon(socket.receive_json())
        await socket.send_json({"method": "UNSUBSCRIBE", "params": [name], "id": 2})
        while (await soon(socket.receive_json())) != {"result": None, "id": 2}:
            pass
        await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 3})
        assert (await soon(socket.receive_json())) == {"result": [], "id": 3}


async def test_the_book_that_streams_is_whole(streaming: Served, listener: Any) -> None:
    streamed = await watched(listener.watch_order_book, MARKET, times=4)
    assert len(streamed["bids"]) == len(streaming.venue.book("BTCUSDT").bids)


async def test_the_full_ticker_has_both_sides(listener: Any) -> None:
    full = await soon(listener.watch_ticker("ETH/USDT", {"name": "ticker"}))
    assert full["bid"] < full["ask"]


async def test_a_stream_may_be_named_by_the_path(streaming: Served) -> None:
    streaming.faults.clear()
    async with listening(f"{streaming.socket}/ws/btcusdt@kline_1h") as socket:
        event = await soon(socket.receive_json())
    assert (event["e"], event["k"]["i"]) == ("kline", "1h")
