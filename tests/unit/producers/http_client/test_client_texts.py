"""Texts (feeds): conditional requests, encodings, redirects."""

from __future__ import annotations

import pytest

from producers.http_client.client import Fetched
from producers.http_client.errors import UpstreamError
from tests.unit.producers.http_client.harness import KEY, Reply, Server, StepClock, asking, upstream

RSS = upstream("rss")


async def test_a_text_comes_with_its_validators(clock: StepClock, server: Server) -> None:
    headers = {"ETag": '"a"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
    server.script.append(Reply(body=b"<rss/>", headers=headers))
    server.script.append(Reply(304, headers=headers))
    async with asking(clock, "http://unused", RSS) as client:
        first = await client.get_text(f"{server.url}/feed?full=1")
        again = await client.get_text(f"{server.url}/feed", {"If-None-Match": first.etag or ""})
    assert first == Fetched("<rss/>", '"a"', headers["Last-Modified"], False)
    assert again == Fetched("", '"a"', headers["Last-Modified"], True)
    assert server.seen[0].request.query == {"full": "1"}
    assert server.seen[1].request.headers["If-None-Match"] == '"a"'


@pytest.mark.parametrize(
    ("body", "declared"),
    [
        pytest.param("<a>Zürich</a>".encode(), "application/xml", id="UTF-8 by default"),
        pytest.param("<a>Zürich</a>".encode("latin-1"), "text/xml; charset=latin-1", id="header"),
        pytest.param("<a>Zürich</a>".encode("utf-8-sig"), "text/xml", id="byte order mark"),
        pytest.param(
            '<?xml version="1.0" encoding="iso-8859-1"?><a>Zürich</a>'.encode("latin-1"),
            "application/rss+xml",
            id="declared in the text",
        ),
    ],
)
async def test_encodings(clock: StepClock, server: Server, body: bytes, declared: str) -> None:
    server.default = Reply(body=body, headers={"Content-Type": declared})
    async with asking(clock, "http://unused", RSS) as client:
        assert "<a>Zürich</a>" in (await client.get_text(server.url)).text


async def test_json_may_have_a_byte_order_mark(clock: StepClock, server: Server) -> None:
    server.default = Reply(body=b'\xef\xbb\xbf{"data": []}')
    async with asking(clock, server.url, upstream("lunarcrush")) as client:
        assert await client.get_json("/x") == {"data": []}


async def test_redirects_are_followed_and_the_key_is_never_sent(
    clock: StepClock, server: Server
) -> None:
    server.script.append(Reply(301, headers={"Location": "/moved"}))
    async with asking(clock, server.url, upstream("lunarcrush")) as client:
        await client.get_text(f"{server.url}/feed")
    assert [seen.request.path for seen in server.seen] == ["/feed", "/moved"]
    assert all(KEY not in str(seen.request.headers) for seen in server.seen)


async def test_redirects_without_an_end(clock: StepClock, server: Server) -> None:
    server.default = Reply(301, headers={"Location": "/again"})
    async with asking(clock, "http://unused", RSS) as client:
        with pytest.raises(UpstreamError, match="TooManyRedirects") as caught:
            await client.get_text(f"{server.url}/feed")
    assert caught.value.kind == "bad_answer"


@pytest.mark.parametrize("url", ["", "feed.xml", "ftp://a/b", "http://", "http://[x/", "file:///x"])
async def test_what_is_no_address(clock: StepClock, url: str) -> None:
    async with asking(clock, "http://unused", RSS) as client:
        with pytest.raises(UpstreamError, match="is not an http address") as caught:
            await client.get_text(url)
    assert caught.value.kind == "bad_request"
