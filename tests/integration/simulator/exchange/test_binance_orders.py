"""Orders at the simulated Binance, whose answers to them say all."""

from __future__ import annotations

from typing import Any

import ccxt
import pytest

from tests.integration.simulator.exchange.harness import MARKET


@pytest.fixture(scope="module")
def name() -> str:
    return "binance"


async def test_the_answer_to_a_market_order_has_its_trades(trader: Any) -> None:
    book = await trader.fetch_order_book(MARKET)
    (first, size), (second, _) = book["asks"][:2]
    order = await trader.create_order(MARKET, "market", "buy", size + 3)
    assert order["status"] == "closed"
    assert [trade["price"] for trade in order["trades"]] == [first, second]
    assert order["fee"] == {"currency": "BTC", "cost": pytest.approx((size + 3) * 0.001)}
    only = await trader.fetch_my_trades(MARKET, None, None, {"orderId": order["id"]})
    assert [trade["takerOrMaker"] for trade in only] == ["taker"] * 2


async def test_the_fee_of_a_sale_is_in_dollars(trader: Any) -> None:
    sold = await trader.create_order(MARKET, "market", "sell", 0.5)
    assert sold["average"] == 99.9
    assert sold["fee"]["currency"] == "USDT"


async def test_a_market_order_larger_than_the_book_expires(trader: Any) -> None:
    order = await trader.create_order(MARKET, "market", "buy", 40)
    assert order["status"] == "expired"
    assert 0 < order["filled"] < 40


async def test_an_order_is_found_by_the_clients_id(trader: Any) -> None:
    order = await trader.create_order(MARKET, "limit", "buy", 2, 95, {"clientOrderId": "mine"})
    assert (order["status"], order["filled"]) == ("open", 0)
    found = await trader.fetch_order(None, MARKET, {"clientOrderId": "mine"})
    assert found["id"] == order["id"]
    gone = await trader.cancel_order(order["id"], MARKET)
    assert gone["status"] == "canceled"
    assert gone["info"]["origClientOrderId"] == "mine"
    assert (await trader.fetch_order(order["id"], MARKET))["status"] == "canceled"
    assert [one["status"] for one in await trader.fetch_orders(MARKET)] == ["canceled"]


async def test_cancel_all_says_which(trader: Any) -> None:
    for price in (90, 91):
        await trader.create_order(MARKET, "limit", "buy", 1, price)
    gone = await trader.cancel_all_orders(MARKET)
    assert [one["status"] for one in gone] == ["canceled"] * 2


async def test_lifetimes_are_answered_at_once(trader: Any) -> None:
    taken = await trader.create_order(MARKET, "limit", "buy", 15, 100.1, {"timeInForce": "IOC"})
    assert taken["status"] == "expired"
    with pytest.raises(ccxt.OrderImmediatelyFillable):
        await trader.create_order(MARKET, "limit", "buy", 1, 101, {"postOnly": True})
    resting = await trader.create_order(MARKET, "limit", "buy", 1, 99, {"postOnly": True})
    assert resting["status"] == "open"


async def test_a_test_order_does_nothing(trader: Any) -> None:
    await trader.create_order(MARKET, "limit", "buy", 1, 99, {"test": True})
    assert await trader.fetch_open_orders(MARKET) == []
    with pytest.raises(ccxt.InsufficientFunds):
        await trader.create_order(MARKET, "limit", "buy", 2_000, 99, {"test": True})
