"""Bybit as an application, to be mounted under a prefix."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Unpack

from aiohttp import web

from simulator.bybit import account, depth, klines, markets, orders, ticker
from simulator.bybit.answers import BybitError, problem
from simulator.bybit.limits import LIMITS, Limits
from simulator.bybit.sockets import websocket
from simulator.bybit.streams import opened
from simulator.exchange.venue import VENUE, Choices, Venue, application
from simulator.faults import Faults
from simulator.shapes import Market
from transport.clock import Clock

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_FIRST_NUMBER = 1_900_000_000_000_000_001
_LIMIT_CODES = (10006, 10018)


def routes(
    world: Market, clock: Clock, faults: Faults, **chosen: Unpack[Choices]
) -> web.Application:
    """Return the application: REST under /v5, the websocket at /v5/public/spot.

    Websocket faults are asked of `faults` under the name bybit; faults of requests are the
    business of who mounts this.
    """
    venue = Venue(
        "bybit", world, clock, faults, opened, numbers=_FIRST_NUMBER, ids_return=False, **chosen
    )
    app = application(venue, _served, [*_PUBLIC, *_SIGNED])
    app[LIMITS] = Limits(venue.speed)
    return app


@web.middleware
async def _served(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Count a request, bring the world to the present, and return errors in Bybit's form."""
    venue = request.app[VENUE]
    if request.headers.get("Upgrade", "").lower() == "websocket":
        return await handler(request)
    try:
        request.app[LIMITS].request(await venue.ready())
        return await handler(request)
    except BybitError as error:
        if error.code in _LIMIT_CODES:
            venue.faults.requests.violation(venue.name, f"{venue.name}: {error.message}")
        return problem(request, error)


_PUBLIC = (
    web.get("/v5/market/time", markets.time),
    web.get("/v5/market/instruments-info", markets.instruments),
    web.get("/v5/market/kline", klines.klines),
    web.get("/v5/market/orderbook", depth.orderbook),
    web.get("/v5/market/tickers", ticker.tickers),
    web.get("/v5/public/spot", websocket),
)
_SIGNED = (
    web.get("/v5/user/query-api", account.query_api),
    web.get("/v5/account/info", account.info),
    web.get("/v5/account/wallet-balance", account.wallet),
    web.get("/v5/asset/coin/query-info", account.coins),
    web.get("/v5/execution/list", account.executions),
    web.post("/v5/order/create", orders.create),
    web.post("/v5/order/cancel", orders.cancel),
    web.post("/v5/order/cancel-all", orders.cancel_all),
    web.get("/v5/order/realtime", orders.realtime),
    web.get("/v5/order/history", orders.history),
)
