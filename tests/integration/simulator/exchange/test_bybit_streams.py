"""Real ccxt.pro, and plain websockets, listen to what the simulated Bybit alone says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.integration.simulator.exchange.harness import MARKET, Served, listening, soon, watched

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def name() -> str:
    return "bybit"


def url(streaming: Served) -> str:
    return f"{streaming.socket}/v5/public/spot"


def subscribe(*topics: str) -> dict[str, Any]:
    return {"op": "subscribe", "args": list(topics), "req_id": "1"}


async def test_a_snapshot_and_its_deltas_are_what_a_later_snapshot_is(streaming: Served) -> None:
    topic = "orderbook.50.BTCUSDT"
    async with listening(url(streaming), subscribe(topic)) as first:
        assert (await soon(first.receive_json()))["success"]
        message = await soon(first.receive_json())
        assert message["type"] == "snapshot"
        sides = {side: dict(message["data"][side]) for side in "ba"}
        number = message["data"]["u"]
        async with listening(url(streaming), subscribe(topic)) as second:
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


async def test_a_skipped_delta_leaves_a_hole_in_the_numbers(streaming: Served) -> None:
    streaming.faults.clear()
    async with listening(url(streaming), subscribe("orderbook.50.ETHUSDT")) as socket:
        await soon(socket.receive_json())
        numbers = [(await soon(socket.receive_json()))["data"]["u"]]
        streaming.script(kind="ws_skips", times=1, path="orderbook.50.ETHUSDT")
        for _ in range(3):
            numbers.append((await soon(socket.receive_json()))["data"]["u"])
    assert numbers[-1] == numbers[0] + 4


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
async def test_what_is_not_understood(
    streaming: Served, message: dict[str, Any], text: str
) -> None:
    async with listening(url(streaming), message) as socket:
        answer = await soon(socket.receive_json())
    assert not answer["success"]
    assert text in answer["ret_msg"]


async def test_ping_and_unsubscribe(streaming: Served) -> None:
    topic = "tickers.BTCUSDT"
    async with listening(url(streaming), {"op": "ping", "req_id": "7"}) as socket:
        pong = await soon(socket.receive_json())
        assert (pong["ret_msg"], pong["req_id"]) == ("pong", "7")
        await socket.send_json(subscribe(topic))
        await socket.send_json({"op": "unsubscribe", "args": [topic]})
        while (await soon(socket.receive_json())).get("op") != "unsubscribe":
            pass
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(socket.receive(), 0.4)


async def test_the_book_that_streams_has_the_levels_asked_for(listener: Any) -> None:
    streamed = await watched(listener.watch_order_book, MARKET, 50, times=5)
    assert len(streamed["bids"]) == 50


async def test_the_best_prices(listener: Any) -> None:
    best = await soon(listener.watch_bids_asks([MARKET]))
    assert best[MARKET]["bid"] < best[MARKET]["ask"]
