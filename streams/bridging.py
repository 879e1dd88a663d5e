"""The bridge with the settings of this deployment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

from aiohttp import web

from schemas.control import SignalRequest, Strategy
from sinks.bridge.api.database import open_pool
from sinks.bridge.app import SHUTDOWN_S, Parts, build_app
from sinks.bridge.auth import Auth
from sinks.bridge.hub import Hub
from sinks.bridge.hub.hub import LogParts
from sinks.bridge.settings import BridgeSettings
from sinks.postgres.migrate import migrate
from streams.agents.process import codec_of
from streams.observe.reader import LogReader
from streams.producing import publisher_of
from streams.settings import Settings


async def serve(
    settings: Settings,
    bridge: BridgeSettings,
    stop: asyncio.Event,
    on_ready: Callable[[str], None],
    *,
    page: bool = True,
) -> None:
    """Serve websocket, REST interface and page until `stop` is set.

    `on_ready` hears the address once clients may come. Without a database there is no history, and
    tickets are good at this bridge only. Raises ValueError for tokens that cannot be read or
    without addresses, OSError when the port is taken, SinkError when the database cannot be used.
    """
    codec, registry = await codec_of(settings)
    async with AsyncExitStack() as exits:
        publisher = await exits.enter_async_context(publisher_of(settings, codec))
        pool = None
        if settings.database_url is not None:
            dsn = settings.database_url.get_secret_value()
            await migrate(dsn)
            pool = await open_pool(dsn, bridge)
            exits.push_async_callback(pool.close)
        auth = Auth(bridge, pool)
        log = LogParts(lambda: LogReader(settings), codec, settings.prefix, registry.resolve)
        hub = Hub(bridge, log, auth)

        async def publish_strategy(strategy_id: str, strategy: Strategy | None) -> None:
            if strategy is None:
                await publisher.withdraw(strategy_id, time.time_ns() // 1_000_000)
            else:
                await publisher.publish(strategy)
            await publisher.flush()

        async def publish_request(request: SignalRequest) -> None:
            await publisher.publish(request)
            await publisher.flush()

        app = build_app(
            Parts(bridge, hub, auth, pool, publish_strategy, publish_request, page=page)
        )
        # No access log: tickets stand in addresses.
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
        await runner.setup()
        exits.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, bridge.host, bridge.port).start()
        host, port = runner.addresses[0][:2]
        await hub.ready.wait()
        on_ready(f"http://{host}:{port}")
        await stop.wait()
