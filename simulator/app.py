"""One application with every stand-in under its own prefix: /lunarcrush, /coingecko, /binance."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import TypeAlias

from aiohttp import web

from simulator import chat, coingecko, coinmarketcal, lunarcrush, news, rss
from simulator.control import Control
from simulator.faults import Faults
from simulator.middleware import CLOSING, FaultMiddleware
from simulator.world import World
from transport.clock import Clock

Routes: TypeAlias = Callable[[World, Clock, Faults], web.Application]
_FEEDS: dict[str, Routes] = {
    "lunarcrush": lunarcrush.routes,
    "coingecko": coingecko.routes,
    "stocknews": news.routes,
    "cryptonews": news.routes,
    "coinmarketcal": coinmarketcal.routes,
    "rss": rss.routes,
    "chat": chat.routes,
}
EXCHANGES = ("binance", "bybit")
_LOOK_AHEAD_S = 240.0


def build_app(world: World, clock: Clock, faults: Faults) -> web.Application:
    """Return the application; faults, limits and counts of all stand-ins are in `faults`."""
    app = web.Application(middlewares=[FaultMiddleware(world, clock, faults).middleware])
    app[CLOSING] = asyncio.Event()
    Control(clock, faults).add_to(app)
    for name, routes in {**_FEEDS, **_exchanges()}.items():
        app.add_subapp(f"/{name}", routes(world, clock, faults))

    async def close(app: web.Application) -> None:
        app[CLOSING].set()

    async def looking_ahead(app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(_look_ahead(world, clock))
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    app.on_shutdown.append(close)
    app.cleanup_ctx.append(looking_ahead)
    return app


async def _look_ahead(world: World, clock: Clock) -> None:
    """Keep the world computed between requests, so that none waits for hours of it."""
    while True:
        await world.ready(clock.now_ms())
        await clock.sleep(_LOOK_AHEAD_S)


def _exchanges() -> dict[str, Routes]:
    """Return the exchanges that are there; they bring their own dependencies."""
    found: dict[str, Routes] = {}
    for name in EXCHANGES:
        module = f"simulator.{name}"
        if find_spec(module) is not None:
            routes = getattr(import_module(module), "routes", None)
            if routes is not None:
                found[name] = routes
    return found
