"""The exchange's part: one market an asset, back-fill, live candles and order books."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from marketdata.assets.markets import choose
from producers.dedup.published_index import PublishedIndex
from producers.exchange.backfill import Progress, backfill
from producers.exchange.books import BookFeed
from producers.exchange.candle_tracker import CandleTracker
from producers.exchange.candles import CandleFeed
from producers.exchange.connection import Connection
from producers.feeds.asset_universe import AssetUniverse
from producers.feeds.base import Emit
from producers.http_client.errors import UpstreamError
from producers.http_client.health import SourceHealth
from schemas.times import CYCLE_MS, HOUR_MS

_AGAIN_S = 30.0
_LISTINGS_MS = 24 * HOUR_MS
_NAMED = 5


class Market:
    """See the module's docstring. `feeds` are candles and books, or one of them."""

    def __init__(
        self,
        connection: Connection,
        universe: AssetUniverse,
        emit: Emit,
        health: SourceHealth,
        *,
        feeds: Sequence[str],
        quote: str,
        levels: int,
    ) -> None:
        self._connection, self._universe, self._health = connection, universe, health
        self._emit = partial(emit, connection.name)
        self._feeds, self._quote, self._levels = feeds, quote, levels
        self._offered: dict[str, Any] = {}

    async def run(
        self, index: PublishedIndex, on_progress: Callable[[Progress], None], ready: asyncio.Event
    ) -> None:
        """Publish until cancelled; `ready` is set once the back-fill has been done."""
        await self._universe.has_assets.wait()
        self._offered = await self._load()
        markets = self._markets()
        async with asyncio.TaskGroup() as group:
            followers: list[Callable[[Mapping[str, str]], None]] = []
            if "books" in self._feeds:
                books = BookFeed(
                    self._connection,
                    markets,
                    self._emit,
                    levels=self._levels,
                    reports=self._health,
                )
                followers.append(books.follow)
                group.create_task(books.run())
            if "candles" in self._feeds:
                tracker = CandleTracker(self._connection.name, markets, known=index.closed_times)
                await backfill(self._connection, tracker, self._emit, on_progress=on_progress)
                candles = CandleFeed(self._connection, tracker, self._emit, reports=self._health)
                followers.append(candles.follow)
                group.create_task(candles.run())
            ready.set()
            group.create_task(self._follow(markets, followers))

    async def _load(self) -> dict[str, Any]:
        """Return the exchange's markets, as soon as it answers."""
        while True:
            try:
                offered = await self._connection.markets()
            except UpstreamError as error:
                self._health.failure(error)
                await self._connection.clock.sleep(_AGAIN_S)
                continue
            self._health.success()
            return offered

    def _markets(self) -> dict[str, str]:
        assets = self._universe.assets
        choice = choose(self._offered, assets, self._quote)
        lacking = list(choice.refused)
        named = ", ".join(lacking[:_NAMED]) + (" ..." if len(lacking) > _NAMED else "")
        self._health.note(
            f"{len(lacking)} of {len(assets)} assets have no {self._quote} market: {named}"
            if lacking
            else ""
        )
        return choice.markets

    async def _follow(
        self, markets: Mapping[str, str], followers: Sequence[Callable[[Mapping[str, str]], None]]
    ) -> None:
        """Hand on the markets of the cycle's assets whenever these change, or new ones open."""
        loaded_ms = self._connection.clock.now_ms()
        while True:
            await self._connection.clock.sleep(CYCLE_MS / 1000 / 10)
            now_ms = self._connection.clock.now_ms()
            if now_ms - loaded_ms >= _LISTINGS_MS:
                self._offered, loaded_ms = await self._load(), now_ms
            wanted = self._markets()
            if wanted != markets:
                markets = wanted
                for follow in followers:
                    follow(markets)
