"""What the producers have published already: folded from the topics' records. Pure, bounded.

The log is the truth: `PublishedIndex` is a function of the records, whatever their order between
partitions and however often they come. So a restart that folds the log publishes nothing
twice, and a snapshot with the records after it equals the fold of everything.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final, Protocol

from producers.dedup.index_state import (
    CycleSeen,
    EventSeen,
    FundamentalsSeen,
    Snapshot,
    article_id,
    content_of,
    event_id,
    holds,
    open_times,
    with_candle,
)
from schemas.market import CalendarEvent, Candle, Fundamentals, NewsArticle, TrendingAsset
from schemas.times import HOUR_MS
from schemas.topics import CALENDAR, CANDLES, FUNDAMENTALS, NEWS, TRENDING
from schemas.validation import CANDLE_MS

INDEXED: Final = (TrendingAsset, NewsArticle, Candle, Fundamentals, CalendarEvent)
"""What is published once. Order books are not among it: each is another one."""
TOPICS: Final = tuple(topic.name for topic in (TRENDING, NEWS, CANDLES, FUNDAMENTALS, CALENDAR))

_MOST_ARTICLES = 30_000
_MOST_EVENTS = 10_000
_COMPARED_MS = 96 * HOUR_MS
"""No article is compared with one that came so long before it."""


class NewsMemory(Protocol):
    """Which headlines are the same story: `producers.dedup.headlines.SeenNews`."""

    def is_new(self, article: NewsArticle) -> bool:
        """Return whether an article is news: neither old nor like one that was applied."""
        ...

    def apply(self, article: NewsArticle) -> None:
        """Remember an article; one applied before changes nothing."""
        ...

    def snapshot(self) -> Any:
        """Return all of it as lists, dicts, strings and numbers."""
        ...

    def restore(self, data: Any) -> None:
        """Become what `snapshot` returned; tuples may have become lists since."""
        ...


class PublishedIndex:
    """`claim` decides what is published; `apply` takes in a record of the log.

    `news` decides which headlines are the same. Empty at first.
    """

    def __init__(self, news: NewsMemory) -> None:
        self._news = news
        self._no_news = news.snapshot()
        self._newest_ms = 0
        self.restore(Snapshot(news=self._no_news))

    def clear(self) -> None:
        """Forget everything."""
        self.restore(Snapshot(news=self._no_news))

    @property
    def cycle(self) -> CycleSeen | None:
        """The newest cycle that has ticks."""
        return self._cycle

    @property
    def newest_ms(self) -> int:
        """The newest `observed_at` in the log, ms; 0 for an empty one."""
        return self._newest_ms

    def ahead(self, now_ms: int) -> str | None:
        """Return a warning when the log holds events of the future, else None.

        Then present events count as old and are not published.
        """
        if self._newest_ms <= now_ms + HOUR_MS:
            return None
        hours = (self._newest_ms - now_ms) / HOUR_MS
        return (
            f"the topics hold events from {hours:.0f} h after now, so nothing newer than them will "
            "come for as long: publish under another prefix (QUANTIVA_PREFIX), or recreate them"
        )

    def closed_times(self, asset: str, timeframe: str, exchange: str = "") -> tuple[int, ...]:
        """Return the open times of the closed candles in the log, ms, ascending; 1,024 at most.

        Of an exchange: none where the asset's present series is another one's.
        """
        window = self._closed.get((asset, timeframe))
        if window is not None and exchange and not window.is_of(exchange):
            return ()
        return open_times(window, CANDLE_MS[timeframe])

    def last_closed(self, asset: str, timeframe: str) -> int | None:
        """Return the open time of the newest closed candle in the log, ms."""
        window = self._closed.get((asset, timeframe))
        return None if window is None else window.newest_ms

    def claim(self, event: Any) -> bool:
        """Return whether an event is to be published, and if so, count it as published.

        What is not `INDEXED` always is. The event keeps the contract (`schemas.validation`).
        """
        match event:
            case Candle():
                is_new = self._is_new_candle(event)
            case TrendingAsset():
                is_new = self._is_new_tick(event)
            case NewsArticle():
                is_new = self._is_news(event)
            case Fundamentals():
                seen = self._fundamentals.get((event.asset, event.source))
                is_new = seen is None or seen.is_before(event)
            case CalendarEvent():
                known = self._events.get(event_id(event))
                is_new = known is None or known.is_before(event)
            case _:
                return True
        if is_new:
            self.apply(event)
        return is_new

    def apply(self, event: Any) -> None:
        """Note a published event; again, or after later ones, it changes nothing more."""
        match event:
            case Candle():
                self._apply_candle(event)
            case TrendingAsset():
                self._apply_tick(event)
            case NewsArticle():
                self._apply_article(event)
            case Fundamentals():
                self._apply_fundamentals(event)
            case CalendarEvent():
                self._apply_event(event)
            case _:
                return
        self._newest_ms = max(self._newest_ms, event.observed_at)

    def snapshot(self) -> Snapshot:
        """Return all of it, as it is now."""
        self._compare_up_to_now()
        return Snapshot(
            self._newest_ms,
            self._cycle,
            dict(self._closed),
            dict(self._open),
            dict(self._fundamentals),
            dict(self._events),
            tuple(self._articles),
            self._news_ms,
            self._news.snapshot(),
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Become what the snapshot was taken of."""
        self._newest_ms = snapshot.newest_ms
        self._cycle = snapshot.cycle
        self._closed = dict(snapshot.closed)
        self._open = dict(snapshot.open)
        self._fundamentals = dict(snapshot.fundamentals)
        self._events = dict(snapshot.events)
        self._articles: dict[int, None] = dict.fromkeys(snapshot.articles)
        self._news_ms = snapshot.news_ms
        self._uncompared: deque[NewsArticle] = deque()
        self._news.restore(snapshot.news)

    def _is_news(self, article: NewsArticle) -> bool:
        self._compare_up_to_now()
        return article_id(article) not in self._articles and self._news.is_new(article)

    def _apply_article(self, article: NewsArticle) -> None:
        self._articles[article_id(article)] = None
        if len(self._articles) > _MOST_ARTICLES:
            del self._articles[next(iter(self._articles))]
        self._news_ms = max(self._news_ms, article.observed_at)
        since = self._news_ms - _COMPARED_MS
        if article.observed_at > since:
            self._uncompared.append(article)
        while self._uncompared and self._uncompared[0].observed_at <= since:
            self._uncompared.popleft()

    def _compare_up_to_now(self) -> None:
        """Hand on the articles of the last days: of a long log only these have to be compared."""
        for article in self._uncompared:
            self._news.apply(article)
        self._uncompared.clear()

    def _is_new_candle(self, candle: Candle) -> bool:
        series = candle.asset, candle.timeframe
        length_ms = CANDLE_MS[candle.timeframe]
        window = self._closed.get(series)
        if candle.closed:
            return not holds(window, candle.open_time, length_ms, candle.exchange)
        is_over = (
            window is not None
            and window.is_of(candle.exchange)
            and candle.open_time <= window.newest_ms
        )
        return not is_over and candle.observed_at > self._open.get(series, 0)

    def _apply_candle(self, candle: Candle) -> None:
        series = candle.asset, candle.timeframe
        if candle.timeframe not in CANDLE_MS:
            return
        if candle.closed:
            window, length_ms = self._closed.get(series), CANDLE_MS[candle.timeframe]
            self._closed[series] = with_candle(window, candle.open_time, length_ms, candle.exchange)
        else:
            self._open[series] = max(candle.observed_at, self._open.get(series, 0))

    def _is_new_tick(self, tick: TrendingAsset) -> bool:
        seen = self._cycle
        if seen is None or tick.cycle != seen.cycle:
            return seen is None or tick.cycle > seen.cycle
        # One that comes into a running cycle makes it larger.
        size = max(seen.size, tick.cycle_size)
        return tick.asset not in seen.assets and len(seen.assets) < size

    def _apply_tick(self, tick: TrendingAsset) -> None:
        seen = self._cycle
        if seen is None or tick.cycle > seen.cycle:
            self._cycle = CycleSeen(tick.cycle, tick.cycle_size, (tick.asset,))
        elif tick.cycle == seen.cycle and tick.asset not in seen.assets:
            # In alphabetical order, for partitions have none.
            assets = tuple(sorted((*seen.assets, tick.asset)))
            self._cycle = CycleSeen(seen.cycle, max(seen.size, tick.cycle_size), assets)

    def _apply_fundamentals(self, event: Fundamentals) -> None:
        of = event.asset, event.source
        seen = self._fundamentals.get(of)
        if seen is None or event.observed_at >= seen.observed_at:
            self._fundamentals[of] = FundamentalsSeen(
                event.source_id, event.event_time, event.observed_at
            )

    def _apply_event(self, event: CalendarEvent) -> None:
        key = event_id(event)
        known = self._events.get(key)
        if known is None or event.observed_at >= known.observed_at:
            seen = EventSeen(content_of(event), event.starts_at, event.observed_at)
            self._events[key] = seen
        if len(self._events) > _MOST_EVENTS:  # the half that is due last stays
            by_start = sorted(self._events.items(), key=lambda item: (item[1].starts_at, item[0]))
            self._events = dict(by_start[len(by_start) // 2 :])
