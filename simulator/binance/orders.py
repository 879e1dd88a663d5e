"""Orders: placed, tested, cancelled, listed, as Binance writes them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from aiohttp import web

from simulator.binance.answers import (
    BinanceError,
    answer,
    limit_of,
    listing_called,
    listing_of,
    refused,
    required,
    whole,
)
from simulator.binance.signing import signed
from simulator.binance.weights import WEIGHTS
from simulator.exchange.amounts import ZERO, fixed, parsed, places
from simulator.exchange.listings import Listing
from simulator.exchange.orders import Draft, Order, Rejection
from simulator.exchange.venue import VENUE

_PRECISION = 8


async def create(request: web.Request) -> web.Response:
    """POST /api/v3/order: MARKET, LIMIT or LIMIT_MAKER."""
    weights = request.app[WEIGHTS]
    order = await _placed(request, only_test=False)
    response = answer(_full(order))
    response.headers.update(weights.order_headers())
    return response


async def test(request: web.Request) -> web.Response:
    """POST /api/v3/order/test: everything is checked, nothing is done."""
    await _placed(request, only_test=True)
    return answer({})


async def fetch(request: web.Request) -> web.Response:
    """GET /api/v3/order by orderId or origClientOrderId."""
    order = _found(request, await signed(request))
    if order is None:
        raise BinanceError(400, -2013, "Order does not exist.")
    return answer(_view(order))


async def cancel(request: web.Request) -> web.Response:
    """DELETE /api/v3/order; the answer has a client id of its own, the order's is in orig..."""
    parameters = await signed(request)
    venue = request.app[VENUE]
    found = _found(request, parameters)
    now_ms = venue.clock.now_ms()
    order = None if found is None else venue.engine.cancel(found.number, now_ms)
    if order is None:
        raise BinanceError(400, -2011, "Unknown order sent.")
    return answer(_cancelled(order))


async def cancel_all(request: web.Request) -> web.Response:
    """DELETE /api/v3/openOrders of a symbol."""
    listing = listing_of(request, await signed(request))
    venue = request.app[VENUE]
    now_ms = venue.clock.now_ms()
    numbers = [order.number for order in venue.engine.open_orders(listing.symbol)]
    if not numbers:
        raise BinanceError(400, -2011, "Unknown order sent.")
    ended = [venue.engine.cancel(number, now_ms) for number in numbers]
    return answer([_cancelled(order) for order in ended if order is not None])


async def open_orders(request: web.Request) -> web.Response:
    """GET /api/v3/openOrders, of a symbol or of all."""
    symbol = (await signed(request)).get("symbol")
    if symbol is not None:
        listing_called(request, symbol)
    return answer([_view(order) for order in request.app[VENUE].engine.open_orders(symbol)])


async def all_orders(request: web.Request) -> web.Response:
    """GET /api/v3/allOrders of a symbol: oldest first; orderId, startTime, endTime, limit."""
    parameters = await signed(request)
    listing = listing_of(request, parameters)
    first = whole(parameters, "orderId", 0)
    start_ms = whole(parameters, "startTime", 0)
    orders = [
        order
        for order in request.app[VENUE].engine.orders(listing.symbol)
        if order.number >= first
        and start_ms <= order.created_ms
        and order.created_ms <= whole(parameters, "endTime", order.created_ms)
    ]
    return answer([_view(order) for order in orders[-limit_of(parameters, 500, 1_000) :]])


async def _placed(request: web.Request, *, only_test: bool) -> Order:
    parameters = await signed(request)
    venue = request.app[VENUE]
    listing = listing_of(request, parameters)
    draft = _draft(listing, parameters)
    now_ms = venue.clock.now_ms()
    if not only_test:
        request.app[WEIGHTS].order(now_ms)
    order = venue.engine.place(draft, venue.price(listing), now_ms, only_test=only_test)
    if isinstance(order, Rejection):
        raise refused(order)
    return order


def _draft(listing: Listing, parameters: dict[str, str]) -> Draft:
    """Return the requested order; BinanceError where it makes no sense."""
    side = _one_of(parameters, "side", ("BUY", "SELL"), -1117)
    kind = _one_of(parameters, "type", ("MARKET", "LIMIT", "LIMIT_MAKER"), -1116)
    lifetime, price, budget = "GTC", None, None
    if kind == "MARKET":
        budget = _number(parameters, "quoteOrderQty")
    else:
        required(parameters, "price")
        price = _number(parameters, "price")
    if kind == "LIMIT":
        lifetime = _one_of(parameters, "timeInForce", ("GTC", "IOC", "FOK"), -1115)
    if budget is None:
        required(parameters, "quantity")
    return Draft(
        listing=listing,
        buying=side == "BUY",
        price=price,
        quantity=_number(parameters, "quantity"),
        budget=budget,
        lifetime=lifetime,
        post_only=kind == "LIMIT_MAKER",
        client_id=parameters.get("newClientOrderId", ""),
    )


def _one_of(parameters: dict[str, str], name: str, allowed: Sequence[str], code: int) -> str:
    value = required(parameters, name)
    if value not in allowed:
        called = "orderType" if name == "type" else name
        raise BinanceError(400, code, f"Invalid {called}.")
    return value


def _number(parameters: dict[str, str], name: str) -> Decimal | None:
    if name not in parameters:
        return None
    number = parsed(parameters[name])
    if number is None or number <= ZERO:
        raise BinanceError(400, -1100, f"Illegal characters found in parameter '{name}'.")
    if name != "price" and places(number) > _PRECISION:
        text = f"Parameter '{name}' has too much precision."
        raise BinanceError(400, -1111, text)
    return number


def _found(request: web.Request, parameters: dict[str, str]) -> Order | None:
    listing = listing_of(request, parameters)
    engine = request.app[VENUE].engine
    if "origClientOrderId" in parameters and "orderId" not in parameters:
        order = engine.by_client_id(parameters["origClientOrderId"])
    else:
        required(parameters, "orderId")
        order = engine.order(whole(parameters, "orderId", 0))
    return order if order is not None and order.listing.symbol == listing.symbol else None


def _common(order: Order) -> dict[str, Any]:
    draft, digits = order.draft, order.listing.price_places
    kind = "LIMIT_MAKER" if draft.post_only else "MARKET" if draft.price is None else "LIMIT"
    return {
        "symbol": order.listing.symbol,
        "orderId": order.number,
        "orderListId": -1,
        "clientOrderId": order.client_id or f"simulated{order.number}",
        "price": fixed(draft.price or ZERO, digits),
        "origQty": fixed(order.quantity),
        "executedQty": fixed(order.filled),
        "origQuoteOrderQty": fixed(draft.budget or ZERO),
        "cummulativeQuoteQty": fixed(order.value),
        "status": order.status.value,
        "timeInForce": draft.lifetime,
        "type": kind,
        "side": "BUY" if draft.buying else "SELL",
        "workingTime": order.created_ms,
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }


def _view(order: Order) -> dict[str, Any]:
    return {
        **_common(order),
        "stopPrice": "0.00000000",
        "icebergQty": "0.00000000",
        "time": order.created_ms,
        "updateTime": order.updated_ms,
        "isWorking": True,
    }


def _full(order: Order) -> dict[str, Any]:
    fills = [
        {
            "price": fixed(fill.price, order.listing.price_places),
            "qty": fixed(fill.quantity),
            "commission": fixed(fill.fee),
            "commissionAsset": fill.fee_asset,
            "tradeId": fill.number,
        }
        for fill in order.fills
    ]
    return {**_common(order), "transactTime": order.created_ms, "fills": fills}


def _cancelled(order: Order) -> dict[str, Any]:
    common = _common(order)
    return {
        **common,
        "origClientOrderId": common["clientOrderId"],
        "clientOrderId": f"cancelled{order.number}",
        "transactTime": order.updated_ms,
    }
