"""Binance as an application, to be mounted under a prefix."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Unpack

from aiohttp import web

from simulator.binance import account, depth, klines, markets, orders, ticker
from simulator.binance.answers import BinanceError
from simulator.binance.sockets import websocket
from simulator.binance.streams import opened
from simulator.binance.weights import WEIGHTS, Weights, weight_of
from simulator.exchange.venue import VENUE, Choices, Venue, application
from simulator.faults import Faults
from simulator.shapes import Market
from transport.clock import Clock

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_REST = "/api/v3"
_SAPI = "/sapi/v1"
_FIRST_NUMBER = 1_000_001


def routes(
    world: Market, clock: Clock, faults: Faults, **chosen: Unpack[Choices]
) -> web.Application:
    """Return the application: REST under /api/v3, websockets under /ws/... and /stream/ws/...

    Websocket faults are asked of `faults` under the name binance; faults of requests are the
    business of who mounts this.
    """
    venue = Venue("binance", world, clock, faults, opened, numbers=_FIRST_NUMBER, **chosen)
    app = application(venue, _served, [*_PUBLIC, *_SIGNED, *_SOCKETS])
    app[WEIGHTS] = Weights(venue.speed)
    return app


@web.middleware
async def _served(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Weigh a request, bring the world to the present, and return errors in Binance's form."""
    venue, weights = request.app[VENUE], request.app[WEIGHTS]
    if request.headers.get("Upgrade", "").lower() == "websocket":
        return await handler(request)
    try:
        weights.spend(await venue.ready(), weight_of(request))
        response = await handler(request)
    except BinanceError as error:
        response = error.response()
        if error.status in (418, 429):
            venue.faults.requests.violation(venue.name, f"{venue.name}: {error.message}")
    response.headers.update(weights.headers())
    return response


_PUBLIC = (
    web.get(f"{_REST}/ping", markets.ping),
    web.get(f"{_REST}/time", markets.time),
    web.get(f"{_REST}/exchangeInfo", markets.exchange_info),
    web.get(f"{_REST}/klines", klines.klines),
    web.get(f"{_REST}/depth", depth.depth),
    web.get(f"{_REST}/ticker/24hr", ticker.day),
    web.get(f"{_REST}/ticker/price", ticker.price),
    web.get(f"{_REST}/ticker/bookTicker", ticker.best),
)
_SIGNED = (
    web.get(f"{_REST}/account", account.account),
    web.get(f"{_REST}/myTrades", account.my_trades),
    web.post(f"{_REST}/order", orders.create),
    web.get(f"{_REST}/order", orders.fetch),
    web.delete(f"{_REST}/order", orders.cancel),
    web.post(f"{_REST}/order/test", orders.test),
    web.get(f"{_REST}/openOrders", orders.open_orders),
    web.delete(f"{_REST}/openOrders", orders.cancel_all),
    web.get(f"{_REST}/allOrders", orders.all_orders),
    web.get(f"{_SAPI}/capital/config/getall", markets.currencies),
    web.get(f"{_SAPI}/margin/allPairs", markets.none),
    web.get(f"{_SAPI}/margin/isolated/allPairs", markets.none),
)
_SOCKETS = (
    web.get("/ws", websocket),
    web.get("/ws/{name}", websocket),
    web.get("/stream/ws", websocket),
    web.get("/stream/ws/{name}", websocket),
)
