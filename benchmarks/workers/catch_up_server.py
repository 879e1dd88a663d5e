"""The bridge of `catch_up` in a process of its own, on the broker that the environment names.

Lines of JSON on stdin are orders: {"look": true} says how many clients are behind or live,
and how much memory and processor time this process has taken.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path

from aiohttp import web
from pydantic import SecretStr

from benchmarks.workers.fanout_server import TOKEN, orders, say, started
from sinks.bridge.auth import Auth
from sinks.bridge.hub import Hub, LogParts
from sinks.bridge.hub.backlog import AT_ONCE
from sinks.bridge.settings import BridgeSettings
from transport import memory
from transport.log_reader import LogReader
from transport.registered_codec import codec_of
from transport.settings import Settings


def rss_mb() -> float:
    """Return the memory of this process that is resident."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


async def main() -> None:
    """Serve until stdin ends."""
    started()
    settings = Settings()
    codec, registry = await codec_of(settings)
    tokens = SecretStr(json.dumps({TOKEN: {"name": "bench", "role": "viewer"}}))
    bridge = BridgeSettings(tokens=tokens, requests_minute=1_000_000)
    log = LogParts(
        lambda: LogReader(settings),
        codec,
        settings.prefix,
        registry.resolve,
        lambda: LogReader(settings, **AT_ONCE),
    )
    hub = Hub(bridge, log, Auth(bridge))
    app = web.Application()
    hub.register(app)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await hub.ready.wait()
    memory.settle()
    say(port=runner.addresses[0][1])
    async for _ in orders():
        asked = [client for client in hub._clients if client.subscriptions]
        live = sum(client.is_caught_up for client in asked)
        say(live=live, behind=len(asked) - live, rss_mb=rss_mb(), cpu_s=time.process_time())
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())  # as `quantiva bridge` does
