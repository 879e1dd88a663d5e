"""The bridge as `quantiva bridge` serves it, on a real broker, registry and database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from pydantic import SecretStr

from quantiva.wiring.bridge import serve
from sinks.bridge.settings import BridgeSettings
from transport.settings import Settings

TOKENS = {role: f"{role}-{'0' * 20}" for role in ("viewer", "trader", "admin")}


def bridge_settings(**changes: Any) -> BridgeSettings:
    people = {token: {"name": role, "role": role} for role, token in TOKENS.items()}
    options = {"port": 0, "heartbeat_s": 0.3, "tokens": SecretStr(json.dumps(people)), **changes}
    return BridgeSettings(**options)


@asynccontextmanager
async def served(settings: Settings, **changes: Any) -> AsyncIterator[Served]:
    """Serve until the end of the block, and stop as a signal stops the command."""
    stop = asyncio.Event()
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        serve(settings, bridge_settings(**changes), stop, address.set_result)
    )
    await asyncio.wait({serving, address}, return_when=asyncio.FIRST_COMPLETED)
    try:
        if serving.done():
            serving.result()
        async with aiohttp.ClientSession(address.result()) as session:
            yield Served(address.result(), session)
    finally:
        stop.set()
        await serving


class Served:
    """A bridge that serves; `call` sends with a role's token and returns status and body."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.session = session

    async def call(
        self, method: str, path: str, role: str = "viewer", **options: Any
    ) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {TOKENS[role]}", **options.pop("headers", {})}
        url = f"/api/v1/{path}"
        async with self.session.request(method, url, headers=headers, **options) as answer:
            return answer.status, await answer.json(
                content_type=None
            ) if answer.status != 204 else None
