"""A hub on a log in memory, with clients whose sockets are lists."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from pydantic import SecretStr

from sinks.bridge.auth import Auth
from sinks.bridge.hub import Hub, LogParts
from sinks.bridge.hub.client import Client
from sinks.bridge.settings import BridgeSettings
from tests.unit.sinks.bridge.memory_log import CODEC, MemoryLog, Socket

TOKEN = "a token that nobody would guess"
HANGS_S = 120.0


def bridge_settings(**changes: Any) -> BridgeSettings:
    tokens = SecretStr(json.dumps({TOKEN: {"name": "desk", "role": "viewer"}}))
    options = {"heartbeat_s": 60.0, "queue_frames": 64, **changes}
    return BridgeSettings(tokens=tokens, **options)


@asynccontextmanager
async def hub_on(log: MemoryLog, **changes: Any) -> AsyncIterator[Hub]:
    """A hub that has read what the log has."""
    settings = bridge_settings(**changes)
    hub = Hub(settings, LogParts(log.open, CODEC), Auth(settings))
    await hub.start()
    try:
        async with asyncio.timeout(HANGS_S):
            await hub.ready.wait()
        yield hub
    finally:
        for client in list(hub._clients):
            hub.part(client)  # else the hub waits for their sockets to be closed
            client.forget()
        await hub.stop()


class Visitor:
    """A client of a hub without a network between them."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.socket = Socket()
        self.client = Client(hub, self.socket, self.socket.drain, "desk", compressed=False)
        hub.join(self.client)

    async def say(self, kind: str = "subscribe", id: str = "1", **fields: Any) -> None:  # noqa: A002
        await self.client.hear(json.dumps({"type": kind, "id": id, **fields}))

    def heard(self, *kinds: str) -> list[dict[str, Any]]:
        return [frame for frame in self.socket.frames() if not kinds or frame["type"] in kinds]

    def ids(self) -> list[str]:
        """The ids of the signals that came as events."""
        return [frame["data"]["signal_id"] for frame in self.heard("signal")]

    def cursor(self) -> dict[str, int]:
        """The position of a client that merges the cursors of all frames."""
        return merged(self.heard())


def merged(frames: list[dict[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for frame in frames:
        for one in filter(None, (frame.get("cursor") or "").split(",")):
            topic, partition, offset = one.split(":")
            place, at = f"{topic}:{partition}", int(offset)
            found[place] = at if frame["type"] == "gap" else max(at, found.get(place, -1))
    return found


def since(cursor: dict[str, int]) -> str:
    return ",".join(f"{place}:{offset}" for place, offset in cursor.items())


async def until(condition: Callable[[], Any], what: str) -> None:
    try:
        async with asyncio.timeout(HANGS_S):
            while not condition():
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"waited in vain until {what}") from None
