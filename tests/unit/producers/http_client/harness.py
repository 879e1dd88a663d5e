"""A local upstream with scripted answers, and a clock that moves only when somebody sleeps."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
from aiohttp import web

from producers.http_client.client import Client
from producers.http_client.quota import Quota
from producers.http_client.upstream import Limits, Upstream
from producers.upstreams.table import BY_NAME
from transport.clock import Clock

T0 = 1_767_268_800_000  # 2026-01-01 12:00 UTC
DAY_MS = 86_400_000
KEY = "k3y-of-the-test-0123"
GOOD = b'{"data": []}'


class StepClock:
    """Time passes by sleeping alone, at once; `naps` are the seconds of each sleep."""

    def __init__(self, now_ms: int = T0) -> None:
        self.at_ms = now_ms
        self.naps: list[float] = []

    def now_ms(self) -> int:
        return self.at_ms

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.at_ms += round(seconds * 1000)
        await asyncio.sleep(0)


@dataclass(frozen=True)
class Reply:
    """What the server does with one request."""

    status: int = 200
    body: bytes = GOOD
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: asyncio.Event | None = None  # answers when it is set
    aborts: bool = False
    halves: bool = False


@dataclass(frozen=True)
class Seen:
    at_ms: int
    request: web.BaseRequest


class Server:
    """Answers with its script, then with `default`."""

    def __init__(self, clock: Clock) -> None:
        self.script: deque[Reply] = deque()
        self.default = Reply()
        self.seen: list[Seen] = []
        self.url = ""
        self._clock = clock

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.append(Seen(self._clock.now_ms(), request))
        reply = self.script.popleft() if self.script else self.default
        if reply.wait is not None:
            await reply.wait.wait()
        if reply.aborts and request.transport is not None:
            request.transport.close()
        if reply.halves and request.transport is not None:
            response = web.StreamResponse(headers={"Content-Length": "1000"})
            await response.prepare(request)
            await response.write(reply.body)
            request.transport.close()
            return response
        return web.Response(status=reply.status, body=reply.body, headers=reply.headers)


@asynccontextmanager
async def serving(clock: Clock) -> AsyncIterator[Server]:
    """Run a server on a free port."""
    server = Server(clock)
    served = web.Server(server.handle, access_log=None)
    runner = web.ServerRunner(served, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


def upstream(name: str = "lunarcrush", timeout_s: float = 5.0, **limits: int) -> Upstream:
    """Return an upstream of the table, at no address and with limits of the test."""
    own = BY_NAME[name]
    return replace(own, base_url="http://unset", limits=Limits(**limits), timeout_s=timeout_s)


@asynccontextmanager
async def asking(
    clock: Clock, url: str, source: Upstream | None = None, quota: Quota | None = None, **more: Any
) -> AsyncIterator[Client]:
    """Give a client with a seeded chance and a key."""
    source = source or upstream()
    quota = quota or Quota(source.limits, clock, upstream=source.name)
    options = {"base_url": url, "secret": KEY, "rng": random.Random(1), **more}
    async with aiohttp.ClientSession() as session:
        yield Client(source, session, quota, clock, **options)
