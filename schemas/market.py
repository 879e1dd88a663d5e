"""What producers publish: one frozen struct per market event.

Fields, units and ranges: the docs in `schemas/avro/`; a test binds the two.
"""

from __future__ import annotations

import msgspec

CATEGORIES = frozenset(
    {
        "upgrade",
        "hard_fork",
        "unlock",
        "partnership",
        "conference",
        "listing",
        "delisting",
        "airdrop",
        "burn",
        "other",
    }
)
"""What a scheduled event may be."""


class TrendingAsset(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A trending asset in one cycle, and the tick on which every engine answers."""

    asset: str
    event_time: int
    observed_at: int
    published_at: int | None = None
    source: str
    source_id: str
    cycle: int
    cycle_size: int
    rank: int
    name: str
    price_usd: float
    volume_24h_usd: float
    market_cap_usd: float | None = None
    change_24h_pct: float | None = None
    galaxy_score: float | None = None
    alt_rank: int | None = None
    social_volume: float | None = None
    interactions: float | None = None
    sentiment_pct: float | None = None
    twitter_volume: float | None = None
    twitter_sentiment_pct: float | None = None
    reddit_volume: float | None = None
    reddit_sentiment_pct: float | None = None
    votes_up_pct: float | None = None
    fear_greed: float | None = None
    volume_30d_avg_usd: float | None = None


class NewsArticle(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A headline about one asset."""

    asset: str
    event_time: int
    observed_at: int
    published_at: int | None = None
    source: str
    source_id: str
    headline: str
    summary: str | None = None
    url: str
    publisher: str
    sentiment_label: str | None = None


class Candle(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A candle of one market and timeframe."""

    asset: str
    event_time: int
    observed_at: int
    published_at: int | None = None
    source: str
    source_id: str
    exchange: str
    symbol: str
    timeframe: str
    open_time: int
    close_time: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    closed: bool


class OrderBook(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The levels of an order book, best first; far ones may be joined at their mean price."""

    asset: str
    event_time: int
    observed_at: int
    published_at: int | None = None
    source: str
    source_id: str
    exchange: str
    symbol: str
    bid_prices: tuple[float, ...]
    bid_sizes: tuple[float, ...]
    ask_prices: tuple[float, ...]
    ask_sizes: tuple[float, ...]


class Fundamentals(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Supply, volume, development and on-chain figures; None where the source has none.

    measured_at  when a measure is of, by its name; of `event_time` where it is not in it
    """

    asset: str
    event_time: int
    observed_at: int
    published_at: int | None = None
    source: str
    source_id: str
    market_cap_rank: int | None = None
    market_cap_usd: float | None = None
    circulating_supply: float | None = None
    max_supply: float | None = None
    volume_24h_usd: float | None = None
    volume_30d_avg_usd: float | None = None
    github_commits_4w: float | None = None
    github_contributors: float | None = None
    github_stars: float | None = None
    github_forks: float | None = None
    github_merged_pull_requests: float | None = None
    github_issues_closed_pct: float | None = None
    twitter_followers: float | None = None
    reddit_subscribers: float | None = None
    telegram_members: float | None = None
    transactions_24h: float | None = None
    active_addresses_24h: float | None = None
    hash_rate: float | None = None
    measured_at: dict[str, int] | None = None


HEAD = frozenset({"asset", "event_time", "observed_at", "published_at", "source", "source_id"})
"""The fields that every market event has: what it is about, when, and who says so."""
MEASURES = tuple(
    name for name in Fundamentals.__struct_fields__ if name not in {*HEAD, "measured_at"}
)
"""The numbers of fundamentals, in their order."""


class CalendarEvent(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A scheduled event of one asset. The same source_id again replaces it."""

    asset: str
    event_time: int
    observed_at: int
    published_at: int | None = None
    source: str
    source_id: str
    title: str
    category: str
    starts_at: int
    impact: float
    certainty: float
    url: str | None = None
    cancelled: bool = False
