"""A market whose every candle is known, served by the stand-ins, and what a feed makes of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import aiohttp
from aiohttp import web

from producers.exchange.connection import Connection
from schemas.events import MarketEvent
from schemas.market import Candle, OrderBook
from schemas.validation import TIMEFRAME_MS
from simulator.faults import Fault, Faults
from simulator.middleware import CLOSING, FaultMiddleware
from simulator.request_log import RequestLog
from simulator.shapes import AssetRow, Book, Kline, Ticker
from transport.clock import Clock, ScaledClock, scaled

ASSETS = ("BTC", "ETH", "SOL")
START_MS = 1_767_612_600_000  # 2026-01-05 11:30 UTC
HOUR_MS = TIMEFRAME_MS["1h"]
_MINUTE_MS = 60_000
_LENGTHS = {**TIMEFRAME_MS, "1m": _MINUTE_MS}


class Prices:
    """A market that can be told what to lack.

    holes  open times without a candle, by symbol and timeframe
    born   ms before which there are no candles, by symbol
    hidden  candles that open from this time on are not there yet
    """

    def __init__(self, assets: Sequence[str]) -> None:
        self._assets = tuple(
            AssetRow(symbol, symbol.title(), symbol.lower(), symbol.lower(), 1e6, None, 4)
            for symbol in assets
        )
        self.holes: dict[tuple[str, str], set[int]] = {}
        self.born: dict[str, int] = {}
        self.hidden: int | None = None

    async def ready(self, now_ms: int) -> None:
        """Nothing to compute."""

    def assets(self) -> tuple[AssetRow, ...]:
        return self._assets

    def price(self, symbol: str, now_ms: int) -> float:
        step = now_ms // _MINUTE_MS
        return round(100.0 + (step * 7 + len(symbol)) % 50 / 10.0, 4)

    def ticker(self, symbol: str, now_ms: int) -> Ticker:
        price = self.price(symbol, now_ms)
        return Ticker(price, price, 106.0, 99.0, 1000.0, 1000.0 * price)

    def kline(self, symbol: str, timeframe: str, open_time: int, now_ms: int) -> Kline:
        """Return the candle, as far as it has come; final ones never change."""
        end = min(open_time + _LENGTHS[timeframe] - 1, now_ms)
        first, last = self.price(symbol, open_time), self.price(symbol, end)
        volume = float((end - open_time) // 1000 + 1)
        closed = now_ms >= open_time + _LENGTHS[timeframe]
        return Kline(open_time, first, max(first, last), min(first, last), last, volume, closed)

    def candles(
        self, symbol: str, timeframe: str, start_ms: int | None, limit: int, now_ms: int
    ) -> list[Kline]:
        length = _LENGTHS[timeframe]
        latest = min(now_ms, self.hidden - 1 if self.hidden else now_ms) // length * length
        first = (
            latest - (limit - 1) * length if start_ms is None else -(-start_ms // length) * length
        )
        first = max(first, -(-self.born.get(symbol, 0) // length) * length)
        holes = self.holes.get((symbol, timeframe), set())
        opens = [at for at in range(first, latest + 1, length) if at not in holes][:limit]
        return [self.kline(symbol, timeframe, at, now_ms) for at in opens]

    def book(self, symbol: str, now_ms: int, levels: int) -> Book:
        price = self.price(symbol, now_ms)
        steps = range(1, min(levels, 60) + 1)
        return Book(
            tuple((round(price - at / 100, 4), float(at)) for at in steps),
            tuple((round(price + at / 100, 4), float(at)) for at in steps),
        )


@dataclass
class Exchange:
    """A stand-in that is being served."""

    name: str
    url: str
    prices: Prices
    faults: Faults
    clock: Clock

    @property
    def assets(self) -> tuple[str, ...]:
        """The assets that it trades."""
        return tuple(row.symbol for row in self.prices.assets())

    def fault(self, kind: str, **options: object) -> int:
        """Script a fault of this exchange; return its number."""
        return self.faults.add(Fault(upstream=self.name, kind=kind, **options))

    def requests(self, path: str = "") -> int:
        """Return how many requests came whose path has this in it."""
        asked = self.faults.requests.report()["upstreams"].get(self.name, {"by_path": {}})
        paths = asked["by_path"]
        return sum(count for name, count in paths.items() if path in name)

    def log(self) -> list[dict[str, Any]]:
        """Return the last answered requests, oldest first."""
        return list(self.faults.requests.report()["last"])

    def connect(self, **options: object) -> Connection:
        """Return a new connection; close it."""
        return Connection(self.name, self.clock, url=self.url, **options)


@asynccontextmanager
async def serving(name: str, clock: Clock, prices: Prices) -> AsyncIterator[Exchange]:
    """Serve the stand-in of an exchange."""
    faults = Faults(clock, RequestLog(clock, {}))
    routes = import_module(f"simulator.{name}").routes
    app = web.Application(middlewares=[FaultMiddleware(prices, clock, faults).middleware])
    app[CLOSING] = asyncio.Event()
    app.add_subapp(f"/{name}", routes(prices, clock, faults))
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    try:
        yield Exchange(name, f"http://127.0.0.1:{port}/{name}", prices, faults, clock)
    finally:
        app[CLOSING].set()
        await runner.cleanup()


@asynccontextmanager
async def connected(exchange: Exchange) -> AsyncIterator[Connection]:
    """Return a connection that knows the markets."""
    connection = exchange.connect()
    try:
        await connection.markets()
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run a feed beside the test, and cancel it."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def answering(bodies: Mapping[str, bytes]) -> AsyncIterator[str]:
    """Serve fixed JSON by a part of the path; yield the address."""

    async def answer(request: web.Request) -> web.Response:
        body = next(body for part, body in bodies.items() if part in request.path)
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    finally:
        await runner.cleanup()


async def fetched(url: str) -> bytes:
    """Return the body of an answer."""
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return await response.read()


@dataclass
class Published:
    """What was emitted; `refuse` makes the next so many calls fail."""

    events: list[MarketEvent] = field(default_factory=list)
    refuse: int = 0

    async def __call__(self, events: Sequence[MarketEvent], /) -> None:
        await asyncio.sleep(0)
        if self.refuse:
            self.refuse -= 1
            msg = "the broker is away"
            raise RuntimeError(msg)
        self.events.extend(events)

    @property
    def candles(self) -> list[Candle]:
        return [event for event in self.events if isinstance(event, Candle)]

    @property
    def closed(self) -> list[Candle]:
        return [candle for candle in self.candles if candle.closed]

    @property
    def books(self) -> list[OrderBook]:
        return [event for event in self.events if isinstance(event, OrderBook)]

    def times(self, asset: str, timeframe: str) -> list[int]:
        """Return the open times of an asset's closed candles, as they came."""
        return [
            candle.open_time
            for candle in self.closed
            if (candle.asset, candle.timeframe) == (asset, timeframe)
        ]

    def doubled(self) -> list[str]:
        """Return the ids of closed candles that came more than once."""
        counts = Counter(candle.source_id for candle in self.closed)
        return [name for name, count in counts.items() if count > 1]


def wrong(published: Published, prices: Prices) -> list[Candle]:
    """Return the closed candles that are not what the market says they finally were."""
    return [
        candle
        for candle in published.closed
        if (candle.open, candle.high, candle.low, candle.close, candle.volume)
        != prices.kline(candle.asset, candle.timeframe, candle.open_time, candle.close_time)[1:6]
    ]


async def until(holds: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Wait until something holds; AssertionError with what was waited for."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not holds():
        assert loop.time() < end, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.01)


def markets(assets: Iterable[str]) -> dict[str, str]:
    return {asset: f"{asset}/USDT" for asset in assets}


def clock_at(now_ms: int, speed: float) -> ScaledClock:
    """Return a clock that stands at `now_ms` now."""
    return scaled(now_ms, speed)
