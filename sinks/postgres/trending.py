"""market.trending -> trending_assets."""

from __future__ import annotations

from schemas.market import TrendingAsset
from schemas.topics import TRENDING
from sinks.postgres.table import Row, Table
from sinks.postgres.values import time, time_or_none
from sinks.postgres.writer import RowWriter

TRENDING_ASSETS = Table(
    name="trending_assets",
    columns=(
        ("cycle", "timestamptz"),
        ("asset", "text"),
        ("rank", "integer"),
        ("cycle_size", "integer"),
        ("name", "text"),
        ("source", "text"),
        ("source_id", "text"),
        ("event_time", "timestamptz"),
        ("observed_at", "timestamptz"),
        ("published_at", "timestamptz"),
        ("price_usd", "double precision"),
        ("volume_24h_usd", "double precision"),
        ("market_cap_usd", "double precision"),
        ("change_24h_pct", "double precision"),
        ("galaxy_score", "double precision"),
        ("alt_rank", "integer"),
        ("social_volume", "double precision"),
        ("interactions", "double precision"),
        ("sentiment_pct", "double precision"),
        ("twitter_volume", "double precision"),
        ("twitter_sentiment_pct", "double precision"),
        ("reddit_volume", "double precision"),
        ("reddit_sentiment_pct", "double precision"),
    ),
    key=("cycle", "asset"),
    newer="stored.observed_at < excluded.observed_at",
)


def trending_row(event: TrendingAsset) -> Row:
    """Return the row of trending_assets."""
    return (
        time(event.cycle),
        event.asset,
        event.rank,
        event.cycle_size,
        event.name,
        event.source,
        event.source_id,
        time(event.event_time),
        time(event.observed_at),
        time_or_none(event.published_at),
        event.price_usd,
        event.volume_24h_usd,
        event.market_cap_usd,
        event.change_24h_pct,
        event.galaxy_score,
        event.alt_rank,
        event.social_volume,
        event.interactions,
        event.sentiment_pct,
        event.twitter_volume,
        event.twitter_sentiment_pct,
        event.reddit_volume,
        event.reddit_sentiment_pct,
    )


WRITER = RowWriter(TRENDING.name, ((TRENDING_ASSETS, lambda event: (trending_row(event),)),))
