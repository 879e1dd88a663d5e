"""The producers' own fetches against every feed: all is read, and what is skipped is named."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import pytest_asyncio

from producers.settings import SourceSettings
from producers.upstreams import coingecko, coinmarketcal, cryptonews, lunarcrush, rss
from producers.upstreams.coingecko_detail import fetch_detail, fetch_mean_volume
from schemas.validation import CATEGORIES
from simulator.keys import KEYS
from simulator.server import seeded_simulator
from tests.integration.simulator.feeds_harness import (
    BEARER,
    BROWSER,
    CALENDAR_KEY,
    FEW,
    START_MS,
    UNLIMITED,
    Harness,
    harnessed,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
SYMBOLS = {asset.symbol for asset in FEW}
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Fetched:
    text: str
    etag: str | None
    last_modified: str | None
    not_modified: bool


@dataclass
class Plain:
    """The least client that the fetches take."""

    harness: Harness
    base: str
    headers: dict[str, str]
    query: dict[str, str]

    async def get_json(self, path, params=None, *, cost=1):
        answer = await self.harness.get(
            self.base + path, self.headers, **{**(params or {}), **self.query}
        )
        assert answer.status == 200, answer.text
        return answer.json

    async def get_text(self, url, headers=None):
        path = url.removeprefix(self.harness.simulator.url)
        answer = await self.harness.get(path, {**BROWSER, **(headers or {})})
        etag, modified = answer.headers.get("ETag"), answer.headers.get("Last-Modified")
        return Fetched(answer.text, etag, modified, answer.status == 304)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def harness():
    async with harnessed(UNLIMITED) as started:
        yield started


async def test_lunarcrush(harness: Harness):
    client = Plain(harness, "/lunarcrush/api4/public", BEARER, {})
    coins = await lunarcrush.fetch_coins(client, 100)
    assert {row.symbol for row in coins.rows} >= SYMBOLS
    news = await lunarcrush.fetch_topic_news(client, "btc bitcoin")
    assert news.rows
    assert news.skipped == ()
    assert (await lunarcrush.fetch_topic(client, "bitcoin")) is not None


async def test_coingecko(harness: Harness):
    client = Plain(harness, "/coingecko/api/v3", {}, {})
    assert {row.symbol for row in (await coingecko.fetch_trending(client)).rows} == SYMBOLS
    assert {row.symbol for row in (await coingecko.fetch_markets(client)).rows} >= SYMBOLS
    detail = await fetch_detail(client, "ethereum")
    assert detail.github_commits_4w > 0
    assert await fetch_mean_volume(client, "ethereum") > 1e9


async def test_news(harness: Harness):
    for source in ("cryptonews", "stocknews"):
        client = Plain(harness, f"/{source}/api/v1", {}, {"token": KEYS[source]})
        news = await cryptonews.fetch_news(client, ["BTC", "ETH"])
        assert news.rows
        assert news.skipped == ()
        events = await cryptonews.fetch_events(
            client, ["BTC", "SOL"], START_MS - 30 * DAY_MS, START_MS
        )
        assert events.skipped == ()


async def test_calendar(harness: Harness):
    client = Plain(harness, "/coinmarketcal/v1", CALENDAR_KEY, {})
    events = await coinmarketcal.fetch_events(
        client, ["bitcoin", "solana"], from_ms=START_MS, until_ms=START_MS + 30 * DAY_MS
    )
    assert events.rows
    assert {row.category for row in events.rows} <= CATEGORIES


async def test_rss_and_its_etag(harness: Harness):
    client = Plain(harness, "", {}, {})
    for url in harness.simulator.feed_urls:
        first = await rss.fetch_feed(client, url)
        assert first.parsed.rows
        assert first.parsed.skipped == ()
        again = await rss.fetch_feed(client, url, etag=first.etag)
        assert again.not_modified


async def test_the_environment_is_the_settings(monkeypatch):
    simulator = await seeded_simulator(start_ms=START_MS, speed=60.0, assets=FEW[:1])
    async with simulator:
        for name, value in simulator.environment().items():
            monkeypatch.setenv(name, value)
        settings = SourceSettings()
        assert settings.lunarcrush_url == f"{simulator.url}/lunarcrush/api4/public"
        assert settings.coinmarketcal_key.get_secret_value() == KEYS["coinmarketcal"]
        assert settings.rss_feeds == simulator.feed_urls
        assert settings.clock() == simulator.clock
