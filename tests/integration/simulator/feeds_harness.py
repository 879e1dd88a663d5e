"""A simulator of few assets on a clock that stands still until it is moved, and requests to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from marketdata.simulated.assets import ASSETS
from producers.http_client.upstream import Limits
from simulator.keys import KEYS
from simulator.server import Simulator
from simulator.world import SeededWorld, World

SEED = 7
START_MS = 1_760_000_400_000  # an hour's beginning
HOUR_MS = 3_600_000
FEW = tuple(asset for asset in ASSETS if asset.symbol in ("BTC", "ETH", "XRP", "SOL", "PEPE"))
PLENTY = Limits(per_minute=100_000, per_day=1_000_000)
UNLIMITED = {
    name: PLENTY
    for name in ("lunarcrush", "coingecko", "cryptonews", "stocknews", "coinmarketcal", "rss")
}
BEARER = {"Authorization": f"Bearer {KEYS['lunarcrush']}"}
CALENDAR_KEY = {"x-api-key": KEYS["coinmarketcal"]}
BROWSER = {"User-Agent": "Mozilla/5.0 (compatible; tests)"}


class HandClock:
    """A clock that a test moves by hand."""

    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        return self.at_ms

    async def sleep(self, seconds: float) -> None:
        due_ms = self.at_ms + seconds * 1000.0
        while self.at_ms < due_ms:
            await asyncio.sleep(0.005)

    def move(self, ms: int) -> int:
        self.at_ms += ms
        return self.at_ms


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(slots=True)
class Harness:
    simulator: Simulator
    session: aiohttp.ClientSession
    clock: HandClock

    @property
    def world(self) -> World:
        return self.simulator.world

    async def get(
        self, path: str, headers: Mapping[str, str] | None = None, **query: Any
    ) -> Answer:
        """GET a path below the simulator's address."""
        async with self.session.get(
            self.simulator.url + path, headers=headers, params=query
        ) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def lunarcrush(self, path: str, **query: Any) -> Answer:
        return await self.get(f"/lunarcrush/api4/public{path}", BEARER, **query)

    async def coingecko(self, path: str, **query: Any) -> Answer:
        return await self.get(f"/coingecko/api/v3{path}", **query)

    async def cryptonews(self, path: str = "", **query: Any) -> Answer:
        return await self.get(f"/cryptonews/api/v1{path}", token=KEYS["cryptonews"], **query)

    async def coinmarketcal(self, path: str, **query: Any) -> Answer:
        return await self.get(f"/coinmarketcal/v1{path}", CALENDAR_KEY, **query)

    async def script(self, **fault: Any) -> Answer:
        """Add a fault over HTTP."""
        url = f"{self.simulator.url}/_faults"
        async with self.session.post(url, json=fault) as answer:
            return Answer(answer.status, answer.headers, await answer.read())


@asynccontextmanager
async def harnessed(
    limits: Mapping[str, Limits] | None = None,
    world: World | None = None,
    start_ms: int = START_MS,
) -> AsyncIterator[Harness]:
    """Start a simulator; without `limits` the documented ones."""
    clock = HandClock(start_ms)
    world = SeededWorld(SEED, start_ms, FEW) if world is None else world
    timeout = aiohttp.ClientTimeout(total=20)
    async with (
        Simulator(world, clock, limits=limits) as simulator,
        aiohttp.ClientSession(timeout=timeout) as session,
    ):
        yield Harness(simulator, session, clock)
