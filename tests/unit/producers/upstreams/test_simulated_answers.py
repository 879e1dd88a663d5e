"""The fetches against the simulator: it understands what is asked, and its answers parse."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import aiohttp
import pytest

from marketdata.simulated.assets import ASSETS
from producers.http_client.client import Client
from producers.http_client.quota import Quota
from producers.upstreams import (
    coingecko,
    coingecko_detail,
    coinmarketcal,
    cryptonews,
    lunarcrush,
    rss,
    table,
)
from simulator.keys import KEYS
from simulator.server import Simulator, seeded_simulator

START_MS = 1_790_000_400_000
DAY_MS = 86_400_000
FEW = ASSETS[:6]


class Harness:
    """A running simulator and clients of it."""

    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self._session = session

    def client(self, upstream: table.Upstream) -> Client:
        clock = self.simulator.clock
        return Client(
            upstream,
            self._session,
            Quota(upstream.limits, clock),
            clock,
            base_url=self.simulator.base_urls.get(upstream.name),
            secret=KEYS.get(upstream.name),
            rng=random.Random(0),
        )


@pytest.fixture
async def harness() -> AsyncIterator[Harness]:
    simulator = await seeded_simulator(start_ms=START_MS, assets=FEW)
    async with simulator, aiohttp.ClientSession() as session:
        yield Harness(simulator, session)


async def test_coins(harness):
    lunar, gecko = harness.client(table.LUNARCRUSH), harness.client(table.COINGECKO)
    coins = await lunarcrush.fetch_coins(lunar, 50)
    wanted = {asset.symbol for asset in FEW}
    assert (coins.skipped, coins.faults) == ((), ())
    assert wanted <= {row.symbol for row in coins.rows}
    ranks = [row.alt_rank for row in coins.rows if row.alt_rank is not None]
    assert ranks == sorted(ranks)
    bitcoin = next(row for row in coins.rows if row.symbol == "BTC")
    topic = await lunarcrush.fetch_topic(lunar, bitcoin.topic)
    assert (topic.symbol, topic.interactions) == ("BTC", bitcoin.interactions)
    markets = await coingecko.fetch_markets(gecko)
    prices = {row.symbol: row.price_usd for row in markets.rows}
    assert (markets.skipped, markets.faults) == ((), ())
    assert prices["BTC"] == pytest.approx(bitcoin.price_usd, rel=0.01)
    trending = await coingecko.fetch_trending(gecko)
    assert trending.rows
    assert (trending.skipped, trending.faults) == ((), ())
    slug = next(row.slug for row in markets.rows if row.symbol == "BTC")
    detail = await coingecko_detail.fetch_detail(gecko, slug)
    assert (detail.symbol, detail.market_cap_rank) == ("BTC", 1)
    assert topic.faults == detail.faults == ()


async def test_news(harness):
    lunar = await lunarcrush.fetch_topic_news(harness.client(table.LUNARCRUSH), "bitcoin")
    crypto = await cryptonews.fetch_news(harness.client(table.CRYPTONEWS), ["BTC", "ETH"])
    feeds = [
        (await rss.fetch_feed(harness.client(table.RSS), url)).parsed
        for url in harness.simulator.feed_urls[:2]
    ]
    for parsed in (lunar, crypto, *feeds):
        assert parsed.rows
        assert (parsed.skipped, parsed.faults) == ((), ())
        for row in parsed.rows:
            assert row.published_at is not None
            assert row.published_at <= START_MS + DAY_MS
            assert "utm_" not in row.url
    assert {ticker for row in crypto.rows for ticker in row.tickers} >= {"BTC", "ETH"}
    assert {row.sentiment_label for row in crypto.rows} <= {"positive", "neutral", "negative"}


async def test_the_calendar_says_what_kind_of_event_it_was(harness):
    """Also where the vendor has one name for two kinds, listings and delistings."""
    parsed = await coinmarketcal.fetch_events(harness.client(table.COINMARKETCAL), [])
    meant = {event.url: event for event in harness.simulator.world.calendar(START_MS)}
    assert parsed.rows
    assert (parsed.skipped, parsed.faults) == ((), ())
    for row in parsed.rows:
        event = meant[row.url]
        assert row.category == event.category
        assert row.coins[0][1] == event.asset
        assert 0 <= row.starts_at - event.starts_at < (1 if row.precision == "day" else 31) * DAY_MS
