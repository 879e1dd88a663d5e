"""Real ccxt trades at the simulated Bybit, whose answers to orders have an id and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import ccxt
import pytest
import pytest_asyncio

from producers.clock import WallClock, scaled
from producers.simulator.bybit import routes
from producers.simulator.shapes import Book
from tests.integration.producers.simulator.exchange_factory import Served, bybit, serving, soon
from tests.unit.producers.simulator.exchange.tiny_world import TinyWorld

MARKET = "BTC/USDT"
KNOWN = {"acknowledged": True}


@pytest.fixture
def world() -> TinyWorld:
    return TinyWorld()


@pytest_asyncio.fixture
async def served(world: TinyWorld) -> AsyncIterator[Served]:
    # Fast, because a book is looked at again after five seconds of the clock.
    async with serving("bybit", routes, scaled(WallClock().now_ms(), 20.0), world) as one:
        yield one


@pytest_asyncio.fixture
async def exchange(served: Served) -> AsyncIterator[Any]:
    async with bybit(served) as one:
        await one.load_markets()
        yield one


async def test_balance(exchange: Any) -> None:
    balance = await exchange.fetch_balance()
    assert balance["free"] == {"USDT": 100_000.0, "BTC": 1.0, "ETH": 10.0}


async def test_a_market_order_walks_the_book_with_fees(exchange: Any) -> None:
    book = await exchange.fetch_order_book(MARKET, 50)
    (_, size), _ = book["asks"][:2]
    named = await exchange.create_order(MARKET, "market", "buy", size + 3)
    assert (named["status"], named["filled"], named["price"]) == (None, None, None)
    order = await exchange.fetch_order(named["id"], MARKET, KNOWN)
    assert order["status"] == "closed"
    assert order["filled"] == pytest.approx(size + 3)
    assert 100.1 < order["average"] < 100.2
    assert order["fee"] == {"currency": "BTC", "cost": pytest.approx((size + 3) * 0.001)}
    balance = await exchange.fetch_balance()
    assert balance["BTC"]["free"] == pytest.approx(1 + (size + 3) * 0.999)
    trades = await exchange.fetch_my_trades(MARKET)
    assert [trade["order"] for trade in trades] == [order["id"]] * 2
    assert sum(trade["cost"] for trade in trades) == pytest.approx(order["cost"])
    assert await exchange.fetch_order_trades(order["id"], MARKET)


async def test_a_market_order_by_cost_and_a_sale(exchange: Any) -> None:
    named = await exchange.create_market_buy_order_with_cost(MARKET, 500)
    bought = await exchange.fetch_closed_order(named["id"], MARKET)
    assert 499 < bought["cost"] <= 500
    named = await exchange.create_order(MARKET, "market", "sell", 0.5)
    sold = await exchange.fetch_closed_order(named["id"], MARKET)
    assert sold["average"] == 99.9


async def test_a_market_order_larger_than_the_book_ends_with_a_part(exchange: Any) -> None:
    named = await exchange.create_order(MARKET, "market", "buy", 40)
    order = await exchange.fetch_order(named["id"], MARKET, KNOWN)
    assert order["info"]["orderStatus"] == "PartiallyFilledCanceled"
    assert 0 < order["filled"] < 40


async def test_a_limit_order_rests_is_found_and_cancelled(exchange: Any) -> None:
    named = await exchange.create_order(MARKET, "limit", "buy", 2, 95, {"clientOrderId": "mine"})
    with pytest.raises(ccxt.ArgumentsRequired):
        await exchange.fetch_order(named["id"], MARKET)
    order = await exchange.fetch_open_order(named["id"], MARKET)
    assert (order["status"], order["filled"], order["clientOrderId"]) == ("open", 0, "mine")
    assert (await exchange.fetch_balance())["USDT"]["used"] == 190
    gone = await exchange.cancel_order(named["id"], MARKET)
    assert gone["id"] == named["id"]
    (cancelled,) = await exchange.fetch_canceled_orders(MARKET)
    assert cancelled["status"] == "canceled"
    assert await exchange.fetch_open_orders(MARKET) == []
    assert (await exchange.fetch_balance())["USDT"]["used"] == 0


async def test_a_resting_order_is_filled_in_parts_when_the_price_crosses(
    exchange: Any, world: TinyWorld
) -> None:
    named = await exchange.create_order(MARKET, "limit", "buy", 8, 95)
    world.cross("BTC", 94.0, 94.5, 5.0)
    partly = await soon(_until(exchange, named["id"], lambda one: one["filled"] > 0), 15)
    assert 0 < partly["filled"] <= 5
    assert partly["average"] == 95
    world.books["BTC"] = Book(((94.0, 5.0),), ((94.4, 50.0),))
    full = await soon(_until(exchange, named["id"], lambda one: one["status"] == "closed"), 15)
    assert full["filled"] == 8
    trades = await exchange.fetch_my_trades(MARKET)
    assert {trade["takerOrMaker"] for trade in trades} == {"maker"}


async def _until(exchange: Any, order_id: str, condition: Any) -> Any:
    while True:
        order = await exchange.fetch_order(order_id, MARKET, KNOWN)
        if condition(order):
            return order
        await exchange.sleep(50)


async def test_cancel_all_and_pages(exchange: Any) -> None:
    for number in range(5):
        await exchange.create_order(MARKET, "limit", "buy", 1, 90 + number)
    assert len(await exchange.fetch_open_orders(MARKET)) == 5
    cursor, pages = "", []
    while not pages or cursor:
        query = {"category": "spot", "limit": "2", "cursor": cursor}
        answer = await exchange.private_get_v5_order_realtime(query)
        cursor = answer["result"]["nextPageCursor"]
        pages.append([one["price"] for one in answer["result"]["list"]])
    assert pages == [["94", "93"], ["92", "91"], ["90"]]
    assert len(await exchange.cancel_all_orders(MARKET)) == 5
    assert await exchange.fetch_open_orders(MARKET) == []


async def test_lifetimes(exchange: Any) -> None:
    with pytest.raises(ccxt.InvalidOrder, match="170218"):
        await exchange.create_order(MARKET, "limit", "buy", 1, 101, {"postOnly": True})
    named = await exchange.create_order(MARKET, "limit", "buy", 15, 100.1, {"timeInForce": "IOC"})
    taken = await exchange.fetch_order(named["id"], MARKET, KNOWN)
    assert taken["info"]["orderStatus"] == "PartiallyFilledCanceled"
