"""CoinMarketCal, API v1: scheduled events by coin slug.

`displayed_date` says how exact a date is ("Q4 2026"), `can_occur_before` that it is a deadline.
Votes and descriptions are null or missing on the free plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from producers.upstreams.event_rules import category_of, certainty_of, impact_of, is_cancelled
from producers.upstreams.fields import (
    amount,
    identity,
    items,
    mapping,
    number,
    pages,
    share_pct,
    symbol,
    text,
    url,
    words,
)
from producers.upstreams.rows import EventRow, Parsed
from producers.upstreams.shapes import JsonClient, bad_answer, collect, list_in
from producers.upstreams.table import COINMARKETCAL
from producers.upstreams.times import due, time_ms

_NAME = COINMARKETCAL.name
_PAGE_MOST = 75
_FIELDS = ("id", "title", "coins", "date_event", "created_date", "categories")


def parse_events(raw: Any) -> Parsed[EventRow]:
    """Parse an answer of /events.

    UpstreamError "bad_answer" without a list, and where its status says that something went wrong.
    """
    code = number(mapping(mapping(raw).get("status")).get("error_code"))
    if code:
        raise bad_answer(_NAME, raw, f"the answer's status is error {code:g}")
    page_count = mapping(mapping(raw).get("_metadata")).get("page_count")
    parts = list_in(_NAME, raw, "body")
    count = pages(page_count)
    return collect("coinmarketcal event", parts, _event, pages=count, fields=_FIELDS)


def _event(raw: dict[str, Any]) -> EventRow | str:
    source_id, title = identity(raw.get("id")), _title(raw.get("title"))
    coins = _coins(raw.get("coins"))
    when = due(raw.get("date_event"), raw.get("displayed_date"))
    if source_id is None:
        return "has no id"
    if title is None or when is None or not coins:
        lacking = "title" if title is None else "date" if when is None else "coin"
        return f"({source_id}) has no {lacking}"
    when = when._replace(deadline=when.deadline or raw.get("can_occur_before") is True)
    proof = url(raw.get("proof"))
    address = url(raw.get("source")) or proof
    names = words([mapping(part).get("name") for part in items(raw.get("categories"))])
    category = category_of(title, names)
    return EventRow(
        source=_NAME,
        source_id=source_id,
        title=title,
        coins=coins,
        category=category,
        starts_at=when.starts_at,
        precision=when.precision,
        deadline=when.deadline,
        impact=impact_of(category, is_hot=raw.get("is_hot") is True),
        certainty=certainty_of(
            when,
            share_true_pct=_share_true(raw),
            votes=amount(raw.get("vote_count")),
            is_proven=bool(address),
        ),
        url=address or None,
        published_at=time_ms(raw.get("created_date")),
        cancelled=is_cancelled(title),
    )


def _title(value: Any) -> str | None:
    """Return the English title, or another, of an object by language; or a plain text's."""
    if not isinstance(value, dict):
        return text(value)
    found = (text(value[language]) for language in sorted(value, key=lambda name: name != "en"))
    return next((title for title in found if title is not None), None)


def _coins(value: Any) -> tuple[tuple[str, str], ...]:
    found = []
    for coin in map(mapping, items(value)):
        slug, ticker = identity(coin.get("id")) or "", symbol(coin.get("symbol")) or ""
        if slug or ticker:
            found.append((slug, ticker))
    return tuple(dict.fromkeys(found))


def _share_true(raw: dict[str, Any]) -> float | None:
    share = share_pct(raw.get("percentage"))
    yes, votes = amount(raw.get("positive_vote_count")), amount(raw.get("vote_count"))
    if share is None and yes is not None and votes:
        share = min(100.0, 100.0 * yes / votes)
    return share


async def fetch_events(
    client: JsonClient,
    slugs: Sequence[str],
    page: int = 1,
    *,
    from_ms: int | None = None,
    until_ms: int | None = None,
) -> Parsed[EventRow]:
    """Fetch the events of the coins with these slugs (not tickers), soonest first; pages from 1.

    The days from and until count in UTC, both included.
    """
    params = {"max": str(_PAGE_MOST), "page": str(page)}
    if slugs:
        params["coins"] = ",".join(slugs)
    if from_ms is not None:
        params["dateRangeStart"] = _day(from_ms)
    if until_ms is not None:
        params["dateRangeEnd"] = _day(until_ms)
    return parse_events(await client.get_json("/events", params))


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000.0, UTC).strftime("%Y-%m-%d")
