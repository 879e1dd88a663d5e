"""Starts the simulator: in this process for tests and demos, or on its own (`__main__`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

import orjson
from aiohttp import web

from marketdata.simulated.assets import ASSETS, Asset
from producers.http_client.upstream import Limits
from simulator import chat, coingecko, coinmarketcal, keyless, lunarcrush, news, rss
from simulator.control import Control
from simulator.faults import Faults
from simulator.keys import KEYS
from simulator.middleware import CLOSING, FaultMiddleware
from simulator.recorded_world import RecordedWorld
from simulator.request_log import RequestLog
from simulator.rss import FEEDS
from simulator.world import SeededWorld, World
from transport.clock import Clock, ScaledClock, scaled

Routes: TypeAlias = Callable[[World, Clock, Faults], web.Application]
_FEEDS: dict[str, Routes] = {
    "lunarcrush": lunarcrush.routes,
    "coingecko": coingecko.routes,
    "stocknews": news.routes,
    "cryptonews": news.routes,
    "coinmarketcal": coinmarketcal.routes,
    "rss": rss.routes,
    "announcements": keyless.announcements,
    "coinmetrics": keyless.coinmetrics,
    "feargreed": keyless.feargreed,
    "chat": chat.routes,
}
EXCHANGES = ("binance", "bybit", "kraken", "okx")
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


BASE_PATHS: dict[str, str] = {
    "lunarcrush": "/lunarcrush/api4/public",
    "coingecko": "/coingecko/api/v3",
    "cryptonews": "/cryptonews/api/v1",
    "stocknews": "/stocknews/api/v1",
    "coinmarketcal": "/coinmarketcal/v1",
    "announcements": "/announcements",
    "coinmetrics": "/coinmetrics/v4",
    "feargreed": "/feargreed",
    "chat": "/chat/v1",
}
"""Where each upstream's base URL points, below the simulator's address."""


def base_urls(url: str) -> dict[str, str]:
    """Return the base URL of each upstream, of the exchanges too, for a simulator's address."""
    exchanges = {name: f"/{name}" for name in EXCHANGES}
    return {name: url + path for name, path in {**BASE_PATHS, **exchanges}.items()}


def feed_urls(url: str) -> tuple[str, ...]:
    """Return the addresses of the RSS feeds."""
    return tuple(f"{url}/rss/{feed}" for feed in FEEDS)


def environment_of(url: str, clock: Clock, exchange: str = "binance") -> dict[str, str]:
    """Return the variables that point producers and explanations at a simulator.

    `exchange`: one, or several with commas between.
    """
    urls = base_urls(url)
    names = exchange.split(",")
    named = {f"{name.upper()}_BASE_URL": urls[name] for name in BASE_PATHS if name != "chat"}
    keys = {f"{name.upper()}_API_KEY": key for name, key in KEYS.items() if name != "chat"}
    speed = {"QUANTIVA_CLOCK": clock.spec()} if isinstance(clock, ScaledClock) else {}
    return {
        **named,
        **keys,
        **speed,
        "OPENAI_BASE_URL": urls["chat"],
        "OPENAI_API_KEY": KEYS["chat"],
        "QUANTIVA_RSS_FEEDS": orjson.dumps(feed_urls(url)).decode(),
        "QUANTIVA_EXCHANGE": "",  # whichever was set: the real one is not meant
        "QUANTIVA_EXCHANGES": exchange,
        "QUANTIVA_EXCHANGE_URLS": orjson.dumps({name: urls[name] for name in names}).decode(),
    }


class Simulator:
    """A running simulator: `async with Simulator(world, clock) as simulator: simulator.url`."""

    def __init__(
        self,
        world: World,
        clock: Clock,
        *,
        port: int = 0,
        limits: Mapping[str, Limits] | None = None,
    ) -> None:
        """`port` 0 takes a free one; `limits` by upstream replace the documented ones."""
        self.world = world
        self.clock = clock
        speed = getattr(clock, "speed", 1.0)
        self.faults = Faults(clock, RequestLog(clock, limits, speed))
        self._asked_port = port
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def requests(self) -> RequestLog:
        """Requests counted, limits broken."""
        return self.faults.requests

    @property
    def url(self) -> str:
        """Address of the simulator, without a slash at the end."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def base_urls(self) -> dict[str, str]:
        """Base URL by upstream, of the exchanges too."""
        return base_urls(self.url)

    @property
    def feed_urls(self) -> tuple[str, ...]:
        """Addresses of the RSS feeds."""
        return feed_urls(self.url)

    def environment(self, exchange: str = "binance") -> dict[str, str]:
        """Return the variables that point producers and explanations at this simulator."""
        return environment_of(self.url, self.clock, exchange)

    async def start(self) -> None:
        """Compute the past and listen. OSError when the port is taken."""
        await self.world.ready(self.clock.now_ms())
        app = build_app(self.world, self.clock, self.faults)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=2.0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self._asked_port)
        try:
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self._port = runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening; what is still being answered has two seconds."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Simulator:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()


async def seeded_simulator(
    seed: int = 7,
    *,
    start_ms: int,
    speed: float = 1.0,
    port: int = 0,
    assets: Sequence[Asset] = ASSETS,
    limits: Mapping[str, Limits] | None = None,
) -> Simulator:
    """Return a simulator of the seeded market, to be started; its clock stands at `start_ms` now.

    The past is computed first, some 4 s for fifty assets, so that no time is lost to it.
    """
    world = SeededWorld(seed, start_ms, assets)
    await world.ready(start_ms)
    return Simulator(world, scaled(start_ms, speed), port=port, limits=limits)


async def recorded_simulator(
    folder: Path,
    *,
    start_ms: int,
    speed: float = 1.0,
    port: int = 0,
    limits: Mapping[str, Limits] | None = None,
) -> Simulator:
    """Return a simulator of a recorded directory, to be started; RecordedDataError as its world."""
    world = await asyncio.to_thread(RecordedWorld, folder, start_ms)
    return Simulator(world, scaled(start_ms, speed), port=port, limits=limits)
