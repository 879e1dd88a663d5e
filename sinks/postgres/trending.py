"""market.trending -> trending_assets."""

from __future__ import annotations

from schemas.topics import TRENDING
from sinks.postgres.row_writer import RowWriter
from sinks.postgres.table import Table

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
        ("votes_up_pct", "double precision"),
        ("fear_greed", "double precision"),
        ("volume_30d_avg_usd", "double precision"),
    ),
    key=("cycle", "asset"),
    newer="stored.observed_at < excluded.observed_at",
)

WRITER = RowWriter(TRENDING.name, TRENDING_ASSETS)
