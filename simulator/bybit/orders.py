"""Orders as Bybit takes and writes them: placing and cancelling answer with the id only."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from aiohttp import web

from simulator.bybit.answers import BybitError, answer, listing_of, page, refused
from simulator.bybit.limits import LIMITS
from simulator.bybit.signing import signed
from simulator.exchange.amounts import ZERO, parsed, plain
from simulator.exchange.matching_engine import MatchingEngine
from simulator.exchange.orders import Draft, Order, Rejection, Status
from simulator.exchange.venue import VENUE

_LIFETIMES = {"GTC": "GTC", "IOC": "IOC", "FOK": "FOK", "PostOnly": "GTC"}
_STATUSES = {
    Status.NEW: "New",
    Status.PARTIALLY_FILLED: "PartiallyFilled",
    Status.FILLED: "Filled",
}


async def create(request: web.Request) -> web.Response:
    """POST /v5/order/create: Market or Limit."""
    body = await signed(request)
    venue, limits = request.app[VENUE], request.app[LIMITS]
    draft = _draft(request, body)
    now_ms = venue.clock.now_ms()
    limits.order(now_ms)
    order = venue.engine.place(draft, venue.price(draft.listing), now_ms)
    if isinstance(order, Rejection):
        raise refused(order)
    return _named(request, order)


async def cancel(request: web.Request) -> web.Response:
    """POST /v5/order/cancel by orderId or orderLinkId."""
    body = await signed(request)
    venue, limits = request.app[VENUE], request.app[LIMITS]
    found = _found(venue.engine, body)
    now_ms = venue.clock.now_ms()
    limits.order(now_ms)
    order = None if found is None else venue.engine.cancel(found.number, now_ms)
    if order is None:
        raise BybitError(170213, "Order does not exist.")
    return _named(request, order)


async def cancel_all(request: web.Request) -> web.Response:
    """POST /v5/order/cancel-all, of a symbol or of all."""
    body = await signed(request)
    venue = request.app[VENUE]
    now_ms = venue.clock.now_ms()
    orders = venue.engine.open_orders(body.get("symbol"))
    for order in orders:
        venue.engine.cancel(order.number, now_ms)
    listed = [{"orderId": str(one.number), "orderLinkId": one.client_id} for one in orders]
    return answer(request, {"list": listed, "success": "1"})


async def realtime(request: web.Request) -> web.Response:
    """GET /v5/order/realtime: open orders, newest first; one order by its id, however it stands."""
    parameters = await signed(request)
    engine = request.app[VENUE].engine
    if "orderId" in parameters or "orderLinkId" in parameters:
        found = _found(engine, parameters)
        orders = [] if found is None else [found]
    else:
        orders = engine.open_orders(parameters.get("symbol"))[::-1]
    return answer(request, page(parameters, [_view(order) for order in orders], 20, 50))


async def history(request: web.Request) -> web.Response:
    """GET /v5/order/history: orders that have ended, the newest first, by pages."""
    parameters = await signed(request)
    orders = request.app[VENUE].engine.orders(parameters.get("symbol"))
    views = [_view(order) for order in reversed(orders) if not order.is_open]
    listed = [
        view
        for view in views
        if all(parameters.get(name, view[name]) == view[name] for name in _FILTERS)
    ]
    return answer(request, page(parameters, listed, 20, 50))


_FILTERS = ("orderId", "orderLinkId", "orderStatus")


def _draft(request: web.Request, body: Mapping[str, Any]) -> Draft:
    """Return the requested order; BybitError where it makes no sense."""
    listing = listing_of(request, body)
    side, kind = body.get("side"), body.get("orderType")
    lifetime = body.get("timeInForce") or "GTC"
    if side not in ("Buy", "Sell"):
        raise BybitError(170117, "Invalid side.")
    if kind not in ("Market", "Limit"):
        raise BybitError(170116, "Invalid orderType.")
    if lifetime not in _LIFETIMES:
        raise BybitError(170115, "Invalid timeInForce.")
    if body.get("orderFilter", "Order") != "Order":
        raise BybitError(170202, "Invalid orderFilter parameter.")
    quantity = _number(body, "qty")
    # Without a unit a market order to buy says what it may spend.
    unit = body.get("marketUnit") or ("quoteCoin" if side == "Buy" else "baseCoin")
    in_quote = kind == "Market" and unit == "quoteCoin"
    return Draft(
        listing=listing,
        buying=side == "Buy",
        price=None if kind == "Market" else _number(body, "price"),
        quantity=None if in_quote else quantity,
        budget=quantity if in_quote else None,
        lifetime=_LIFETIMES[lifetime],
        post_only=lifetime == "PostOnly",
        client_id=body.get("orderLinkId") or "",
    )


def _number(body: Mapping[str, Any], name: str) -> Decimal:
    if body.get(name) in (None, ""):
        raise BybitError(170105, f"Parameter '{name}' was empty.")
    number = parsed(body[name])
    if number is None or number <= ZERO:
        raise BybitError(170130, f"Data sent for parameter '{name}' is not valid.")
    return number


def _found(engine: MatchingEngine, parameters: Mapping[str, Any]) -> Order | None:
    number = str(parameters.get("orderId") or "")
    if number:
        return engine.order(int(number)) if number.isdecimal() else None
    return engine.by_client_id(str(parameters.get("orderLinkId") or ""))


def _named(request: web.Request, order: Order) -> web.Response:
    response = answer(request, {"orderId": str(order.number), "orderLinkId": order.client_id})
    now_ms = request.app[VENUE].clock.now_ms()
    response.headers.update(request.app[LIMITS].order_headers(now_ms))
    return response


def _view(order: Order) -> dict[str, Any]:
    draft, average = order.draft, order.average
    gone = "PartiallyFilledCanceled" if order.filled else "Cancelled"
    unit = "" if draft.price is not None else "quoteCoin" if draft.budget else "baseCoin"
    quantity = draft.budget if draft.budget is not None else order.quantity
    left = order.left if order.is_open else ZERO
    return {
        "orderId": str(order.number),
        "orderLinkId": order.client_id,
        "blockTradeId": "",
        "symbol": order.listing.symbol,
        "price": plain(draft.price or ZERO),
        "qty": plain(quantity),
        "side": "Buy" if draft.buying else "Sell",
        "isLeverage": "0",
        "positionIdx": 0,
        "orderStatus": _STATUSES.get(order.status, gone),
        "createType": "CreateByUser",
        "cancelType": "CancelByUser" if order.status is Status.CANCELED else "UNKNOWN",
        "rejectReason": "EC_NoError",
        "avgPrice": "" if average is None else plain(average),
        "leavesQty": plain(left),
        "leavesValue": plain(left * (draft.price or ZERO)),
        "cumExecQty": plain(order.filled),
        "cumExecValue": plain(order.value),
        "cumExecFee": plain(order.fee),
        "cumFeeDetail": {order.receives: plain(order.fee)} if order.fee else {},
        "timeInForce": "PostOnly" if draft.post_only else draft.lifetime,
        "orderType": "Market" if draft.price is None else "Limit",
        "stopOrderType": "",
        "triggerPrice": "0",
        "takeProfit": "",
        "stopLoss": "",
        "triggerDirection": 0,
        "triggerBy": "",
        "lastPriceOnCreated": "",
        "reduceOnly": False,
        "closeOnTrigger": False,
        "smpType": "None",
        "smpGroup": 0,
        "smpOrderId": "",
        "marketUnit": unit,
        "createdTime": str(order.created_ms),
        "updatedTime": str(order.updated_ms),
    }
