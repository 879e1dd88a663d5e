"""Real ccxt trades at a simulated exchange: a book that a test sets, balances, fills, fees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ccxt
import pytest

from simulator.shapes import Book
from tests.integration.simulator.exchange.harness import MARKET, soon
from tests.unit.simulator.exchange.tiny_world import TinyWorld

_KNOWN: dict[str, dict[str, Any]] = {"binance": {}, "bybit": {"acknowledged": True}}
"""What ccxt wants to be told before it looks up an order of any state."""
_CUT_SHORT = {"binance": ("status", "EXPIRED"), "bybit": ("orderStatus", "PartiallyFilledCanceled")}
"""Where and how the exchange says that the rest of an order was given up."""


async def found(trader: Any, order_id: str) -> Any:
    return await trader.fetch_order(order_id, MARKET, _KNOWN[trader.id])


async def placed(trader: Any, *order: Any) -> Any:
    """Place an order and look it up: not every exchange answers with more than its id."""
    return await found(trader, (await trader.create_order(MARKET, *order))["id"])


async def test_balance(trader: Any) -> None:
    balance = await trader.fetch_balance()
    assert balance["free"] == {"USDT": 100_000.0, "BTC": 1.0, "ETH": 10.0}


async def test_a_market_order_walks_the_book_with_fees(trader: Any) -> None:
    book = await trader.fetch_order_book(MARKET, 50)
    (first, size), (second, _) = book["asks"][:2]
    order = await placed(trader, "market", "buy", size + 3)
    assert order["status"] == "closed"
    assert order["filled"] == pytest.approx(size + 3)
    assert order["cost"] == pytest.approx(first * size + second * 3)
    assert first < order["average"] < second
    balance = await trader.fetch_balance()
    assert balance["BTC"]["free"] == pytest.approx(1 + (size + 3) * 0.999)
    assert balance["USDT"]["free"] == pytest.approx(100_000 - order["cost"])
    trades = await trader.fetch_my_trades(MARKET)
    assert [trade["order"] for trade in trades] == [order["id"]] * 2
    assert trades[0]["takerOrMaker"] == "taker"
    assert sum(trade["cost"] for trade in trades) == pytest.approx(order["cost"])
    assert {trade["fee"]["currency"] for trade in trades} == {"BTC"}
    fee = sum(trade["fee"]["cost"] for trade in trades)
    assert fee == pytest.approx((size + 3) * 0.001)


async def test_a_market_order_by_cost_and_a_sale(trader: Any) -> None:
    named = await trader.create_market_buy_order_with_cost(MARKET, 500)
    assert 499 < (await found(trader, named["id"]))["cost"] <= 500
    assert (await placed(trader, "market", "sell", 0.5))["average"] == 99.9


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(("market", "buy", 40), id="larger than the book"),
        pytest.param(("limit", "buy", 15, 100.1, {"timeInForce": "IOC"}), id="at once or not"),
    ],
)
async def test_an_order_that_finds_too_little_ends_with_a_part(
    trader: Any, order: tuple[Any, ...]
) -> None:
    ended = await placed(trader, *order)
    field, state = _CUT_SHORT[trader.id]
    assert ended["info"][field] == state
    assert 0 < ended["filled"] < order[2]


async def test_a_limit_order_rests_is_found_and_cancelled(trader: Any) -> None:
    order = await placed(trader, "limit", "buy", 2, 95)
    assert (order["status"], order["filled"]) == ("open", 0)
    assert (await trader.fetch_balance())["USDT"]["used"] == 190
    assert [one["id"] for one in await trader.fetch_open_orders(MARKET)] == [order["id"]]
    await trader.cancel_order(order["id"], MARKET)
    assert (await found(trader, order["id"]))["status"] == "canceled"
    assert await trader.fetch_open_orders(MARKET) == []
    assert (await trader.fetch_balance())["USDT"]["used"] == 0


async def test_a_resting_order_is_filled_in_parts_when_the_price_crosses(
    trader: Any, world: TinyWorld
) -> None:
    order = await placed(trader, "limit", "buy", 8, 95)
    world.cross("BTC", 94.0, 94.5, 5.0)
    partly = await soon(_until(trader, order["id"], lambda one: one["filled"] > 0), 15)
    assert 0 < partly["filled"] <= 5
    assert partly["average"] == 95
    world.books["BTC"] = Book(((94.0, 5.0),), ((94.4, 50.0),))
    full = await soon(_until(trader, order["id"], lambda one: one["status"] == "closed"), 15)
    assert full["filled"] == 8
    trades = await trader.fetch_my_trades(MARKET)
    assert {trade["takerOrMaker"] for trade in trades} == {"maker"}
    assert (await trader.fetch_balance())["BTC"]["free"] == pytest.approx(1 + 8 * 0.999)


async def _until(trader: Any, order_id: str, holds: Callable[[Any], bool]) -> Any:
    while not holds(order := await found(trader, order_id)):
        await trader.sleep(50)
    return order


async def test_cancel_all(trader: Any) -> None:
    for price in range(90, 95):
        await trader.create_order(MARKET, "limit", "buy", 1, price)
    assert len(await trader.fetch_open_orders(MARKET)) == 5
    assert len(await trader.cancel_all_orders(MARKET)) == 5
    assert await trader.fetch_open_orders(MARKET) == []


async def test_an_order_that_must_not_take_rests_or_is_refused(trader: Any) -> None:
    with pytest.raises(ccxt.InvalidOrder):
        await trader.create_order(MARKET, "limit", "buy", 1, 101, {"postOnly": True})
    resting = await placed(trader, "limit", "buy", 1, 99, {"postOnly": True})
    assert resting["status"] == "open"
