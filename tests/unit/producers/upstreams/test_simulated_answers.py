"""The fetches against the simulator: it understands what is asked, and its answers parse."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from marketdata.simulated.assets import ASSETS
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
from simulator.faults import Fault
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
    async with _harness() as found:
        yield found


@asynccontextmanager
async def _harness(speed: float = 1.0) -> AsyncIterator[Harness]:
    simulator = await seeded_simulator(start_ms=START_MS, speed=speed, assets=FEW)
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


async def test_the_exchange_announces_what_the_calendar_has_of_it(harness):
    """To the minute, and only about coins that it has."""
    client = harness.client(table.ANNOUNCEMENTS)
    markets = await announcements.fetch_markets(client)
    traded = {one.coin for one in markets.rows if one.is_open}
    assert {"BTC", "ETH"} <= traded < {asset.symbol for asset in ASSETS}
    kinds = {"delistings": "delisting", "new_crypto": "listing"}
    for kind, category in kinds.items():
        parsed = await announcements.fetch_announcements(client, kind)
        assert (parsed.skipped, parsed.faults, parsed.notes) == ((), (), ())
        ahead = {
            (row.coins[0][1], row.starts_at) for row in parsed.rows if row.starts_at > START_MS
        }
        assert ahead == {
            (event.asset, event.starts_at // 60_000 * 60_000)
            for event in harness.simulator.world.calendar(START_MS)
            if (event.category, event.cancelled) == (category, False) and event.asset in traded
        }


async def test_chains_and_the_mood_of_the_market(harness):
    client = harness.client(table.COINMETRICS)
    wanted = [asset.symbol for asset in FEW] + ["NOSUCHCOIN"]
    parsed = await coinmetrics.fetch_metrics(client, wanted, START_MS)
    assert (parsed.skipped, parsed.faults, parsed.notes) == ((), (), ())
    rows = {row.symbol: row for row in parsed.rows}
    assert {"BTC", "ETH"} <= set(rows) <= set(wanted)
    world = harness.simulator.world.fundamentals("BTC", START_MS)
    bitcoin = rows["BTC"].values
    assert bitcoin["transactions_24h"] == pytest.approx(world.transactions_24h, rel=0.1)
    assert bitcoin["hash_rate"] == pytest.approx(world.hash_rate, rel=0.1)
    assert "hash_rate" not in rows["ETH"].values
    ended_at = rows["BTC"].measured_at["transactions_24h"]
    assert ended_at % DAY_MS == 0
    assert 0 < START_MS - ended_at < 2 * DAY_MS
    nothing = await coinmetrics.fetch_metrics(client, ["NOSUCHCOIN"], START_MS)
    assert nothing.faults == ("nothing about any of the 1 assets asked for",)
    moods = await feargreed.fetch_index(harness.client(table.FEARGREED))
    assert (moods.skipped, moods.faults) == ((), ())
    assert [row.since for row in moods.rows] == [
        START_MS // DAY_MS * DAY_MS,
        START_MS // DAY_MS * DAY_MS - DAY_MS,
    ]


@pytest.mark.parametrize(
    ("upstream", "fetch"),
    [
        (table.ANNOUNCEMENTS, announcements.fetch_markets),
        (table.COINMETRICS, lambda client: coinmetrics.fetch_metrics(client, ["BTC"], START_MS)),
        (table.FEARGREED, feargreed.fetch_index),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
async def test_what_needs_no_key_is_asked_again_after_a_fault_and_given_up_when_unplugged(
    upstream, fetch
):
    kinds = ("limit", "status", "html", "half_body", "broken_json", "reset")
    async with _harness(speed=600.0) as harness:
        for kind in kinds:
            wait_s = 30.0 if kind == "limit" else None
            fault = Fault(upstream=upstream.name, kind=kind, times=1, retry_after_s=wait_s)
            number = harness.simulator.faults.add(fault)
            assert (await fetch(harness.client(upstream))).rows, kind
            assert harness.simulator.faults.script()[number][1] == 1
        harness.simulator.faults.unplug(upstream.name)
        with pytest.raises(UpstreamError, match=f"^{upstream.name}: "):
            await fetch(harness.client(upstream))
        assert harness.simulator.requests.violations() == 0
