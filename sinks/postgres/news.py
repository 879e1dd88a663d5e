"""market.news -> trending_news."""

from __future__ import annotations

from schemas.market import NewsArticle
from schemas.topics import NEWS
from sinks.postgres.table import Row, Table
from sinks.postgres.values import time, time_or_none
from sinks.postgres.writer import RowWriter

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


def news_row(event: NewsArticle) -> Row:
    """Return the row of trending_news."""
    return (
        event.source,
        event.source_id,
        event.asset,
        event.headline,
        event.summary,
        event.url,
        event.publisher,
        event.sentiment_label,
        time(event.event_time),
        time(event.observed_at),
        time_or_none(event.published_at),
    )


WRITER = RowWriter(NEWS.name, ((TRENDING_NEWS, lambda event: (news_row(event),)),))
