"""market.news -> trending_news, and news.scores -> news_scores and the columns of trending_news."""

from __future__ import annotations

from msgspec.structs import replace

from schemas.market import NewsArticle
from schemas.topics import NEWS, NEWS_SCORES
from sinks.postgres.row_writer import RowWriter
from sinks.postgres.table import Row, Table

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


def news_rows(event: NewsArticle) -> list[Row]:
    """Return the row of trending_news; the table has labels in small letters, or none."""
    label = (event.sentiment_label or "").lower() or None
    return [TRENDING_NEWS.row(replace(event, sentiment_label=label))]


NEWS_SCORES_TABLE = Table(
    name="news_scores",
    columns=(
        ("source", "text"),
        ("source_id", "text"),
        ("asset", "text"),
        ("label", "text"),
        ("score", "double precision"),
        ("confidence", "double precision"),
        ("model", "text"),
        ("model_version", "text"),
        ("observed_at", "timestamptz"),
    ),
    key=("source", "source_id", "asset"),
    newer="stored.observed_at < excluded.observed_at",
)
"""A trigger brings label and score into trending_news, whichever of the two comes first."""

WRITER = RowWriter(NEWS.name, TRENDING_NEWS, news_rows)
SCORES_WRITER = RowWriter(NEWS_SCORES.name, NEWS_SCORES_TABLE)
