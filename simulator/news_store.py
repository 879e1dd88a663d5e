"""Articles in the order of their publication, of the last three days."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from schemas.market import NewsArticle
from schemas.times import HOUR_MS

NEWS_KEPT_MS = 72 * HOUR_MS


def published_ms(article: NewsArticle) -> int:
    """Return when an article was published, ms; its event time where that is unknown."""
    return article.published_at or article.event_time


class NewsStory(NamedTuple):
    """An article as its first asset has it, and all assets that it is about."""

    article: NewsArticle
    assets: tuple[str, ...]


def stories(articles: Iterable[NewsArticle]) -> list[NewsStory]:
    """Return the articles in their order, those of one story (an article an asset) made one."""
    found: dict[tuple[int, str], list[NewsArticle]] = {}
    for article in articles:
        found.setdefault((published_ms(article), article.headline), []).append(article)
    return [NewsStory(same[0], tuple(sorted(one.asset for one in same))) for same in found.values()]


class NewsStore:
    """What has been published. It may know the future; `between` says up to when."""

    def __init__(self) -> None:
        self._articles: list[NewsArticle] = []

    def add(self, articles: Iterable[NewsArticle]) -> None:
        """Add articles, in any order."""
        self._articles.extend(articles)
        self._articles.sort(key=lambda one: (published_ms(one), one.source_id))

    def drop_before(self, ms: int) -> None:
        """Forget what was published before a time."""
        del self._articles[: bisect_left(self._articles, ms, key=published_ms)]

    def between(self, after_ms: int, until_ms: int) -> tuple[NewsArticle, ...]:
        """Return what was published after one time and up to another, latest first."""
        first = bisect_right(self._articles, after_ms, key=published_ms)
        last = bisect_right(self._articles, until_ms, key=published_ms)
        return tuple(self._articles[first:last][::-1])
