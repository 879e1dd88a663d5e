"""Stand-in of CoinMarketCal v1: events by coin, with the date only as precise as it is known.

The free plan says nothing of votes for many events. An event that is called off disappears.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from aiohttp import web

from schemas.market import CalendarEvent
from simulator.error_bodies import json_response
from simulator.faults import Faults
from simulator.keys import keyed
from simulator.listing import whole
from simulator.shapes import AssetRow
from simulator.world import World
from transport.clock import Clock

_Row: TypeAlias = dict[str, Any]
_MAX, _MAX_MOST = 16, 75
CATEGORIES: dict[str, tuple[int, str]] = {
    "hard_fork": (1, "Soft/Hard Fork"),
    "listing": (4, "Exchange"),
    "delisting": (4, "Exchange"),
    "conference": (5, "Conference"),
    "airdrop": (8, "Airdrop/Snapshot"),
    "burn": (10, "Burning"),
    "unlock": (15, "Lock/Unlock Tokens"),
    "partnership": (16, "Partnership"),
    "upgrade": (18, "Release"),
    "other": (20, "Other"),
}
"""Number and name by category, after the vendor's (4 is its own number, the others are made up).
Listings and delistings share one."""


def routes(world: World, clock: Clock, faults: Faults) -> web.Application:
    """Return the application to mount at /coinmarketcal; the base URL is /coinmarketcal/v1."""
    feed = CoinMarketCal(world, clock)
    app = web.Application(middlewares=[keyed("coinmarketcal", 403)])
    app.router.add_get("/v1/events", feed.events)
    app.router.add_get("/v1/coins", feed.coins)
    app.router.add_get("/v1/categories", feed.categories)
    return app


class CoinMarketCal:
    """Handlers of the stand-in."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world = world
        self._clock = clock

    async def coins(self, request: web.Request) -> web.Response:
        """Answer all coins."""
        return _enveloped([_coin(row, rank) for rank, row in enumerate(self._world.assets(), 1)])

    async def categories(self, request: web.Request) -> web.Response:
        """Answer all categories."""
        return _enveloped([{"id": n, "name": name} for n, name in sorted({*CATEGORIES.values()})])

    async def events(self, request: web.Request) -> web.Response:
        """Answer a page of events by date; coins are given by slug."""
        query, now_ms = request.query, self._clock.now_ms()
        today = datetime.fromtimestamp(now_ms / 1000.0, UTC).date()
        try:
            first = _date(query.get("dateRangeStart"), today.isoformat())
            last = _date(query.get("dateRangeEnd"), (today + timedelta(days=365)).isoformat())
        except ValueError:
            return _wrong(400, "dateRangeStart and dateRangeEnd are dates: YYYY-MM-DD.")
        slugs = [slug for slug in query.get("coins", "").split(",") if slug]
        numbers = [part for part in query.get("categories", "").split(",") if part]
        rows = {row.symbol: (row, rank) for rank, row in enumerate(self._world.assets(), 1)}
        found = [
            _event(event, *rows[event.asset])
            for event in self._world.calendar(now_ms)
            if not event.cancelled and (not slugs or rows[event.asset][0].slug in slugs)
        ]
        found = [row for row in found if first <= row["date_event"][:10] <= last]
        if numbers:
            found = [row for row in found if str(row["categories"][0]["id"]) in numbers]
        if query.get("sortBy") == "created_desc":
            found.sort(key=lambda row: (row["created_date"], row["id"]), reverse=True)
        return _page(found, query.get("page"), query.get("max"))


def _page(rows: list[_Row], page_text: str | None, max_text: str | None) -> web.Response:
    most = max(1, min(whole(max_text, _MAX), _MAX_MOST))
    page = max(1, whole(page_text, 1))
    metadata = {
        "max": most,
        "page": page,
        "page_count": -(-len(rows) // most),
        "total_count": len(rows),
    }
    return _enveloped(rows[(page - 1) * most : page * most], metadata)


def _enveloped(rows: list[_Row], metadata: _Row | None = None) -> web.Response:
    said = {} if metadata is None else {"_metadata": metadata}
    status = {"error_code": 0, "error_message": ""}
    response = json_response({"body": rows, **said, "status": status})
    response.enable_compression()
    return response


def _wrong(code: int, message: str) -> web.Response:
    return json_response({"body": None, "status": {"error_code": code, "error_message": message}})


def _coin(row: AssetRow, rank: int) -> _Row:
    return {
        "id": row.slug,
        "name": row.name,
        "symbol": row.symbol,
        "rank": rank,
        "fullname": f"{row.name} ({row.symbol})",
    }


def _event(event: CalendarEvent, row: AssetRow, rank: int) -> _Row:
    number = zlib.crc32(event.source_id.encode())
    category, name = CATEGORIES[event.category]
    due, displayed, deadline = _due(event.starts_at, number)
    votes = number % 3 != 0
    percentage = round(event.certainty * 100)
    body: _Row = {
        "id": number,
        "title": {"en": event.title},
        "coins": [_coin(row, rank)],
        "date_event": due,
        "displayed_date": displayed,
        "can_occur_before": deadline,
        "created_date": _iso(event.published_at or event.event_time),
        "categories": [{"id": category, "name": name}],
        "proof": f"https://coinmarketcal.com/images/proof/{number}.png",
        "source": event.url,
        "is_hot": event.impact > 0.75,
        "percentage": percentage if votes else None,
        "vote_count": number % 90 if votes else None,
        "positive_vote_count": number % 90 * percentage // 100 if votes else None,
    }
    if number % 7 == 0:  # left out altogether, not null
        for name in ("percentage", "vote_count", "positive_vote_count", "is_hot"):
            del body[name]
    return body


def _due(starts_at: int, number: int) -> tuple[str, str, bool]:
    """Return date, its wording and whether it is a deadline; at times only the month is known."""
    day = datetime.fromtimestamp(starts_at / 1000.0, UTC).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    if number % 6 == 5:
        ends = (day.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        return _text(ends), ends.strftime("%B %Y"), True
    displayed = day.strftime("%d %b %Y")
    deadline = number % 9 == 4
    return _text(day), f"{displayed} (or earlier)" if deadline else displayed, deadline


def _text(day: datetime) -> str:
    return day.strftime("%Y-%m-%dT00:00:00Z")


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _date(text: str | None, default: str) -> str:
    if text is None:
        return default
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date().isoformat()
