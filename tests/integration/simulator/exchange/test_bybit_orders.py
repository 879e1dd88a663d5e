"""Orders at the simulated Bybit, whose answers to them have an id and nothing else."""

from __future__ import annotations

from typing import Any

import ccxt
import pytest

from tests.integration.simulator.exchange.harness import MARKET


@pytest.fixture(scope="module")
def name() -> str:
    return "bybit"


async def test_the_answer_to_an_order_has_its_id_alone(trader: Any) -> None:
    named = await trader.create_order(MARKET, "market", "buy", 13)
    assert (named["status"], named["filled"], named["price"]) == (None, None, None)
    assert await trader.fetch_order_trades(named["id"], MARKET)


async def test_a_closed_order_is_found(trader: Any) -> None:
    named = await trader.create_order(MARKET, "market", "sell", 0.5)
    sold = await trader.fetch_closed_order(named["id"], MARKET)
    assert sold["average"] == 99.9


async def test_an_order_looked_up_has_its_fee(trader: Any) -> None:
    named = await trader.create_order(MARKET, "market", "buy", 13)
    order = await trader.fetch_order(named["id"], MARKET, {"acknowledged": True})
    assert order["fee"] == {"currency": "BTC", "cost": pytest.approx(0.013)}


async def test_an_open_order_is_found_and_a_cancelled_one(trader: Any) -> None:
    named = await trader.create_order(MARKET, "limit", "buy", 2, 95, {"clientOrderId": "mine"})
    with pytest.raises(ccxt.ArgumentsRequired):
        await trader.fetch_order(named["id"], MARKET)
    order = await trader.fetch_open_order(named["id"], MARKET)
    assert (order["status"], order["filled"], order["clientOrderId"]) == ("open", 0, "mine")
    gone = await trader.cancel_order(named["id"], MARKET)
    assert gone["id"] == named["id"]
    (cancelled,) = await trader.fetch_canceled_orders(MARKET)
    assert cancelled["status"] == "canceled"


async def test_open_orders_come_in_pages(trader: Any) -> None:
    for number in range(5):
        await trader.create_order(MARKET, "limit", "buy", 1, 90 + number)
    cursor, pages = "", []
    while not pages or cursor:
        query = {"category": "spot", "limit": "2", "cursor": cursor}
        answer = await trader.private_get_v5_order_realtime(query)
        cursor = answer["result"]["nextPageCursor"]
        pages.append([one["price"] for one in answer["result"]["list"]])
    assert pages == [["94", "93"], ["92", "91"], ["90"]]


async def test_an_order_that_must_not_take_is_refused(trader: Any) -> None:
    with pytest.raises(ccxt.InvalidOrder, match="170218"):
        await trader.create_order(MARKET, "limit", "buy", 1, 101, {"postOnly": True})
