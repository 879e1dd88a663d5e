"""The calendar feed, hourly: the events of the next 30 days, and heartbeats.

A calendar with nothing ahead is good news, one that was not checked is none: so a heartbeat is
published for each asset that an answering source covers, in the name of the first one that does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from producers.feeds.articles import asset_of, heartbeat, scheduled
from producers.feeds.asset_universe import AssetUniverse
from producers.feeds.base import Emit
from producers.feeds.upstream_clients import UpstreamClient
from producers.http_client.errors import UpstreamError
from producers.http_client.health import SourceHealth
from producers.upstreams import announcements, coinmarketcal, cryptonews
from producers.upstreams.calendar_file import SOURCE, CalendarFileError, parse_calendar_file
from producers.upstreams.rows import EventRow
from producers.upstreams.shapes import verdict
from schemas.times import HOUR_MS
from transport.clock import Clock

_AHEAD_MS = 30 * 24 * HOUR_MS
_MOST_PAGES = 4


class Checked(NamedTuple):
    """What a calendar says: events, and the assets whose events it would know."""

    rows: Sequence[EventRow]
    covered: Collection[str]


Events = Callable[[Sequence[str], int], Awaitable[Checked | None]]
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
        silent = list(assets)
        for name, events_of in self._sources:
            checked = await events_of(assets, self._clock.now_ms())
            if checked is None:
                continue
            seen_ms = self._clock.now_ms()
            catalogue = self._universe.catalogue
            events = [
                one for row in checked.rows for one in scheduled(row, catalogue, assets, seen_ms)
            ]
            covered = [asset for asset in silent if asset in checked.covered]
            silent = [asset for asset in silent if asset not in checked.covered]
            await self._emit(name, [*events, *(heartbeat(name, one, seen_ms) for one in covered)])


def coinmarketcal_events(client: UpstreamClient, universe: AssetUniverse) -> Events:
    """Return CoinMarketCal's events; it wants the coins' slugs, and covers those that have one.

    Where not all pages came it covers none: what is on the others may be any asset's.
    """

    async def events(assets: Sequence[str], now_ms: int) -> Checked | None:
        coins = {
            asset: universe.coin(asset, "coingecko") or universe.coin(asset) for asset in assets
        }
        slugs = {
            asset: coin.slug for asset, coin in coins.items() if coin is not None and coin.slug
        }
        rows: list[EventRow] = []
        for page in range(1, _MOST_PAGES + 1):
            parsed = await client.call(
                coinmarketcal.fetch_events,
                tuple(slugs.values()),
                page,
                from_ms=now_ms,
                until_ms=now_ms + _AHEAD_MS,
            )
            if parsed is None:
                return Checked(rows, ()) if rows else None
            rows += parsed.rows
            if page >= parsed.pages:
                return Checked(rows, slugs)
        return Checked(rows, ())

    return events


def vendor_events(client: UpstreamClient) -> Events:
    """Return the events of CryptoNews or StockNews, which are asked about every asset.

    Only the first page is: of more than one, it covers none.
    """

    async def events(assets: Sequence[str], now_ms: int) -> Checked | None:
        until_ms = now_ms + _AHEAD_MS
        parsed = await client.call(
            cryptonews.fetch_events, assets, now_ms, until_ms, source=client.name
        )
        if parsed is None:
            return None
        return Checked(parsed.rows, assets if parsed.pages <= 1 else ())

    return events


def announced_events(client: UpstreamClient) -> Events:
    """Return the listings and delistings that an exchange announces.

    It covers the coins of its spot markets, and only while its delistings can be read.
    """

    async def events(assets: Sequence[str], now_ms: int) -> Checked | None:
        delistings = await client.call(
            announcements.fetch_announcements, "delistings", part="delistings"
        )
        listings = await client.call(
            announcements.fetch_announcements, "new_crypto", part="listings"
        )
        if delistings is None:
            return None if listings is None else Checked(_ahead(listings.rows, now_ms), ())
        markets = await client.call(announcements.fetch_markets)
        coins = {one.coin for one in markets.rows if one.is_open} if markets is not None else ()
        rows = (*delistings.rows, *(() if listings is None else listings.rows))
        return Checked(_ahead(rows, now_ms), coins)

    return events


def _ahead(rows: Sequence[EventRow], now_ms: int) -> list[EventRow]:
    return [row for row in rows if row.starts_at > now_ms]


def file_events(path: Path, health: SourceHealth, universe: AssetUniverse) -> Events:
    """Return the events of a file, read each time; what is wrong in it is told by its health.

    It covers the assets that it names: of the others nobody has looked after it.
    """

    async def events(assets: Sequence[str], now_ms: int) -> Checked | None:
        try:
            content = await asyncio.to_thread(path.read_text, "utf-8")
            parsed = parse_calendar_file(content, path.suffix, str(path.name))
        except (OSError, UnicodeDecodeError, CalendarFileError) as error:
            health.failure(UpstreamError(SOURCE, "bad_answer", str(error)), SOURCE)
            return None
        found = verdict(parsed)
        if found.problem:
            health.failure(UpstreamError(SOURCE, "bad_answer", found.problem), SOURCE)
            return Checked(parsed.rows, ()) if parsed.rows else None
        health.success(SOURCE, found.remarks, is_partial=found.is_partial)
        catalogue = universe.catalogue
        return Checked(
            parsed.rows, {asset_of(*coin, catalogue) for row in parsed.rows for coin in row.coins}
        )

    return events
