"""Who is let in: tokens, tickets, origins, room."""

from __future__ import annotations

import aiohttp
import pytest

from tests.integration.sinks.bridge.fixtures import HEADERS, Bridge, Site, until

pytestmark = pytest.mark.embedded


async def handshake(bridge: Bridge, path: str = "/ws", **headers: str) -> int:
    """Return the status of a handshake; 101 for an open websocket."""
    async with aiohttp.ClientSession() as session:
        try:
            socket = await session.ws_connect(f"{bridge.url}{path}", headers=headers)
        except aiohttp.WSServerHandshakeError as error:
            return error.status
        await socket.close()
        return 101


async def ticket(bridge: Bridge) -> str:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{bridge.url}/api/v1/tickets", headers=HEADERS) as answer,
    ):
        return str((await answer.json())["ticket"])


async def test_who_is_let_in(site: Site) -> None:
    async with site.bridge(origins=("https://desk.example",), max_clients=1) as bridge:
        own = bridge.url
        assert await handshake(bridge) == 401
        assert await handshake(bridge, Authorization="Bearer wrong") == 401
        assert await handshake(bridge, **HEADERS) == 101
        assert await handshake(bridge, **HEADERS, Origin=own) == 101
        assert await handshake(bridge, **HEADERS, Origin="https://desk.example") == 101
        assert await handshake(bridge, **HEADERS, Origin="https://evil.example") == 403
        assert await handshake(bridge, **HEADERS, Origin="null") == 403
        assert await handshake(bridge, **HEADERS, Origin="http://[") == 403
        assert await handshake(bridge, "/ws?ticket=made-up") == 401
        async with bridge.client():
            assert await handshake(bridge, **HEADERS) == 503
        assert await handshake(bridge, **HEADERS) == 101


async def test_a_ticket_works_once(site: Site) -> None:
    async with site.bridge() as bridge:
        one = await ticket(bridge)
        assert await handshake(bridge, f"/ws?ticket={one}") == 101
        assert await handshake(bridge, f"/ws?ticket={one}") == 401


async def test_an_error_leaves_the_connection_open_and_a_huge_message_does_not(site: Site) -> None:
    async with site.bridge() as bridge, bridge.client() as client:
        await client.socket.send_str("{")
        await client.say("ping", id="x" * 100_000)
        await client.socket.send_str("[" * 60_000)
        await client.socket.send_bytes(b"\xff\x00")
        assert await client.errors(4) == ["bad_json", "too_large", "bad_json", "bad_json"]
        await client.say(channels=["signals"])
        await until(lambda: client.of("snapshot"), "the snapshot is there")
        await client.say("ping", id="x" * 2_000_000)
        await until(lambda: client.socket.closed, "it is closed")
        assert client.socket.close_code == 1009
