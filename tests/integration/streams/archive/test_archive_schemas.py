"""Schema texts from a real registry: known, unknown, and away."""

from __future__ import annotations

import asyncio

import pytest

from embedded.registry.server import Registry as Server
from schemas.contract import schema
from schemas.registry_client import Registry, RegistryError
from schemas.topics import subjects
from transport.supervision.ports import free_port

pytestmark = pytest.mark.embedded


async def test_the_text_of_any_id() -> None:
    server = Server()
    registry = Registry(await server.start())
    try:
        await registry.codec(subjects())
        text = await registry.text(1)
        assert text is not None
        assert schema("trending_asset").avro["name"] in text
        assert await registry.text(2**31 - 1) is None
        assert await registry.text(2**31 - 1) is None
    finally:
        await server.stop()


async def test_a_registry_that_is_away() -> None:
    registry = Registry(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(RegistryError, match="does not answer"):
        await asyncio.wait_for(registry.text(1), 60)
