"""Answers in Bybit's shape: nearly everything is HTTP 200 with a retCode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from simulator.exchange.listings import Listing
from simulator.exchange.orders import Rejection
from simulator.exchange.venue import VENUE


class BybitError(Exception):
    """An error in Bybit's form: its code and message; HTTP 200 but for a few."""

    def __init__(self, code: int, message: str, status: int = 200):
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


REFUSALS: dict[Rejection, tuple[int, str]] = {
    Rejection.TICK: (170134, "Order price has too many decimals."),
    Rejection.STEP: (170137, "Order quantity has too many decimals."),
    Rejection.SMALL: (170136, "Order quantity exceeded lower limit."),
    Rejection.LARGE: (170135, "Order quantity exceeded upper limit."),
    Rejection.NOTIONAL: (170140, "Order value exceeded lower limit."),
    Rejection.BAND_HIGH: (170193, "Buy order price cannot be higher than the limit."),
    Rejection.BAND_LOW: (170194, "Sell order price cannot be lower than the limit."),
    Rejection.FUNDS: (170131, "Insufficient balance."),
    Rejection.DUPLICATE: (170141, "Duplicate clientOrderId."),
    Rejection.WOULD_TAKE: (170218, "The LIMIT-MAKER order is rejected due to invalid price."),
}


def refused(reason: Rejection) -> BybitError:
    """Return the error for an order that is not taken."""
    return BybitError(*REFUSALS[reason])


def answer(request: web.Request, result: Mapping[str, Any]) -> web.Response:
    """Return a result with code 0."""
    return _response(request, 0, "OK", result)


def problem(request: web.Request, error: BybitError) -> web.Response:
    """Return an error with an empty result."""
    return _response(request, error.code, error.message, {}, error.status)


def listing_of(request: web.Request, parameters: Mapping[str, Any]) -> Listing:
    """Return the spot market of `symbol`; BybitError for an unknown one or another category."""
    category, symbol = parameters.get("category", "spot"), parameters.get("symbol")
    if category != "spot":
        raise BybitError(10001, f"params error: only category spot is simulated, not {category}")
    listing = request.app[VENUE].listing(symbol)
    if listing is None:
        raise BybitError(10001, "Not supported symbols")
    return listing


def whole(parameters: Mapping[str, str], name: str, default: int) -> int:
    """Return a parameter as a whole number; BybitError for anything else."""
    try:
        return int(parameters.get(name) or default)
    except ValueError:
        text = f"params error: {name} is not a number"
        raise BybitError(10001, text) from None


def page(
    parameters: Mapping[str, str], items: list[dict[str, Any]], default: int, most: int
) -> dict[str, Any]:
    """Return a page of a list, and the cursor of the next one (empty at the end)."""
    limit = max(1, min(most, whole(parameters, "limit", default)))
    first = whole(parameters, "cursor", 0)
    more = first + limit < len(items)
    return {
        "category": parameters.get("category", "spot"),
        "list": items[first : first + limit],
        "nextPageCursor": str(first + limit) if more else "",
    }


def _response(
    request: web.Request, code: int, message: str, result: Mapping[str, Any], status: int = 200
) -> web.Response:
    body = {
        "retCode": code,
        "retMsg": message,
        "result": result,
        "retExtInfo": {},
        "time": request.app[VENUE].clock.now_ms(),
    }
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")
