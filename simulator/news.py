"""Stand-in of CryptoNews API and StockNewsAPI: one vendor, one format, two hosts and tokens."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any, TypeAlias

from aiohttp import web
from multidict import MultiMapping

from schemas.market import CalendarEvent, NewsArticle
from schemas.times import DAY_MS
from simulator.error_bodies import error_response, json_response
from simulator.faults import Faults
from simulator.keys import KEYS, key_given
from simulator.listing import whole
from simulator.news_store import NEWS_KEPT_MS, NewsStory, published_ms, stories
from simulator.world import World
from transport.clock import Clock

_Row: TypeAlias = dict[str, Any]
_ITEMS_MOST = 50
_PAGES_MOST = 5
_ALSO_TAGGED = 16  # one story of so many is tagged with the largest asset too


def routes(world: World, clock: Clock, faults: Faults) -> web.Application:
    """Return the application to mount at /cryptonews or /stocknews; base URLs end in /api/v1."""
    feed = News(world, clock)
    app = web.Application()
    app.router.add_get("/api/v1", feed.stories)
    app.router.add_get("/api/v1/category", feed.category)
    app.router.add_get("/api/v1/events", feed.events)
    return app


class News:
    """Handlers of the stand-in."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world = world
        self._clock = clock

    async def stories(self, request: web.Request) -> web.Response:
        """Answer a page of the stories about the given tickers."""
        query = request.query
        if not {"tickers", "tickers-include", "tickers-only"} & set(query):
            return _refused(request) or _no_data("Please choose at least one ticker.")
        return self._answer(request, general=False)

    async def category(self, request: web.Request) -> web.Response:
        """Answer a page of a section: stories of all tickers, or general ones without any."""
        section = request.query.get("section")
        if section not in ("general", "alltickers"):
            return _refused(request) or _no_data("Please choose: section=general or alltickers.")
        return self._answer(request, general=section == "general")

    def _answer(self, request: web.Request, *, general: bool) -> web.Response:
        refused = _refused(request)
        if refused is not None:
            return refused
        query, now_ms = request.query, self._clock.now_ms()
        span = _span(query.get("date"), now_ms)
        largest = self._world.assets()[0].symbol
        news = stories(self._world.news(now_ms, now_ms - NEWS_KEPT_MS))
        found = [
            (story, tickers)
            for story, tickers in ((story, _tickers(story, largest)) for story in news)
            if _tickers_fit(tickers, query) and _fits(story.article, query, span)
        ]
        first, last, pages = _page(request, len(found))
        ids = "id" in query.get("extra-fields", "").split(",")
        left_out = {*(() if ids else ("id",)), *(("tickers",) if general else ())}
        data = [_story(*one, left_out) for one in found[first:last]]
        return json_response({"data": data, "total_pages": pages, "total_items": len(found)})

    async def events(self, request: web.Request) -> web.Response:
        """Answer what is announced about the given tickers, by the day of its announcement."""
        refused = _refused(request)
        if refused is not None:
            return refused
        now_ms = self._clock.now_ms()
        first_ms, last_ms = _span(request.query.get("date"), now_ms)
        wanted = _split(request.query.get("tickers"))
        found = [
            event
            for event in self._world.calendar(now_ms)
            if (not wanted or event.asset in wanted)
            and first_ms <= (event.published_at or event.event_time) <= last_ms
        ]
        found.sort(key=lambda event: (-(event.published_at or 0), event.source_id))
        first, last, pages = _page(request, len(found))
        data = [_event(event) for event in found[first:last]]
        return json_response({"data": data, "total_pages": pages, "total_items": len(found)})


def _refused(request: web.Request) -> web.Response | None:
    upstream = request.path.split("/")[1]
    if key_given(upstream, request) != KEYS[upstream]:
        return error_response(upstream, 403)
    if whole(request.query.get("page"), 1) > _PAGES_MOST:
        return _no_data("Your plan gives the first 5 pages. Please upgrade it.")
    return None


def _no_data(message: str) -> web.Response:
    """Return the vendor's message about its plans: status 200, and no data."""
    return json_response({"message": message})


def _page(request: web.Request, count: int) -> tuple[int, int, int]:
    """Return where the requested page begins and ends, and how many there are."""
    items = max(1, min(whole(request.query.get("items"), _ITEMS_MOST), _ITEMS_MOST))
    page = max(1, whole(request.query.get("page"), 1))
    return (page - 1) * items, page * items, max(1, -(-count // items))


def _number(article: NewsArticle) -> int:
    return zlib.crc32(article.url.encode() or article.source_id.encode())


def _tickers(story: NewsStory, largest: str) -> tuple[str, ...]:
    also = _number(story.article) % _ALSO_TAGGED == 0 and largest not in story.assets
    return (*story.assets, largest) if also else story.assets


def _fits(article: NewsArticle, query: MultiMapping[str], span: tuple[int, int]) -> bool:
    wanted = query.get("sentiment", "").lower()
    sources = [name for name in query.get("source", "").split(",") if name]
    return (
        span[0] <= published_ms(article) <= span[1]
        and wanted in ("", _sentiment(article).lower())
        and (not sources or article.publisher.replace(" ", "") in sources)
    )


def _sentiment(article: NewsArticle) -> str:
    return (article.sentiment_label or "neutral").capitalize()


def _story(story: NewsStory, tickers: Sequence[str], left_out: Collection[str]) -> _Row:
    article = story.article
    number = _number(article)
    row = {
        "id": number,
        "news_url": article.url,
        "image_url": f"https://crypto.snapi.dev/images/v1/{number}.jpg",
        "title": article.headline,
        "text": article.summary or article.headline,
        "source_name": article.publisher,
        "date": _eastern(published_ms(article)),
        "topics": ["pricemovement"] if number % 3 == 0 else [],
        "sentiment": _sentiment(article),
        "type": "Article",
        "tickers": list(tickers),
    }
    return {name: value for name, value in row.items() if name not in left_out}


def _event(event: CalendarEvent) -> _Row:
    at_ms = event.published_at or event.event_time
    number = zlib.crc32(event.source_id.encode())
    return {
        "event_name": event.title,
        "event_text": f"{event.title}, expected on {_day(event.starts_at)}.",
        "event_id": f"EV{number}",
        "news_items": 1 + number % 9,
        "tickers": [event.asset],
        "date": _eastern(at_ms),
    }


def _tickers_fit(tickers: Collection[str], query: MultiMapping[str]) -> bool:
    only = _split(query.get("tickers-only"))
    return (
        ("tickers" not in query or any(one in tickers for one in _split(query["tickers"])))
        and all(one in tickers for one in _split(query.get("tickers-include")))
        and (not only or all(one in only for one in tickers))
    )


def _split(text: str | None) -> list[str]:
    return [part.strip().upper() for part in (text or "").split(",") if part.strip()]


def _span(text: str | None, now_ms: int) -> tuple[int, int]:
    """Return first and last ms of today, last7days or MMDDYYYY-MMDDYYYY; all without one."""
    if text is None:
        return 0, now_ms + 40 * DAY_MS
    if text == "today":
        return now_ms // DAY_MS * DAY_MS, now_ms
    if text.startswith("last") and text.endswith("days") and text[4:-4].isdigit():
        return now_ms - int(text[4:-4]) * DAY_MS, now_ms
    try:
        first, last = (_midnight_ms(part) for part in text.split("-"))
    except ValueError:
        return 0, now_ms
    return first, last + DAY_MS - 1


def _midnight_ms(text: str) -> int:
    day = datetime.strptime(text, "%m%d%Y").replace(tzinfo=UTC)
    return int(day.timestamp() * 1000)


def _eastern(at_ms: int) -> str:
    """Return a time as the vendor writes it: New York's, whose offset changes in the year."""
    utc = datetime.fromtimestamp(at_ms // 1000, UTC)
    hours = -4 if 3 < utc.month < 11 else -5
    return format_datetime(utc.astimezone(timezone(timedelta(hours=hours))))


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%B %d, %Y")
