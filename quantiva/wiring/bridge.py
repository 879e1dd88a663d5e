"""The bridge with the settings of this deployment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress

from aiohttp import web

from schemas.control import SignalRequest, Strategy
from schemas.signals import Decision
from sinks.bridge.api import Api, open_pool
from sinks.bridge.app import build_app
from sinks.bridge.auth import Auth
from sinks.bridge.connections import Runner
from sinks.bridge.hub import Hub
from sinks.bridge.hub.backlog import AT_ONCE
from sinks.bridge.hub.hub import LogParts
from sinks.bridge.settings import BridgeSettings
from sinks.postgres.migrate import migrate
from transport import memory
from transport.clock import wall_ms
from transport.log_reader import LogReader
from transport.publisher import Publisher, PublishError
from transport.registered_codec import codec_of
from transport.settings import Settings


class Changes:
    """What clients change, published one by one: each call returns when the broker has its own.

    PublishError is about this call alone: the publisher reports a failure to its next caller,
    so what an earlier call gave up waiting for is settled before.
    """

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._turn = asyncio.Lock()

    async def strategy(self, strategy_id: str, strategy: Strategy | None) -> None:
        """Publish a strategy; None withdraws it."""
        if strategy is None:
            now_ms = wall_ms()
            await self._send(lambda: self._publisher.withdraw(strategy_id, now_ms))
        else:
            await self._send(lambda: self._publisher.publish(strategy))

    async def request(self, request: SignalRequest) -> None:
        """Publish a request for a signal."""
        await self._send(lambda: self._publisher.publish(request))

    async def decision(self, decision: Decision) -> None:
        """Publish what happens to a strategy's portfolio."""
        await self._send(lambda: self._publisher.publish(decision))

    async def _send(self, hand_over: Callable[[], Awaitable[None]]) -> None:
        async with self._turn:
            with suppress(PublishError):
                await self._publisher.flush()
            await hand_over()
            await self._publisher.flush()


async def serve(
    settings: Settings,
    bridge: BridgeSettings,
    stop: asyncio.Event,
    on_ready: Callable[[str], None],
    *,
    page: bool = True,
) -> None:
    """Serve websocket, REST interface and page until `stop` is set, also while parts are away.

    `on_ready(address)` is called once clients may connect. Without a database there is no history,
    and tickets are good at this bridge only. Raises ValueError for tokens that cannot be read or
    without addresses, OSError when the port is taken, SinkError when the database cannot be used,
    PublishError when no broker answers at the start.
    """
    stopping = asyncio.create_task(stop.wait())
    async with AsyncExitStack() as exits:
        starting = asyncio.create_task(_start(settings, bridge, exits, page=page))
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                on_ready(starting.result())
                await stopping
        finally:
            starting.cancel()
            stopping.cancel()
            await asyncio.gather(starting, stopping, return_exceptions=True)


async def _start(
    settings: Settings, bridge: BridgeSettings, exits: AsyncExitStack, *, page: bool
) -> str:
    """Start all parts, and return the address once the hub has read what the log has."""
    dsn = settings.database_url.get_secret_value() if settings.database_url is not None else None
    pool = await open_pool(dsn, bridge) if dsn is not None else None
    if pool is not None:
        exits.push_async_callback(pool.close)
    auth = Auth(bridge, pool)  # wrong tokens are said before anything is waited for
    codec, registry = await codec_of(settings)
    publisher = await exits.enter_async_context(Publisher(settings, codec))
    if dsn is not None:
        await migrate(dsn)
    log = LogParts(
        lambda: LogReader(settings),
        codec,
        settings.prefix,
        registry.resolve,
        lambda: LogReader(settings, **AT_ONCE),
    )
    hub = Hub(bridge, log, auth)
    changes = Changes(publisher)
    publishers = (changes.strategy, changes.request, changes.decision)
    api = Api(bridge, auth, hub.latest, pool, *publishers, limits=settings.limits)
    app = build_app(api, hub, page=page)
    runner = Runner(app, bridge)
    await runner.setup()
    exits.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, bridge.host, bridge.port).start()
    host, port = runner.addresses[0][:2]
    await hub.ready.wait()
    memory.settle()
    return f"http://{host}:{port}"
