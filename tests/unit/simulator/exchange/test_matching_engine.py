from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.exchange.balances import Balances
from simulator.exchange.listings import listings
from simulator.exchange.livebook import LiveBook
from simulator.exchange.matching_engine import FEE, MatchingEngine
from simulator.exchange.orders import Draft, Order, Rejection, Status
from simulator.shapes import Book
from tests.unit.simulator.exchange.tiny_world import NOW_MS, TinyWorld

D = Decimal
START = {"USDT": D(10_000), "BTC": D(50)}


class Place:
    """A desk over a tiny world. The ripple takes from sizes, so tests read them off the book."""

    def __init__(self, **options: Any) -> None:
        self.world = TinyWorld()
        self.now_ms = NOW_MS
        self.listing = listings(self.world, NOW_MS)["BTCUSDT"]
        self.live = LiveBook(self.listing, self.world, update_id=1)
        self.balances = Balances(START)
        self.engine = MatchingEngine(self._book, self.balances, **options)

    def _book(self, symbol: str) -> LiveBook:
        self.live.refresh(self.now_ms)
        return self.live

    def asks(self) -> list[tuple[Decimal, Decimal]]:
        return self._book("BTCUSDT").against(buying=True)

    def draft(self, **fields: Any) -> Draft:
        numbers = {
            name: D(fields.pop(name)) for name in ("price", "quantity", "budget") if name in fields
        }
        return Draft(listing=self.listing, buying=fields.pop("buying", True), **numbers, **fields)

    def place(self, *, only_test: bool = False, **fields: Any) -> Order | Rejection:
        draft = self.draft(**fields)
        price = D(str(self.world.prices["BTC"]))
        return self.engine.place(draft, price, self.now_ms, only_test=only_test)

    def taken(self, **fields: Any) -> Order:
        order = self.place(**fields)
        assert isinstance(order, Order)
        return order

    def later(self, seconds: int = 10) -> None:
        self.now_ms += seconds * 1000


def test_a_market_order_walks_the_book_and_pays_the_fee_in_what_it_gets() -> None:
    place = Place()
    (first, size), (second, _) = place.asks()
    order = place.taken(quantity=size + 1)
    assert [(fill.price, fill.quantity) for fill in order.fills] == [(first, size), (second, D(1))]
    assert order.status is Status.FILLED
    assert place.balances.free("USDT") == 10_000 - first * size - second
    assert place.balances.free("BTC") == 50 + (size + 1) * (1 - FEE)
    assert place.balances.locked("USDT") == 0


def test_a_sold_quantity_brings_quote_less_the_fee() -> None:
    place = Place()
    order = place.taken(buying=False, quantity="1")
    assert order.average == D("99.9")
    assert place.balances.free("USDT") == 10_000 + D("99.9") * (1 - FEE)


def test_a_book_that_is_too_thin_leaves_a_market_order_expired() -> None:
    place = Place()
    there = sum(size for _, size in place.asks())
    order = place.taken(quantity=there + 1)
    assert (order.status, order.filled) == (Status.EXPIRED, there)
    assert place.balances.locked("USDT") == 0


def test_what_was_taken_is_gone_until_the_world_has_another_book() -> None:
    place = Place()
    best, size = place.asks()[0]
    place.taken(quantity=size)
    assert place.asks()[0][0] > best
    place.later()
    assert place.asks()[0][0] > best
    place.world.books["BTC"] = Book(((99.9, 10.0),), ((100.1, 11.0),))
    place.later()
    assert place.asks()[0][0] == best


def test_a_limit_order_rests_and_is_filled_in_parts_at_its_own_price() -> None:
    place = Place()
    order = place.taken(quantity="5", price="95")
    assert order.status is Status.NEW
    assert place.balances.locked("USDT") == 475
    place.later()
    place.engine.sweep(place.now_ms)
    assert place.engine.order(order.number) == order
    place.world.cross("BTC", 94.0, 94.5, 2.0)
    place.later()
    there = place.asks()[0][1]
    place.engine.sweep(place.now_ms)
    half = place.engine.order(order.number)
    assert half is not None
    assert (half.status, half.filled, half.average) == (Status.PARTIALLY_FILLED, there, D(95))
    assert half.fills[0].maker
    place.engine.sweep(place.now_ms)  # the same book has nothing more
    assert place.engine.order(order.number) == half
    place.world.cross("BTC", 94.0, 94.5, 9.0)
    place.later()
    place.engine.sweep(place.now_ms)
    full = place.engine.order(order.number)
    assert full is not None
    assert full.status is Status.FILLED
    assert place.balances.locked("USDT") == 0
    assert place.balances.free("USDT") == 10_000 - 475


def test_a_limit_order_that_crosses_takes_the_better_prices_and_rests_with_what_is_left() -> None:
    place = Place()
    best, size = place.asks()[0]
    order = place.taken(quantity=size + 2, price=best)
    assert (order.status, order.filled) == (Status.PARTIALLY_FILLED, size)
    assert place.balances.locked("USDT") == 2 * best
    cancelled = place.engine.cancel(order.number, place.now_ms)
    assert cancelled is not None
    assert cancelled.status is Status.CANCELED
    assert place.balances.locked("USDT") == 0
    assert place.balances.free("USDT") == 10_000 - best * size
    assert place.engine.cancel(order.number, place.now_ms) is None


def test_a_price_better_than_the_limit_gives_the_difference_back() -> None:
    place = Place()
    order = place.taken(quantity="1", price="110")
    assert order.average == D("100.1")
    assert place.balances.free("USDT") == 10_000 - D("100.1")


@pytest.mark.parametrize(
    ("fields", "status", "filled"),
    [
        pytest.param({"lifetime": "IOC", "price": "100.1"}, Status.EXPIRED, True, id="IOC takes"),
        pytest.param({"lifetime": "IOC", "price": "99"}, Status.EXPIRED, False, id="IOC nothing"),
        pytest.param({"lifetime": "FOK", "price": "100.1"}, Status.EXPIRED, False, id="FOK part"),
        pytest.param({"lifetime": "FOK", "price": "100.2"}, Status.FILLED, True, id="FOK all"),
    ],
)
def test_lifetimes(fields: dict[str, str], status: Status, filled: bool) -> None:
    place = Place()
    order = place.taken(quantity="15", **fields)
    assert (order.status, bool(order.filled)) == (status, filled)
    assert place.balances.locked("USDT") == 0


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({"quantity": "1", "price": "95.05"}, Rejection.TICK, id="price off the tick"),
        pytest.param({"quantity": "1.0001", "price": "95"}, Rejection.STEP, id="off the step"),
        pytest.param({"quantity": "0.0001"}, Rejection.SMALL, id="less than a step"),
        pytest.param({"quantity": "1e9"}, Rejection.LARGE, id="too much"),
        pytest.param({"quantity": "0.049"}, Rejection.NOTIONAL, id="worth too little"),
        pytest.param({"budget": "4.99"}, Rejection.NOTIONAL, id="a budget too small"),
        pytest.param({"quantity": "1", "price": "501"}, Rejection.BAND_HIGH, id="far above"),
        pytest.param({"quantity": "1", "price": "19"}, Rejection.BAND_LOW, id="far below"),
        pytest.param(
            {"quantity": "101", "price": "99.5"}, Rejection.FUNDS, id="more than there is"
        ),
        pytest.param({"quantity": "51", "buying": False}, Rejection.FUNDS, id="sells too much"),
        pytest.param(
            {"quantity": "1", "price": "100.1", "post_only": True},
            Rejection.WOULD_TAKE,
            id="post only",
        ),
    ],
)
def test_refusals_change_nothing(fields: dict[str, Any], reason: Rejection) -> None:
    place = Place()
    assert place.place(**fields) is reason
    assert place.place(only_test=True, **fields) is reason
    assert place.engine.orders() == []
    assert {asset: place.balances.free(asset) for asset in START} == START


def test_an_order_that_is_only_tested_leaves_no_trace() -> None:
    place = Place()
    assert isinstance(place.place(only_test=True, quantity="1"), Order)
    assert place.engine.orders() == []
    assert place.balances.free("USDT") == 10_000


@pytest.mark.parametrize("returns", [True, False], ids=["may return", "never again"])
def test_client_ids(returns: bool) -> None:
    place = Place(ids_return=returns)
    first = place.taken(quantity="1", price="95", client_id="mine")
    assert place.place(quantity="1", price="95", client_id="mine") is Rejection.DUPLICATE
    place.engine.cancel(first.number, place.now_ms)
    again = place.place(quantity="1", price="95", client_id="mine")
    assert isinstance(again, Order) is returns


_ORDERS = st.fixed_dictionaries(
    {
        "buying": st.booleans(),
        "quantity": st.decimals("0.1", "15", places=3),
        "price": st.none() | st.decimals("90", "110", places=1),
        "lifetime": st.sampled_from(["GTC", "IOC", "FOK"]),
    }
)
_STEPS = st.lists(
    st.tuples(_ORDERS, st.integers(900, 1100), st.integers(1, 20), st.booleans()), max_size=12
)


@settings(max_examples=60)
@given(_STEPS)
def test_nothing_appears_or_vanishes(steps: list[tuple[dict[str, Any], int, int, bool]]) -> None:
    place = Place()
    for fields, middle, size, cancels in steps:
        asked = {name: value for name, value in fields.items() if value is not None}
        place.place(**asked)
        place.world.cross("BTC", middle / 10 - 0.1, middle / 10 + 0.1, float(size))
        place.later()
        place.engine.sweep(place.now_ms)
        if cancels and place.engine.open_orders():
            place.engine.cancel(place.engine.open_orders()[0].number, place.now_ms)
    fills = place.engine.fills()
    signs = {True: 1, False: -1}
    bought = sum(signs[order.draft.buying] * fill.quantity for order, fill in fills)
    spent = sum(signs[order.draft.buying] * fill.value for order, fill in fills)
    fees = {asset: sum(f.fee for _, f in fills if f.fee_asset == asset) for asset in START}
    held = {a: place.balances.free(a) + place.balances.locked(a) for a in START}
    assert held == {"BTC": 50 + bought - fees["BTC"], "USDT": 10_000 - spent - fees["USDT"]}
    for asset in START:
        locked = sum(one.reserved for one in place.engine.open_orders() if one.pays == asset)
        assert place.balances.locked(asset) == locked
        assert place.balances.free(asset) >= 0
