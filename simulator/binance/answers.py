"""Answers in Binance's shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from simulator.exchange.listings import Listing
from simulator.exchange.orders import Rejection
from simulator.exchange.venue import VENUE


class BinanceError(Exception):
    """An error in Binance's form: HTTP status, its code and its message."""

    def __init__(self, status: int, code: int, message: str, retry_after_s: int | None = None):
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s

    def response(self) -> web.Response:
        """Return the answer, with Retry-After where it has one."""
        headers = {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}
        body = orjson.dumps({"code": self.code, "msg": self.message})
        return web.Response(
            body=body, status=self.status, headers=headers, content_type="application/json"
        )


REFUSALS: dict[Rejection, tuple[int, str]] = {
    Rejection.TICK: (-1013, "Filter failure: PRICE_FILTER"),
    Rejection.STEP: (-1013, "Filter failure: LOT_SIZE"),
    Rejection.SMALL: (-1013, "Filter failure: LOT_SIZE"),
    Rejection.LARGE: (-1013, "Filter failure: LOT_SIZE"),
    Rejection.NOTIONAL: (-1013, "Filter failure: NOTIONAL"),
    Rejection.BAND_HIGH: (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    Rejection.BAND_LOW: (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    Rejection.FUNDS: (-2010, "Account has insufficient balance for requested action."),
    Rejection.DUPLICATE: (-2010, "Duplicate order sent."),
    Rejection.WOULD_TAKE: (-2010, "Order would immediately match and take."),
}


def refused(reason: Rejection) -> BinanceError:
    """Return the error for an order that is not taken."""
    return BinanceError(400, *REFUSALS[reason])


def required(parameters: Mapping[str, str], name: str) -> str:
    """Return a parameter; BinanceError without it."""
    value = parameters.get(name)
    if not value:
        text = f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
        raise BinanceError(400, -1102, text)
    return value


def answer(data: Any) -> web.Response:
    """Return data as JSON."""
    return web.Response(body=orjson.dumps(data), content_type="application/json")


def listing_of(request: web.Request, parameters: Mapping[str, str]) -> Listing:
    """Return the market of `symbol`; BinanceError without one or for an unknown one."""
    return listing_called(request, required(parameters, "symbol"))


def listing_called(request: web.Request, symbol: str) -> Listing:
    """Return the market of a symbol; BinanceError for an unknown one."""
    listing = request.app[VENUE].listing(symbol)
    if listing is None:
        raise BinanceError(400, -1121, "Invalid symbol.")
    return listing


def whole(parameters: Mapping[str, str], name: str, default: int) -> int:
    """Return a parameter as a whole number; BinanceError for anything else."""
    try:
        return int(parameters.get(name, default))
    except ValueError:
        text = f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'."
        raise BinanceError(400, -1100, text) from None


def limit_of(parameters: Mapping[str, str], default: int, most: int) -> int:
    """Return the requested count, at most `most`; BinanceError below 1."""
    limit = whole(parameters, "limit", default)
    if limit < 1:
        raise BinanceError(400, -1130, "Data sent for parameter 'limit' is not valid.")
    return min(limit, most)
