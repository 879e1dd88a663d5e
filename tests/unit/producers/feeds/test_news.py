"""The news feed: its sources side by side, and how far a vendor's headlines are paged back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence

import pytest

from producers.feeds.asset_universe import AssetUniverse
from producers.feeds.news import NewsFeed, vendor_headlines
from producers.feeds.upstream_clients import UpstreamClient
from producers.http_client.health import SourceHealth
from producers.http_client.quota import Quota
from producers.http_client.upstream import Limits
from producers.upstreams.rows import NewsRow
from schemas.events import MarketEvent
from tests.unit.producers.http_client.harness import Reply, StepClock, asking, serving, upstream
from tests.unit.producers.upstreams.answers import ARTICLE

FAILS = Reply(403)


def page(*numbers: int) -> Reply:
    """Return a page of a vendor's news, told by their numbers."""
    told = [{**ARTICLE, "news_url": f"https://news.test/{number}"} for number in numbers]
    return Reply(body=json.dumps({"data": told, "total_pages": 10}).encode())


@pytest.mark.parametrize(
    ("script", "came", "requests"),
    [
        pytest.param(
            [[page(6, 5), page(4, 3), page(2, 1)], [page(7, 6)]],
            [[6, 5, 4, 3, 2, 1], [7]],
            [3, 1],
            id="as far back as the last time reached",
        ),
        pytest.param(
            [[page(2, 1), page()], [page(2, 1)], [page(2, 1)]],
            [[2, 1], [], []],
            [2, 1, 1],
            id="nothing new is one request, again and again",
        ),
        pytest.param(
            [[page(2, 1), page()], [page(6, 5), FAILS], [page(6, 5), page(4, 3), page(2, 1)]],
            [[2, 1], [6, 5], [6, 5, 4, 3]],
            [2, 2, 3],
            id="what a failed page holds comes the next time",
        ),
        pytest.param(
            [[page(2, 1), page()], [FAILS], [page(3, 2)]],
            [[2, 1], [], [3]],
            [2, 1, 1],
            id="a failure forgets nothing",
        ),
    ],
)
async def test_paging(
    script: list[list[Reply]], came: list[list[int]], requests: list[int]
) -> None:
    clock = StepClock()
    source = upstream("cryptonews")
    quota = Quota(Limits(), clock, upstream=source.name)
    async with serving(clock) as server, asking(clock, server.url, source, quota) as client:
        health = SourceHealth(source.name, ("news",), quota, clock)
        headlines = vendor_headlines(UpstreamClient(source.name, client, quota, health))
        for replies, numbers, count in zip(script, came, requests, strict=True):
            before = len(server.seen)
            server.script.extend(replies)
            rows = await headlines(("BTC",))
            assert [int((row.url or "").rsplit("/")[-1]) for row in rows] == numbers
            assert len(server.seen) - before == count


async def test_of_an_asset_that_is_new_older_headlines_are_asked_for() -> None:
    clock = StepClock()
    source = upstream("cryptonews")
    quota = Quota(Limits(), clock, upstream=source.name)
    async with serving(clock) as server, asking(clock, server.url, source, quota) as client:
        health = SourceHealth(source.name, ("news",), quota, clock)
        headlines = vendor_headlines(UpstreamClient(source.name, client, quota, health))
        server.script.extend([page(2, 1), page(), page(2, 1), page(), page(2, 1)])
        assert len(list(await headlines(("BTC",)))) == 2
        assert len(list(await headlines(("BTC", "KAS")))) == 2
        assert list(await headlines(("KAS", "BTC"))) == []
    assert len(server.seen) == 5


async def test_a_defect_in_one_source_is_raised_once_the_others_have_been_asked() -> None:
    published: list[str] = []

    async def broken(assets: Sequence[str]) -> Iterable[NewsRow]:
        raise KeyError("a defect")

    async def slow(assets: Sequence[str]) -> Iterable[NewsRow]:
        await asyncio.sleep(0.01)
        return ()

    async def emit(source: str, events: Sequence[MarketEvent]) -> int:
        published.append(source)
        return len(events)

    feed = NewsFeed([("broken", broken), ("slow", slow)], AssetUniverse(), emit, StepClock())
    with pytest.raises(KeyError):
        await feed.run(0)
    assert published == ["slow"]
