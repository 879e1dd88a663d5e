"""market.news -> trending_news."""

from __future__ import annotations

from schemas.topics import NEWS
from sinks.postgres.row_writer import RowWriter
from sinks.postgres.table import Table

TRENDING_NEWS = Table(
    name="trending_news",
    columns=(
        ("source", "text"),
        ("source_id", "text"),
        ("asset", "text"),
        ("headline", "text"),
        ("summary", "text"),
        ("url", "text"),
        ("publisher", "text"),
        ("sentiment_label", "text"),
        ("event_time", "timestamptz"),
        ("observed_at", "timestamptz"),
        ("published_at", "timestamptz"),
    ),
    key=("source", "source_id", "asset"),
    newer="stored.observed_at < excluded.observed_at",
)

WRITER = RowWriter(NEWS.name, TRENDING_NEWS)
