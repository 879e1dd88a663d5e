"""A bridge on the platform of the examples' tests."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

from pydantic import SecretStr

from quantiva.wiring.bridge import serve
from sinks.bridge.settings import BridgeSettings
from tests.integration.streams.agents.rig import Rig

TOKEN = "a-token-of-a-viewer"


@contextlib.asynccontextmanager
async def running_bridge(
    running: Rig, port: int = 0, origins: tuple[str, ...] = ()
) -> AsyncIterator[str]:
    """Serve websocket and REST interface; yield the URL. Stopped afterwards as a process is."""
    bridge = BridgeSettings(
        port=port,
        tokens=SecretStr(json.dumps({TOKEN: {"name": "desk", "role": "viewer"}})),
        origins=origins,
        heartbeat_s=0.5,
    )
    settings = running.settings.model_copy(update={"database_url": None})
    stop = asyncio.Event()
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(settings, bridge, stop, address.set_result, page=False))
    await asyncio.wait({serving, address}, return_when=asyncio.FIRST_COMPLETED)
    try:
        if serving.done():
            serving.result()
        yield address.result()
    finally:
        stop.set()
        await serving
