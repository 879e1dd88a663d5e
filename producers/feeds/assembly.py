"""Puts the feeds together from what the settings allow."""

from __future__ import annotations

from collections.abc import Sequence

from producers.dedup.index_state import remaining
from producers.dedup.published_index import PublishedIndex
from producers.feeds.asset_universe import AssetUniverse
from producers.feeds.base import Emit, Feed
from producers.feeds.fundamentals import FundamentalsFeed
from producers.feeds.news import (
    Headlines,
    NewsFeed,
    rss_headlines,
    topic_headlines,
    vendor_headlines,
)
from producers.feeds.request_budget import RequestBudget
from producers.feeds.scheduled_events import (
    CalendarFeed,
    Events,
    announced_events,
    coinmarketcal_events,
    file_events,
    vendor_events,
)
from producers.feeds.social import MoodFeed, SocialFeed
from producers.feeds.trending import CoinList, Ticks, TrendingFeed, coingecko_list, lunarcrush_list
from producers.feeds.upstream_clients import UpstreamClient, UpstreamClients
from producers.http_client.health import SourceHealth
from producers.settings import SourceSettings
from transport.clock import Clock

SCHEDULED = ("trending", "news", "fundamentals", "calendar")
STREAMED = ("candles", "books")
FEEDS = (*SCHEDULED, *STREAMED)

_CYCLES_A_DAY = 144
_SPARE = 10  # for retries
_LISTS = _CYCLES_A_DAY + _SPARE
_QUARTER = 0.25
_DETAIL_REQUESTS = 2  # of an asset: the detail, and the volumes of a month


def coin_lists(clients: UpstreamClients) -> list[CoinList]:
    """Return the coin lists in the order in which they are tried."""
    lists = {"lunarcrush": lunarcrush_list, "coingecko": coingecko_list}
    return [make(clients.open[name]) for name, make in lists.items() if name in clients.open]


def feeds_of(
    names: Sequence[str],
    settings: SourceSettings,
    clients: UpstreamClients,
    universe: AssetUniverse,
    emit: Emit,
    clock: Clock,
    index: PublishedIndex,
) -> list[Feed]:
    """Return the scheduled feeds of these names; `index` holds what is in the topics already.

    Where the ticks are published, `SocialFeed` and `MoodFeed` run too; nobody chooses them by name.
    """

    def left(ticks: Ticks) -> Ticks:
        return remaining(ticks, index.cycle)

    size = settings.most_watched
    made: dict[str, Feed] = {
        "trending": TrendingFeed(coin_lists(clients), universe, emit, clock, size, left, index),
        "news": NewsFeed(_headlines(settings, clients, universe, clock), universe, emit, clock),
        "fundamentals": _fundamentals(clients, universe, emit, clock),
        "calendar": CalendarFeed(_events(settings, clients, universe), universe, emit, clock),
    }
    feeds = [made[name] for name in SCHEDULED if name in names]
    if "trending" in names and "lunarcrush" in clients.open:
        client = clients.open["lunarcrush"]
        feeds.append(SocialFeed(client, half_of_the_rest(client, clock), universe, clock))
    if "trending" in names and "feargreed" in clients.open:
        feeds.append(MoodFeed(clients.open["feargreed"], universe))
    return feeds


def half_of_the_rest(client: UpstreamClient, clock: Clock) -> RequestBudget:
    """Return the budget of LunarCrush's headlines or of its topics: each gets one half.

    They share what the coin lists leave of the day, wherever they run: each process must hold back
    for the requests of another one.
    """
    rest = max((client.quota.limit_day or 0) - _LISTS, 0)
    return RequestBudget(client, clock, 600.0, reserved=_LISTS + (rest + 1) // 2, share=_QUARTER)


def _headlines(
    settings: SourceSettings, clients: UpstreamClients, universe: AssetUniverse, clock: Clock
) -> list[tuple[str, Headlines]]:
    sources = [
        (name, vendor_headlines(clients.open[name]))
        for name in ("cryptonews", "stocknews")
        if name in clients.open
    ]
    if "lunarcrush" in clients.open:
        client = clients.open["lunarcrush"]
        headlines = topic_headlines(client, universe, half_of_the_rest(client, clock))
        sources.append((client.name, headlines))
    if settings.rss_feeds and "rss" in clients.open:
        sources.append(("rss", rss_headlines(clients.open["rss"], settings.rss_feeds)))
    return sources


def _fundamentals(
    clients: UpstreamClients, universe: AssetUniverse, emit: Emit, clock: Clock
) -> FundamentalsFeed:
    client, chains = clients.open.get("coingecko"), clients.open.get("coinmetrics")
    if client is None:
        return FundamentalsFeed(None, None, universe, emit, clock, chains)
    lists = 2 * _CYCLES_A_DAY  # when it is the coin list, too
    reserved = (0 if "lunarcrush" in clients.open else lists) + _SPARE
    budget = RequestBudget(client, clock, 3600.0, reserved=reserved, cost=_DETAIL_REQUESTS)
    return FundamentalsFeed(client, budget, universe, emit, clock, chains)


def _events(
    settings: SourceSettings, clients: UpstreamClients, universe: AssetUniverse
) -> list[tuple[str, Events]]:
    sources: list[tuple[str, Events]] = []
    if "coinmarketcal" in clients.open:
        sources.append(
            ("coinmarketcal", coinmarketcal_events(clients.open["coinmarketcal"], universe))
        )
    if "cryptonews" in clients.open:
        sources.append(("cryptonews", vendor_events(clients.open["cryptonews"])))
    if settings.calendar_file is not None:
        health: SourceHealth = clients.health["file"]
        sources.append(("file", file_events(settings.calendar_file, health, universe)))
    if "announcements" in clients.open:
        client = clients.open["announcements"]
        sources.append((client.name, announced_events(client)))
    return sources
