"""What the fetches ask for, by the real client against a server that writes down the requests."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from producers.http_client.client import Client
from producers.http_client.errors import UpstreamError
from producers.http_client.quota import Quota
from producers.upstreams import (
    announcements,
    coingecko,
    coingecko_detail,
    coinmarketcal,
    coinmetrics,
    cryptonews,
    feargreed,
    lunarcrush,
    rss,
    table,
)
from tests.unit.producers.upstreams import answers, feeds
from transport.clock import scaled

OCTOBER_5, OCTOBER_20 = 1791158400000, 1792454400000


class Upstreams:
    """A server that gives `answer` to everything, and the clients that ask it."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.headers: list[dict[str, str]] = []
        self.answer: Any = None
        self.url = ""
        self._session = session

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, dict(request.query)))
        self.headers.append(dict(request.headers))
        if isinstance(self.answer, str):
            if request.headers.get("If-None-Match") == '"1"':
                return web.Response(status=304)
            return web.Response(text=self.answer, headers={"ETag": '"1"', "Last-Modified": "then"})
        return web.json_response(self.answer)

    def client(self, upstream: table.Upstream, answer: Any) -> Client:
        self.answer = answer
        clock = scaled(OCTOBER_5, 600.0)
        quota = Quota(upstream.limits, clock)
        rng = random.Random(0)
        return Client(upstream, self._session, quota, clock, base_url=self.url, rng=rng)


@pytest.fixture
async def upstreams() -> AsyncIterator[Upstreams]:
    async with aiohttp.ClientSession() as session:
        found = Upstreams(session)
        app = web.Application()
        app.router.add_get("/{path:.*}", found.handle)
        async with TestServer(app, host="127.0.0.1") as server:
            found.url = str(server.make_url("/api"))
            yield found


@pytest.mark.parametrize(
    ("upstream", "answer", "fetch", "path", "query"),
    [
        pytest.param(
            table.LUNARCRUSH,
            answers.coins(),
            lambda client: lunarcrush.fetch_coins(client, 50),
            "/api/coins/list/v1",
            {"sort": "alt_rank", "limit": "50", "page": "0"},
            id="the limit is sent, desc never",
        ),
        pytest.param(
            table.LUNARCRUSH,
            answers.coins(),
            lambda client: lunarcrush.fetch_coins(client, 5000, sort="market_cap_rank", page=1),
            "/api/coins/list/v1",
            {"sort": "market_cap_rank", "limit": "1000", "page": "1"},
            id="no more than 1000 coins",
        ),
        pytest.param(
            table.LUNARCRUSH,
            answers.posts(),
            lambda client: lunarcrush.fetch_topic_news(client, "BTC Bitcoin"),
            "/api/topic/btc bitcoin/news/v1",
            {},
            id="topics in small letters",
        ),
        pytest.param(
            table.COINGECKO,
            answers.trending(),
            coingecko.fetch_trending,
            "/api/search/trending",
            {},
            id="trending",
        ),
        pytest.param(
            table.COINGECKO,
            answers.markets(),
            lambda client: coingecko.fetch_markets(client, ids=["bitcoin", "bonk"], per_page=999),
            "/api/coins/markets",
            {
                "vs_currency": "usd",
                "order": "market_cap_desc",
                "per_page": "250",
                "page": "1",
                "sparkline": "false",
                "ids": "bitcoin,bonk",
            },
            id="markets in USD",
        ),
        pytest.param(
            table.CRYPTONEWS,
            answers.news(),
            lambda client: cryptonews.fetch_news(client, ["BTC", "ETH"], page=2),
            "/api",
            {"tickers": "BTC,ETH", "items": "50", "page": "2"},
            id="news of tickers",
        ),
        pytest.param(
            table.STOCKNEWS,
            answers.news(),
            lambda client: cryptonews.fetch_news(client, [], items=3, source="stocknews"),
            "/api/category",
            {"section": "general", "items": "3", "page": "1"},
            id="general news",
        ),
        pytest.param(
            table.CRYPTONEWS,
            answers.news_events(),
            lambda client: cryptonews.fetch_events(client, ["ETH"], OCTOBER_5, OCTOBER_20),
            "/api/events",
            {"tickers": "ETH", "date": "10052026-10202026", "page": "1"},
            id="months come first",
        ),
        pytest.param(
            table.COINMARKETCAL,
            answers.calendar_events(),
            lambda client: coinmarketcal.fetch_events(
                client, ["bitcoin", "ethereum"], 2, from_ms=OCTOBER_5, until_ms=OCTOBER_20
            ),
            "/api/events",
            {
                "max": "75",
                "page": "2",
                "coins": "bitcoin,ethereum",
                "dateRangeStart": "2026-10-05",
                "dateRangeEnd": "2026-10-20",
            },
            id="calendar by slugs",
        ),
        pytest.param(
            table.ANNOUNCEMENTS,
            answers.announcements(),
            lambda client: announcements.fetch_announcements(client, "delistings"),
            "/api/v5/announcements/index",
            {"locale": "en-US", "type": "delistings", "page": "1", "limit": "50"},
            id="delistings in English",
        ),
        pytest.param(
            table.ANNOUNCEMENTS,
            answers.markets_of_bybit(),
            announcements.fetch_markets,
            "/api/v5/market/instruments-info",
            {"category": "spot"},
            id="spot markets",
        ),
        pytest.param(
            table.COINMETRICS,
            answers.chains(),
            lambda client: coinmetrics.fetch_metrics(client, ["BTC", "B/S", "币安"], OCTOBER_5),
            "/api/timeseries/asset-metrics",
            {
                "assets": "btc",
                "metrics": "TxCnt,AdrActCnt,HashRate",
                "frequency": "1d",
                "start_time": "2026-10-01",
                "page_size": "1000",
                "ignore_unsupported_errors": "true",
                "ignore_forbidden_errors": "true",
            },
            id="four days of chains, of names that it may have",
        ),
        pytest.param(
            table.FEARGREED,
            answers.mood(),
            feargreed.fetch_index,
            "/api/fng/",
            {"limit": "2"},
            id="today's mood and yesterday's",
        ),
    ],
)
async def test_what_is_asked(upstreams, upstream, answer, fetch, path, query):
    parsed = await fetch(upstreams.client(upstream, answer))
    assert len(parsed.rows) == 1
    assert upstreams.asked == [(path, query)]


async def test_single_things(upstreams):
    lunar = upstreams.client(table.LUNARCRUSH, answers.topic())
    assert (await lunarcrush.fetch_topic(lunar, "coins:1")).twitter_volume == 200.0
    gecko = upstreams.client(table.COINGECKO, answers.detail())
    assert (await coingecko_detail.fetch_detail(gecko, "a/b")).symbol == "BTC"
    gecko = upstreams.client(table.COINGECKO, answers.chart())
    assert await coingecko_detail.fetch_mean_volume(gecko, "bitcoin") == 115.5
    assert upstreams.asked == [
        ("/api/topic/coins:1/v1", {}),
        ("/api/coins/a/b", {"localization": "false", "tickers": "false", "sparkline": "false"}),
        (
            "/api/coins/bitcoin/market_chart",
            {"vs_currency": "usd", "days": "30", "interval": "daily"},
        ),
    ]


async def test_a_feed_that_has_not_changed_is_not_sent_again(upstreams):
    client = upstreams.client(table.RSS, feeds.feed(feeds.item()))
    first = await rss.fetch_feed(client, upstreams.url)
    again = await rss.fetch_feed(client, upstreams.url, first.etag, first.last_modified)
    assert (len(first.parsed.rows), first.etag, first.last_modified) == (1, '"1"', "then")
    assert (again.parsed.rows, again.etag, again.last_modified) == ((), '"1"', "then")
    assert (first.not_modified, again.not_modified) == (False, True)
    assert "If-None-Match" not in upstreams.headers[0]
    assert upstreams.headers[1]["If-Modified-Since"] == "then"
    assert "Mozilla" in upstreams.headers[0]["User-Agent"]


async def test_a_message_with_status_200_is_an_error_and_not_asked_again(upstreams):
    client = upstreams.client(table.CRYPTONEWS, {"message": "Your plan does not include this."})
    with pytest.raises(UpstreamError, match="Your plan does not include this") as caught:
        await cryptonews.fetch_news(client, ["BTC"])
    assert caught.value.kind == "bad_answer"
    assert len(upstreams.asked) == 1
