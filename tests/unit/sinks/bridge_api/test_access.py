"""Who gets in: out of the application's own routes, so that a new one cannot be forgotten."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from sinks.bridge.api import ROUTES
from sinks.bridge.app import OPEN, OPEN_UNDER, build_app
from sinks.bridge.auth import Role
from tests.unit.sinks.bridge_api.fixtures import TOKENS, bridge, filled_path

FILES = ("/docs", "/docs/docs.js", "/docs/docs.css")
BODIES: dict[tuple[str, str], Any] = {
    ("PUT", "/api/v1/strategies/{strategy_id}"): {"name": "Mine"},
    ("POST", "/api/v1/signals/generate"): {"asset": "BTC", "strategy_id": "momentum"},
    ("POST", "/api/v1/portfolios/{strategy_id}/deposit"): {"amount_usd": 100.0},
    ("POST", "/api/v1/portfolios/{strategy_id}/withdrawal"): {"amount_usd": 100.0},
    ("POST", "/api/v1/portfolios/{strategy_id}/reset"): {},
}
CHANGES = [
    pytest.param(route.method, route.path, id=f"{route.method} {route.path}")
    for route in ROUTES
    if route.role is not Role.VIEWER
]


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(None, id="none"),
        pytest.param("wrong", id="wrong"),
        pytest.param(TOKENS[Role.ADMIN][:-1], id="cut off"),
        pytest.param("", id="empty"),
    ],
)
async def test_without_a_token_everything_but_health_answers_401(token: str | None) -> None:
    async with bridge() as it:
        app = it.client.server.app  # type: ignore[attr-defined]
        asked = 0
        for route in app.router.routes():
            path = route.resource.canonical
            if path == "/health" or path in FILES:
                continue
            status, body, headers = await it.call(route.method, filled_path(path), token)
            assert status == 401, f"{route.method} {path} answers {status}"
            assert headers["WWW-Authenticate"].startswith("Bearer")
            assert route.method == "HEAD" or body["type"] == "/docs#problem-unauthorized"
            asked += 1
        assert asked > len(ROUTES)
        assert not it.log.strategies
        assert not it.log.requests
        assert not it.log.decisions


async def test_a_route_of_another_part_needs_a_token_too() -> None:
    async def reveal(_: web.Request) -> web.Response:
        return web.Response(text="data")

    async with bridge() as it:
        paths = ("/", "/assets/a.js", "/new", "/assetsnew")
        app = build_app(it.api, page=False)
        app.add_routes([web.get(path, reveal) for path in paths])
        async with TestClient(TestServer(app)) as client:
            found = {
                path: (await client.get(path)).status for path in (*paths, "/health", "/nothing")
            }
    assert found == {
        "/": 200,
        "/assets/a.js": 200,
        "/new": 401,
        "/assetsnew": 401,
        "/health": 200,
        "/nothing": 401,
    }


async def test_only_health_and_files_without_data_are_open() -> None:
    async with bridge() as it:
        status, body, _ = await it.call("GET", "/health", None)
        assert (status, body) == (200, {"status": "ok"})
        for path in FILES:
            assert (await it.call("GET", path, None))[0] == 200
    assert {*OPEN, *OPEN_UNDER} == {"/health", "/docs", "/docs/", "/", "/assets/", "/ws"}


@pytest.mark.parametrize(
    "path",
    ["/docs/../api/v1/me", "/docs/%2e%2e/api/v1/me", "//api/v1/me", "/health/../api/v1/me"],
)
async def test_a_path_written_otherwise_needs_the_token_too(path: str) -> None:
    async with bridge() as it:
        server = it.client.server
        reader, writer = await asyncio.open_connection(server.host, server.port)
        head = f"GET {path} HTTP/1.1\r\nHost: {server.host}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())  # a client's library would tidy the path up
        answer = await reader.read()
        writer.close()
        assert b" 401 " in answer.partition(b"\r\n")[0]


@pytest.mark.parametrize(("method", "path"), CHANGES)
async def test_a_viewer_changes_nothing(method: str, path: str) -> None:
    async with bridge() as it:
        body = BODIES.get((method, path))
        status, answer, _ = await it.call(method, filled_path(path), Role.VIEWER, json=body)
        assert (status, answer["type"]) == (403, "/docs#problem-forbidden")
        assert "trader" in answer["detail"]
        assert not it.log.strategies
        assert not it.log.requests


def test_every_method_that_changes_something_wants_more_than_a_viewer() -> None:
    tickets = {("POST", "/api/v1/tickets")}
    open_changes = {
        (route.method, route.path)
        for route in ROUTES
        if route.method != "GET" and route.role is Role.VIEWER
    }
    assert open_changes == tickets


async def test_the_rate_is_each_tokens_own() -> None:
    async with bridge(settings={"requests_minute": 3}) as it:
        found = [(await it.call("GET", "/api/v1/me"))[0] for _ in range(4)]
        assert found == [200, 200, 200, 429]
        status, body, headers = await it.call("GET", "/api/v1/me")
        assert status == 429
        assert body["type"] == "/docs#problem-too-many-requests"
        assert int(headers["Retry-After"]) >= 1
        assert (await it.call("GET", "/api/v1/me", Role.TRADER))[0] == 200
        assert (await it.call("GET", "/health", None))[0] == 200


async def test_me_says_who_the_token_belongs_to() -> None:
    async with bridge() as it:
        for role in Role:
            _, body, _ = await it.call("GET", "/api/v1/me", role)
            assert body == {"name": role.value, "role": role.value}
