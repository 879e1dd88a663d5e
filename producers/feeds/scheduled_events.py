"""The calendar feed, hourly: the events of the next 30 days, and heartbeats.

A calendar with nothing ahead is good news, one that was not checked is none: so a heartbeat is
published for each asset that an answering source covers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from producers.feeds.articles import heartbeat, scheduled
from producers.feeds.asset_universe import AssetUniverse
from producers.feeds.base import Emit
from producers.feeds.upstream_clients import UpstreamClient
from producers.http_client.errors import UpstreamError
from producers.http_client.health import SourceHealth
from producers.upstreams import coinmarketcal, cryptonews
from producers.upstreams.calendar_file import SOURCE, CalendarFileError, parse_calendar_file
from producers.upstreams.rows import EventRow
from producers.upstreams.shapes import verdict
from schemas.times import HOUR_MS
from transport.clock import Clock

_AHEAD_MS = 30 * 24 * HOUR_MS
_MOST_PAGES = 4

Events = Callable[[Sequence[str], int], Awaitable[Sequence[EventRow] | None]]
"""Fetches the events of assets from a time (ms) on; None when it fails."""


class CalendarFeed:
    """See the module's docstring. `sources` by the name of their upstream."""

    name = "calendar"
    cadence_ms = HOUR_MS

    def __init__(
        self,
        sources: Sequence[tuple[str, Events]],
        universe: AssetUniverse,
        emit: Emit,
        clock: Clock,
    ) -> None:
        self._sources, self._universe, self._emit, self._clock = sources, universe, emit, clock

    async def run(self, cycle_ms: int) -> None:
        """Publish what is new or has changed, and the heartbeats."""
        assets = self._universe.assets
        beating = ""
        for name, events_of in self._sources:
            rows = await events_of(assets, self._clock.now_ms())
            if rows is None:
                continue
            beating = beating or name
            seen_ms = self._clock.now_ms()
            catalogue = self._universe.catalogue
            await self._emit(
                name, [one for row in rows for one in scheduled(row, catalogue, assets, seen_ms)]
            )
        if beating:
            seen_ms = self._clock.now_ms()
            await self._emit(beating, [heartbeat(beating, asset, seen_ms) for asset in assets])


def coinmarketcal_events(client: UpstreamClient, universe: AssetUniverse) -> Events:
    """Return CoinMarketCal's events; it wants the coins' slugs."""

    async def events(assets: Sequence[str], now_ms: int) -> Sequence[EventRow] | None:
        coins = [universe.coin(asset, "coingecko") or universe.coin(asset) for asset in assets]
        slugs = [coin.slug for coin in coins if coin is not None and coin.slug]
        rows: list[EventRow] = []
        for page in range(1, _MOST_PAGES + 1):
            parsed = await client.call(
                coinmarketcal.fetch_events,
                slugs,
                page,
                from_ms=now_ms,
                until_ms=now_ms + _AHEAD_MS,
            )
            if parsed is None:
                return rows or None
            rows += parsed.rows
            if page >= parsed.pages:
                break
        return rows

    return events


def vendor_events(client: UpstreamClient) -> Events:
    """Return the events of CryptoNews or StockNews."""

    async def events(assets: Sequence[str], now_ms: int) -> Sequence[EventRow] | None:
        until_ms = now_ms + _AHEAD_MS
        parsed = await client.call(
            cryptonews.fetch_events, assets, now_ms, until_ms, source=client.name
        )
        return None if parsed is None else parsed.rows

    return events


def file_events(path: Path, health: SourceHealth) -> Events:
    """Return the events of a file, read each time; what is wrong in it is told by its health."""

    async def events(assets: Sequence[str], now_ms: int) -> Sequence[EventRow] | None:
        try:
            content = await asyncio.to_thread(path.read_text, "utf-8")
            parsed = parse_calendar_file(content, path.suffix, str(path.name))
        except (OSError, UnicodeDecodeError, CalendarFileError) as error:
            health.failure(UpstreamError(SOURCE, "bad_answer", str(error)), SOURCE)
            return None
        found = verdict(parsed)
        if found.problem:
            health.failure(UpstreamError(SOURCE, "bad_answer", found.problem), SOURCE)
            return parsed.rows or None
        health.success(SOURCE, found.remarks, is_partial=found.is_partial)
        return parsed.rows

    return events
