"""CryptoNews and StockNews, two hosts of one vendor with the same answers.

A missing list of data is an error and never "no news": plan and quota problems come with status
200 and a message. Times have offsets that are not always UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from producers.upstreams.event_rules import category_of, certainty_of, impact_of, is_cancelled
from producers.upstreams.fields import (
    SUMMARY_MOST,
    host,
    identity,
    label,
    lack_of,
    mapping,
    pages,
    symbols,
    text,
    url,
    words,
)
from producers.upstreams.rows import EventRow, NewsRow, Parsed
from producers.upstreams.shapes import JsonClient, collect, list_in
from producers.upstreams.table import CRYPTONEWS
from producers.upstreams.times import due, time_ms

_ITEMS_MOST = 50
_ARTICLE_FIELDS = ("news_url", "title", "text", "source_name", "date", "sentiment")
_EVENT_FIELDS = ("event_id", "event_name", "tickers", "date")


def parse_news(raw: Any, source: str = CRYPTONEWS.name) -> Parsed[NewsRow]:
    """Parse an answer with articles; `source` is "cryptonews" or "stocknews".

    There is no id unless it was asked for, so the address is it. UpstreamError "bad_answer" without
    a list.
    """

    def article(part: dict[str, Any]) -> NewsRow | str:
        return _article(part, source)

    data = list_in(source, raw, "data")
    page_count = pages(mapping(raw).get("total_pages"))
    return collect(
        f"{source} article",
        data,
        article,
        pages=page_count,
        fields=_ARTICLE_FIELDS,
        times=("date",),
    )


def _article(raw: dict[str, Any], source: str) -> NewsRow | str:
    address, headline = url(raw.get("news_url")), text(raw.get("title"))
    source_id = identity(raw.get("news_id")) or identity(raw.get("id")) or address
    if not source_id:
        return "has neither an address nor an id"
    if headline is None:
        return f"({source_id}) {lack_of('title', raw.get('title'))}"
    return NewsRow(
        source=source,
        source_id=source_id,
        headline=headline,
        summary=text(raw.get("text"), SUMMARY_MOST),
        url=address,
        publisher=text(raw.get("source_name")) or host(address),
        published_at=time_ms(raw.get("date")),
        tickers=symbols(raw.get("tickers")),
        tags=words(raw.get("topics")) or words(raw.get("tags")),
        sentiment_label=label(raw.get("sentiment")),
    )


def parse_events(raw: Any, source: str = CRYPTONEWS.name) -> Parsed[EventRow]:
    """Parse an answer of /events: what many articles are about, dated by when it happened.

    So most lie behind; those ahead are scheduled events. UpstreamError "bad_answer" without a list.
    """

    def event(part: dict[str, Any]) -> EventRow | str:
        return _event(part, source)

    data = list_in(source, raw, "data")
    page_count = pages(mapping(raw).get("total_pages"))
    return collect(f"{source} event", data, event, pages=page_count, fields=_EVENT_FIELDS)


def _event(raw: dict[str, Any], source: str) -> EventRow | str:
    source_id, title = identity(raw.get("event_id")), text(raw.get("event_name"))
    when = due(raw.get("date"))
    coins = tuple(("", ticker) for ticker in symbols(raw.get("tickers")))
    if source_id is None:
        return "has no id"
    if title is None or when is None or not coins:
        lacking = "title" if title is None else "date" if when is None else "ticker"
        return f"({source_id}) has no {lacking}"
    category = category_of(title)
    return EventRow(
        source=source,
        source_id=source_id,
        title=title,
        coins=coins,
        category=category,
        starts_at=when.starts_at,
        precision=when.precision,
        impact=impact_of(category),
        certainty=certainty_of(when),
        cancelled=is_cancelled(title),
    )


async def fetch_news(
    client: JsonClient,
    tickers: Sequence[str],
    *,
    page: int = 1,
    items: int = _ITEMS_MOST,
    source: str = CRYPTONEWS.name,
) -> Parsed[NewsRow]:
    """Fetch the newest articles about any of the tickers; without tickers, the general ones.

    Pages count from 1; small plans have at most 5, and trial keys few items on each.
    """
    params = {"items": str(min(items, _ITEMS_MOST)), "page": str(page)}
    if tickers:
        path, params = "", {"tickers": ",".join(tickers), **params}
    else:
        path, params = "/category", {"section": "general", **params}
    return parse_news(await client.get_json(path, params), source)


async def fetch_events(
    client: JsonClient,
    tickers: Sequence[str],
    from_ms: int,
    until_ms: int,
    *,
    page: int = 1,
    source: str = CRYPTONEWS.name,
) -> Parsed[EventRow]:
    """Fetch the events of the tickers from one UTC day to another, both included."""
    params = {
        "tickers": ",".join(tickers),
        "date": f"{_day(from_ms)}-{_day(until_ms)}",
        "page": str(page),
    }
    return parse_events(await client.get_json("/events", params), source)


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000.0, UTC).strftime("%m%d%Y")
