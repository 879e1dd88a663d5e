"""The page's files: what is served, under which policy, and that nothing else is."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer

from sinks.bridge import page

INDEX = (page.STATIC / "index.html").read_text()
SOURCES = sorted(path for path in page.STATIC.rglob("*") if path.is_file())
_LINE = re.compile(r"""(?:src|href)="(/[^"]+)"|from "(\./[^"]+)";""")


@pytest_asyncio.fixture
async def client() -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """The page's routes alone."""
    app = web.Application()
    app.add_routes(page.routes())
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/assets/js/main.js", "/assets/css/base.css"])
async def test_every_file_comes_with_the_policy(
    client: TestClient[web.Request, web.Application], path: str
) -> None:
    answer = await client.get(path)
    assert answer.status == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_file_that_has_not_changed_is_not_sent_again(
    client: TestClient[web.Request, web.Application],
) -> None:
    first = await client.get("/assets/js/main.js")
    again = await client.get("/assets/js/main.js", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status == 304


@pytest.mark.parametrize(
    "path",
    ["/assets/../__init__.py", "/assets/%2e%2e/__init__.py", "/assets/js/", "/assets/none.js"],
)
async def test_no_path_leads_elsewhere(
    client: TestClient[web.Request, web.Application], path: str
) -> None:
    async with ClientSession() as session:
        answer = await session.get(f"{client.make_url('/')}".rstrip("/") + path)
        assert answer.status == 404


async def test_everything_that_a_file_names_is_served(
    client: TestClient[web.Request, web.Application],
) -> None:
    for source in SOURCES:
        folder = f"/assets/{source.parent.relative_to(page.STATIC).as_posix()}"
        for absolute, relative in _LINE.findall(source.read_text()):
            path = absolute or f"{folder}/{relative.removeprefix('./')}"
            assert (await client.get(path)).status == 200, f"{source.name} names {path}"


def test_nothing_is_inline_and_nothing_names_another_host() -> None:
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|style=", INDEX)
    for source in SOURCES:
        hosts = set(re.findall(r"https?://([\w.-]+)", source.read_text()))
        assert hosts <= {"www.w3.org"}, source.name  # the name of SVG's namespace, never asked for


def test_no_file_parses_text_as_markup_or_code() -> None:
    for source in SOURCES:
        text = source.read_text()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)


async def test_without_the_package_of_the_chart_an_empty_script_is_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(page, "CHART_PACKAGE", "no_such_package")
    assert page.chart_script() is None
    app = web.Application()
    app.add_routes(page.routes())
    async with TestClient(TestServer(app)) as client:
        answer = await client.get(page.CHART_PATH)
        assert answer.status == 200
        assert (await answer.text()).startswith("/* no_such_package is not installed")
