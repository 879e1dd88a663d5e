"""The registry's client: what it says when something is wrong, and what it never says."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from schemas.codec import Codec, UnknownSchemaError
from schemas.contract import schema
from schemas.registry_client import Registry, RegistryError
from transport.supervision.ports import free_port

USER, PASSWORD, WRITTEN = "us3r", "p@ss-w0rd", "p%40ss-w0rd"
SECRETS = (USER, PASSWORD, WRITTEN)
WANTED = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


@asynccontextmanager
async def registry(status: int, text: str) -> AsyncIterator[tuple[str, list[str]]]:
    """Answer everything the same; yield the address with its secrets, and who asked."""
    asked: list[str] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.headers.get("Authorization", ""))
        return web.Response(status=status, text=text, content_type="application/json")

    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://{USER}:{WRITTEN}@127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


async def said_by(url: str) -> list[str]:
    """Return what both kinds of request say of their failure."""
    found = []
    client = Registry(url)
    for asking in (client.codec({}), client.text(7)):
        with pytest.raises(RegistryError) as error:
            await asking
        found.append(str(error.value))
    return found


@pytest.mark.parametrize(
    ("status", "text"),
    [
        pytest.param(401, '{"error_code": 40101, "message": "Unauthorized"}', id="401"),
        pytest.param(
            403, f'{{"error_code": 403, "message": "not {PASSWORD}, {WRITTEN}"}}', id="repeats it"
        ),
        pytest.param(409, '{"error_code": 409, "message": "incompatible"}', id="incompatible"),
        pytest.param(200, "<html>", id="no JSON"),
    ],
)
async def test_a_refusal_is_told_without_the_address_s_secrets(
    status: int, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with registry(status, text) as (url, asked):
        found = await said_by(url)
        host = url.rpartition("@")[2]
    assert set(asked) == {WANTED}
    assert [f"schema registry http://{host} " in one for one in found] == [True, True]
    shown = [*found, *(record.getMessage() for record in caplog.records)]
    assert [one for one in shown if any(secret in one for secret in SECRETS)] == []


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(f"http://{USER}:{WRITTEN}@127.0.0.1:{{port}}", id="nobody listens"),
        pytest.param(f"http://{USER}:{WRITTEN}@registry.invalid", id="no such host"),
    ],
)
async def test_an_absent_registry_is_told_without_secrets(address: str) -> None:
    found = await said_by(address.format(port=free_port()))
    assert len(found) == 2
    assert [one for one in found if any(secret in one for secret in SECRETS)] == []


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(f"{USER}:{WRITTEN}@host:8081", id="no scheme"),
        pytest.param(f"http://{USER}:{WRITTEN}@[::1", id="half an IPv6 address"),
        pytest.param(f"kafka {USER} {WRITTEN}", id="no address"),
        pytest.param("", id="empty"),
    ],
)
def test_an_address_that_is_none_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(RegistryError, match="set SCHEMA_REGISTRY_URL") as error:
        Registry(address)
    assert not any(secret in str(error.value) for secret in SECRETS)
    assert error.value.__cause__ is None


async def test_a_schema_is_learned_without_a_word_of_the_secrets(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    text = schema("candle").text
    async with registry(200, json.dumps({"schema": text})) as (url, asked):
        assert await Registry(url).resolve(Codec({}), UnknownSchemaError(7))
    assert asked == [WANTED]
    said = [record.getMessage() for record in caplog.records]
    assert any(one.startswith("learned schema id 7 from http://127.0.0.1:") for one in said)
    assert [one for one in said if any(secret in one for secret in SECRETS)] == []
