"""A headline's label and score stand beside it, whichever of the two records comes first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from sinks.base import SinkRecord
from sinks.postgres import PostgresSink
from tests.contract.sink_samples import news, news_score, record
from tests.integration.sinks.bench import Rows

pytestmark = pytest.mark.embedded
_SHOWN = (
    "SELECT source_id, label, score, score_confidence, score_model FROM trending_news ORDER BY 1"
)


@pytest.fixture
async def sink(rows: Rows) -> AsyncIterator[PostgresSink]:
    made = PostgresSink(rows.dsn, run_migrations=False)
    await made.setup()
    yield made
    await made.close()


async def flush(sink: PostgresSink, *records: SinkRecord) -> Any:
    sink.add(records)
    return await sink.flush()


@pytest.mark.parametrize("score_first", [True, False])
@pytest.mark.parametrize("at_once", [True, False])
async def test_in_any_order(
    rows: Rows, sink: PostgresSink, *, score_first: bool, at_once: bool
) -> None:
    pair = [record(news(1)), record(news_score(1))]
    parts = pair[::-1] if score_first else pair
    for part in [parts] if at_once else [[one] for one in parts]:
        flushed = await flush(sink, *part)
        assert not flushed.rejected
    assert await rows.query(_SHOWN) == [("article-1", "positive", 0.65, 0.9, "small")]


async def test_an_article_without_a_score_has_none_and_a_score_without_an_article_waits(
    rows: Rows, sink: PostgresSink
) -> None:
    await flush(sink, record(news(1)), record(news_score(2)))
    assert await rows.query(_SHOWN) == [("article-1", None, None, None, None)]
    assert await rows.count("news_scores") == 1


async def test_a_newer_article_keeps_its_score_and_a_newer_score_replaces_it(
    rows: Rows, sink: PostgresSink
) -> None:
    await flush(sink, record(news(1)), record(news_score(1)))
    article = news(1, headline="Corrected", observed_at=news(1).observed_at + 5)
    await flush(sink, record(article))
    assert await rows.query("SELECT headline, label FROM trending_news") == [
        ("Corrected", "positive")
    ]
    later = article.observed_at
    worse = news_score(1, observed_at=later, label="negative", score=-0.5, model=None)
    await flush(sink, record(worse), record(news_score(1)))
    assert await rows.query(_SHOWN) == [("article-1", "negative", -0.5, 0.9, None)]


async def test_another_asset_s_score_is_not_its_own(rows: Rows, sink: PostgresSink) -> None:
    await flush(sink, record(news(1)), record(news_score(1, asset="ETH")))
    assert await rows.query(_SHOWN) == [("article-1", None, None, None, None)]


async def test_two_writers_at_once_see_each_other(rows: Rows, sink: PostgresSink) -> None:
    """Both transactions are open: the second waits, then finds what the first has written."""
    other = await asyncpg.connect(rows.dsn)
    try:
        async with other.transaction():
            await other.execute(
                "INSERT INTO news_scores (source, source_id, asset, label, score, confidence,"
                " observed_at) VALUES ('rss', 'article-1', 'BTC', 'neutral', 0, 0.5, now())"
            )
            writing = asyncio.create_task(flush(sink, record(news(1))))
            await asyncio.sleep(0.3)
            assert not writing.done()
        await writing
    finally:
        await other.close()
    assert await rows.query(_SHOWN) == [("article-1", "neutral", 0.0, 0.5, None)]
