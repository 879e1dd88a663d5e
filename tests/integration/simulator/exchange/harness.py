"""A simulated exchange on a port of its own, and real ccxt clients for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import ccxt.async_support
import ccxt.pro
from aiohttp import ClientSession, ClientWebSocketResponse, web

from marketdata.simulated.assets import ASSETS
from simulator import binance, bybit
from simulator.exchange.venue import VENUE, Venue
from simulator.faults import Fault, Faults
from simulator.middleware import CLOSING, FaultMiddleware
from simulator.world import SeededWorld
from transport.clock import Clock, WallClock

SEED = 7
SOME = tuple(asset for asset in ASSETS if asset.symbol in ("BTC", "ETH", "PEPE"))
HOUR_MS = 3_600_000
MARKET = "BTC/USDT"
START_MS = 1_795_456_800_000  # 2026-11-23 18:00 UTC
PERIOD_S = 0.1
"""Streams are pushed so often here, so that tests need not wait for seconds."""
_ROUTES = {"binance": binance.routes, "bybit": bybit.routes}


@dataclass(slots=True)
class Served:
    """A running exchange.

    exchange  its application
    requests  method, path and query of each, in order
    canned    answers that are given instead, once each
    """

    name: str
    port: int
    exchange: web.Application
    faults: Faults
    clock: Clock
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    canned: deque[web.Response] = field(default_factory=deque)

    @property
    def venue(self) -> Venue:
        return self.exchange[VENUE]

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}/{self.name}"

    @property
    def socket(self) -> str:
        return f"ws://127.0.0.1:{self.port}/{self.name}"

    def can(self, status: int, text: str = "", kind: str = "application/json") -> None:
        """Give this answer to the next request."""
        self.canned.append(web.Response(status=status, text=text, content_type=kind))

    def script(self, **fault: Any) -> int:
        """Add a fault of this exchange."""
        return self.faults.add(Fault(upstream=self.name, **fault))


@asynccontextmanager
async def serving(
    name: str,
    clock: Clock | None = None,
    world: Any = None,
    **options: Any,
) -> AsyncIterator[Served]:
    """Serve binance or bybit under its prefix, behind the gate that the simulator has."""
    clock = clock or WallClock()
    faults = Faults(clock)
    world = world or SeededWorld(SEED, clock.now_ms(), SOME)
    exchange = _ROUTES[name](world, clock, faults, period_s=PERIOD_S, **options)
    served = Served(name, 0, exchange, faults, clock)

    @web.middleware
    async def told(request: web.Request, handler: Any) -> web.StreamResponse:
        served.requests.append((request.method, request.path, request.query_string))
        return served.canned.popleft() if served.canned else await handler(request)

    app = web.Application(middlewares=[told, FaultMiddleware(world, clock, faults).middleware])
    app[CLOSING] = asyncio.Event()
    app.on_shutdown.append(_closing)
    app.add_subapp(f"/{name}", exchange)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    served.port = runner.addresses[0][1]
    try:
        yield served
    finally:
        await runner.cleanup()


async def _closing(app: web.Application) -> None:
    app[CLOSING].set()


def config(**more: Any) -> dict[str, Any]:
    options = {"fetchMarkets": {"types": ["spot"]}, "defaultType": "spot"}
    return {"apiKey": "testkey", "secret": "testsecret", "options": options, **more}


def _addresses(served: Served) -> dict[str, Any]:
    if served.name == "binance":
        root = f"{served.http}/api/v3"
        return {"public": root, "private": root, "ws": {"spot": f"{served.socket}/stream/ws"}}
    roots = dict.fromkeys(("spot", "futures", "v2", "public", "private"), served.http)
    return {**roots, "ws": {"public": {"spot": f"{served.socket}/v5/public/spot"}}}


@asynccontextmanager
async def client(served: Served, *, pro: bool = False, **more: Any) -> AsyncIterator[Any]:
    """Return a real ccxt client of a served exchange."""
    # Requests are not spaced out: only the subscriptions of a stream client have to be.
    settings = {"enableRateLimit": pro, "newUpdates": True, "urls": {"test": _addresses(served)}}
    exchange = getattr(ccxt.pro if pro else ccxt.async_support, served.name)(
        config(**settings, **more)
    )
    exchange.set_sandbox_mode(True)
    try:
        yield exchange
    finally:
        await exchange.close()


@asynccontextmanager
async def listening(url: str, *messages: dict[str, Any]) -> AsyncIterator[ClientWebSocketResponse]:
    """Return a plain websocket that has sent these messages."""
    async with ClientSession() as session, session.ws_connect(url) as socket:
        for message in messages:
            await socket.send_json(message)
        yield socket


async def watched(watch: Callable[..., Any], *arguments: Any, times: int = 30) -> Any:
    """Watch so many times and return the last answer."""
    answer = None
    for _ in range(times):
        answer = await soon(watch(*arguments))
    return answer


async def soon(waited: Any, seconds: float = 8.0) -> Any:
    """Wait for something that must come within so many seconds."""
    return await asyncio.wait_for(waited, seconds)
