"""Real ccxt trades at the simulated Binance: a book that a test sets, balances, fills, fees."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import ccxt
import pytest
import pytest_asyncio

from producers.clock import WallClock, scaled
from producers.simulator.binance import routes
from producers.simulator.shapes import Book
from tests.integration.producers.simulator.exchange_factory import Served, binance, serving, soon
from tests.unit.producers.simulator.exchange.tiny_world import TinyWorld

MARKET = "BTC/USDT"


@pytest.fixture
def world() -> TinyWorld:
    return TinyWorld()


@pytest_asyncio.fixture
async def served(world: TinyWorld) -> AsyncIterator[Served]:
    # Fast, because a book is looked at again after five seconds of the clock.
    async with serving("binance", routes, scaled(WallClock().now_ms(), 20.0), world) as one:
        yield one


@pytest_asyncio.fixture
async def exchange(served: Served) -> AsyncIterator[Any]:
    async with binance(served) as one:
        await one.load_markets()
        yield one


async def test_balance(exchange: Any) -> None:
    balance = await exchange.fetch_balance()
    assert balance["free"] == {"USDT": 100_000.0, "BTC": 1.0, "ETH": 10.0}


async def test_a_market_order_walks_the_book_with_fees(exchange: Any) -> None:
    book = await exchange.fetch_order_book(MARKET)
    (first, size), (second, _) = book["asks"][:2]
    order = await exchange.create_order(MARKET, "market", "buy", size + 3)
    assert order["status"] == "closed"
    assert order["filled"] == pytest.approx(size + 3)
    assert order["cost"] == pytest.approx(first * size + second * 3)
    assert [trade["price"] for trade in order["trades"]] == [first, second]
    assert order["fee"] == {"currency": "BTC", "cost": pytest.approx((size + 3) * 0.001)}
    balance = await exchange.fetch_balance()
    assert balance["BTC"]["free"] == pytest.approx(1 + (size + 3) * 0.999)
    assert balance["USDT"]["free"] == pytest.approx(100_000 - order["cost"])
    trades = await exchange.fetch_my_trades(MARKET)
    assert [trade["order"] for trade in trades] == [order["id"]] * 2
    assert trades[0]["takerOrMaker"] == "taker"
    only = await exchange.fetch_my_trades(MARKET, None, None, {"orderId": order["id"]})
    assert len(only) == 2


async def test_a_market_order_by_cost_and_a_sale(exchange: Any) -> None:
    bought = await exchange.create_market_buy_order_with_cost(MARKET, 500)
    assert 499 < bought["cost"] <= 500
    sold = await exchange.create_order(MARKET, "market", "sell", 0.5)
    assert sold["average"] == 99.9
    assert sold["fee"]["currency"] == "USDT"


async def test_a_market_order_larger_than_the_book_expires(exchange: Any) -> None:
    order = await exchange.create_order(MARKET, "market", "buy", 40)
    assert order["status"] == "expired"
    assert 0 < order["filled"] < 40


async def test_a_limit_order_rests_is_found_and_cancelled(exchange: Any) -> None:
    order = await exchange.create_order(MARKET, "limit", "buy", 2, 95, {"clientOrderId": "mine"})
    assert (order["status"], order["filled"]) == ("open", 0)
    assert (await exchange.fetch_balance())["USDT"]["used"] == 190
    assert [one["id"] for one in await exchange.fetch_open_orders(MARKET)] == [order["id"]]
    found = await exchange.fetch_order(None, MARKET, {"clientOrderId": "mine"})
    assert found["id"] == order["id"]
    gone = await exchange.cancel_order(order["id"], MARKET)
    assert gone["status"] == "canceled"
    assert gone["info"]["origClientOrderId"] == "mine"
    assert (await exchange.fetch_order(order["id"], MARKET))["status"] == "canceled"
    assert (await exchange.fetch_balance())["USDT"]["used"] == 0
    assert [one["status"] for one in await exchange.fetch_orders(MARKET)] == ["canceled"]


async def test_a_resting_order_is_filled_in_parts_when_the_price_crosses(
    exchange: Any, world: TinyWorld, served: Served
) -> None:
    order = await exchange.create_order(MARKET, "limit", "buy", 8, 95)
    world.cross("BTC", 94.0, 94.5, 5.0)
    partly = await soon(_until(exchange, order["id"], lambda one: one["filled"] > 0), 15)
    assert 0 < partly["filled"] <= 5
    assert partly["average"] == 95
    world.books["BTC"] = Book(((94.0, 5.0),), ((94.4, 50.0),))
    full = await soon(_until(exchange, order["id"], lambda one: one["status"] == "closed"), 15)
    assert full["filled"] == 8
    trades = await exchange.fetch_my_trades(MARKET)
    assert {trade["takerOrMaker"] for trade in trades} == {"maker"}
    assert (await exchange.fetch_balance())["BTC"]["free"] == pytest.approx(1 + 8 * 0.999)


async def _until(exchange: Any, order_id: str, condition: Any) -> Any:
    while True:
        order = await exchange.fetch_order(order_id, MARKET)
        if condition(order):
            return order
        await exchange.sleep(50)


async def test_cancel_all(exchange: Any) -> None:
    for price in (90, 91):
        await exchange.create_order(MARKET, "limit", "buy", 1, price)
    gone = await exchange.cancel_all_orders(MARKET)
    assert [one["status"] for one in gone] == ["canceled"] * 2
    assert await exchange.fetch_open_orders(MARKET) == []


async def test_lifetimes(exchange: Any) -> None:
    taken = await exchange.create_order(MARKET, "limit", "buy", 15, 100.1, {"timeInForce": "IOC"})
    assert taken["status"] == "expired"
    assert 0 < taken["filled"] < 15
    with pytest.raises(ccxt.OrderImmediatelyFillable):
        await exchange.create_order(MARKET, "limit", "buy", 1, 101, {"postOnly": True})
    resting = await exchange.create_order(MARKET, "limit", "buy", 1, 99, {"postOnly": True})
    assert resting["status"] == "open"


async def test_a_test_order_does_nothing(exchange: Any) -> None:
    await exchange.create_order(MARKET, "limit", "buy", 1, 99, {"test": True})
    assert await exchange.fetch_open_orders(MARKET) == []
    with pytest.raises(ccxt.InsufficientFunds):
        await exchange.create_order(MARKET, "limit", "buy", 2_000, 99, {"test": True})
