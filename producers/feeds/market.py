"""The exchange's part: one market an asset, back-fill, live candles and order books."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from marketdata.assets.markets import choose
from producers.dedup.published_index import PublishedIndex
from producers.exchange.agreement import Verdict, is_due, judge, load, save, why_not
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

_log = logging.getLogger(__name__)
_AGAIN_S = 30.0
_FIRST_TRIES = 4
_LISTINGS_MS = 24 * HOUR_MS
_NAMED = 5


class Market:
    """See the module's docstring. `feeds` are candles and books, or one of them.

    `store`: file of what the prices said of each market, kept over restarts.
    """

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
        store: Path,
    ) -> None:
        self._connection, self._universe, self._health = connection, universe, health
        self._emit = partial(emit, connection.name)
        self._feeds, self._quote, self._levels = feeds, quote, levels
        self._store = store
        self._offered: dict[str, Any] = {}
        self._verdicts = load(store)

    async def run(
        self, index: PublishedIndex, on_progress: Callable[[Progress], None], ready: asyncio.Event
    ) -> None:
        """Publish until cancelled; `ready` is set once the back-fill has been done."""
        await self._universe.has_assets.wait()
        self._offered = await self._load()
        markets = await self._first_markets()
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

    async def _first_markets(self) -> dict[str, str]:
        """Return the markets as soon as their prices could be compared, or after two minutes."""
        for _ in range(_FIRST_TRIES - 1):
            if await self._compare():
                break
            await self._connection.clock.sleep(_AGAIN_S)
        return await self._markets()

    async def _markets(self) -> dict[str, str]:
        """Return the market of each asset whose price there agrees with the coin list's."""
        await self._compare()
        assets = self._universe.assets
        choice = choose(self._offered, assets, self._quote)
        known = {asset: self._verdicts.get(asset) for asset in choice.markets}
        apart = [why_not(one) for one in known.values() if one is not None and not one.joined]
        lacking = list(choice.refused)
        notes = [f"{one} (no candles, no books)" for one in apart[:_NAMED]]
        notes += [f"and {len(apart) - _NAMED} more"] if len(apart) > _NAMED else []
        waiting = [choice.markets[asset] for asset, one in known.items() if one is None]
        if waiting:
            notes.append(f"no price yet of {', '.join(waiting[:_NAMED])}")
        if lacking:
            named = ", ".join(lacking[:_NAMED]) + (" ..." if len(lacking) > _NAMED else "")
            total = f"{len(lacking)} of {len(assets)} assets"
            notes.append(f"{total} have no {self._quote} market: {named}")
        self._health.note("; ".join(notes))
        joined = {asset for asset, one in known.items() if one is not None and one.joined}
        return {asset: market for asset, market in choice.markets.items() if asset in joined}

    async def _compare(self) -> bool:
        """Compare the prices of what a newer list has; return whether the exchange answered."""
        markets = choose(self._offered, self._universe.assets, self._quote).markets
        listed = {asset: self._universe.listed(asset) for asset in markets}
        due = [
            asset
            for asset, market in markets.items()
            if is_due(self._verdicts.get(asset), market, listed[asset])
        ]
        if not due:
            return True
        prices: dict[str, float] = {}
        rate = self._usd_rate()
        compared = [asset for asset in due if rate is not None and listed[asset] is not None]
        if compared:
            try:
                prices = await self._connection.prices([markets[asset] for asset in compared])
            except UpstreamError as error:
                self._health.failure(error)
                return False
        now_ms = self._connection.clock.now_ms()
        for asset in due:
            market, before = markets[asset], self._verdicts.get(asset)
            traded = prices.get(market)
            if traded is None and asset in compared:
                continue  # not traded, or not told: looked at again
            traded_usd = None if traded is None or rate is None else traded * rate
            self._take(asset, before, judge(before, market, listed[asset], traded_usd, now_ms))
        await asyncio.to_thread(self._save, dict(self._verdicts))
        return True

    def _take(self, asset: str, before: Verdict | None, verdict: Verdict) -> None:
        self._verdicts[asset] = verdict
        if before is None or before.joined != verdict.joined:
            if not verdict.joined:
                self._universe.prices.pop(asset, None)
                _log.warning("the market of %s is left out: %s", asset, why_not(verdict))
            elif before is not None:
                _log.info("the market of %s is joined: %s", asset, verdict.market)

    def _save(self, verdicts: Mapping[str, Verdict]) -> None:
        try:
            save(self._store, verdicts)
        except OSError as error:
            _log.warning("what the markets' prices said was not kept: %s", error)

    def _usd_rate(self) -> float | None:
        """Return what one unit of the quote is in USD; None where the coin list does not know."""
        if "USD" in self._quote:
            return 1.0
        listed = self._universe.listed(self._quote)
        return None if listed is None else listed.usd

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
            wanted = await self._markets()
            if wanted != markets:
                markets = wanted
                for follow in followers:
                    follow(markets)
