"""One exchange: its list of markets, what their prices say, candles and books of those followed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
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
from producers.exchange.connection import Connection, Traded
from producers.exchange.presence import Presence, answered, failed
from producers.feeds.asset_universe import AssetUniverse
from producers.feeds.ticks import DayTraded
from producers.http_client.errors import UpstreamError
from producers.http_client.health import SourceHealth
from schemas.events import MarketEvent
from schemas.times import CYCLE_MS, HOUR_MS

_log = logging.getLogger(__name__)
_AGAIN_MS = 30_000
_LISTINGS_MS = 24 * HOUR_MS
_NAMED = 5

Emit = Callable[[str, Sequence[MarketEvent]], Awaitable[object]]
"""Publishes events of an exchange, given by its name."""


class Market:
    """See the module's docstring. `feeds` are candles and books, or one of them.

    markets  those that are followed: symbol by asset
    is_listed, is_compared   its list of markets is there; their prices could be asked for
    undecided  assets whose market has told no price yet
    store    file of what the prices said of each market, kept over restarts
    """

    def __init__(
        self,
        connection: Connection,
        universe: AssetUniverse,
        health: SourceHealth,
        index: PublishedIndex,
        *,
        feeds: Sequence[str],
        quotes: Sequence[str],
        levels: int,
        store: Path,
    ) -> None:
        self.name, self.health, self.presence = connection.name, health, Presence()
        self.markets: Mapping[str, str] = {}
        self.is_listed = self.is_compared = False
        self.undecided: frozenset[str] = frozenset()
        self.is_filled = asyncio.Event()
        self._connection, self._universe, self._index = connection, universe, index
        self._feeds, self._quotes, self._levels, self._store = feeds, quotes, levels, store
        self._offered: dict[str, Any] = {}
        self._look_at_ms = 0
        self._verdicts = load(store)
        self._more: Mapping[str, tuple[str, ...]] = {}
        self._is_begun = False
        self._books: BookFeed | None = None
        self._tracker: CandleTracker | None = None
        self._candles: CandleFeed | None = None

    def success(self) -> None:
        """Take a good answer."""
        self.health.success()
        self.presence = answered(self.presence, self._connection.clock.now_ms())

    def failure(self, error: Exception) -> None:
        """Take an error."""
        self.health.failure(error)
        before, now_ms = self.presence, self._connection.clock.now_ms()
        self.presence = failed(before, error, now_ms)
        if self.presence.is_away and not before.is_away:
            _log.warning("%s is away: %s", self.name, error)
            self._look_at_ms = now_ms + self.presence.look_ms

    async def look(self) -> None:
        """Ask for the list of markets if it is due: at first, daily, and while it is away."""
        clock = self._connection.clock
        if clock.now_ms() < self._look_at_ms:
            return
        try:
            self._offered = await self._connection.markets()
        except UpstreamError as error:
            self.failure(error)
            again_ms = _AGAIN_MS
        else:
            self.success()
            self.is_listed, again_ms = True, _LISTINGS_MS
        again_ms = self.presence.look_ms if self.presence.is_away else again_ms
        self._look_at_ms = clock.now_ms() + again_ms

    async def joined(self, assets: Collection[str]) -> dict[str, str]:
        """Return the market of each asset that has one here, if its price is the coin list's."""
        chosen = self._choose(assets)
        self.is_compared = await self._compare(chosen)
        await self._price(chosen)
        known = {asset: self._verdicts.get(asset) for asset in chosen}
        apart = [why_not(one) for one in known.values() if one is not None and not one.joined]
        notes = [f"{one} (no candles, no books)" for one in apart[:_NAMED]]
        notes += [f"and {len(apart) - _NAMED} more"] if len(apart) > _NAMED else []
        waiting = [chosen[asset] for asset, one in known.items() if one is None]
        if waiting:
            notes.append(f"no price yet of {', '.join(waiting[:_NAMED])}")
        self.health.note("; ".join(notes))
        self.undecided = frozenset(asset for asset, one in known.items() if one is None)
        joined = {asset for asset, one in known.items() if one is not None and one.joined}
        return {asset: market for asset, market in chosen.items() if asset in joined}

    def _choose(self, assets: Iterable[str]) -> dict[str, str]:
        """Return each asset's market in the first quote currency that it has one in."""
        found: dict[str, str] = {}
        for quote in self._quotes:
            left = [asset for asset in assets if asset not in found]
            found |= choose(self._offered, left, quote).markets
        return {asset: found[asset] for asset in assets if asset in found}

    async def _compare(self, markets: Mapping[str, str]) -> bool:
        """Compare the prices of what a newer list has; return whether the exchange answered."""
        listed = {asset: self._universe.listed(asset) for asset in markets}
        due = [
            asset
            for asset, market in markets.items()
            if is_due(self._verdicts.get(asset), market, listed[asset])
        ]
        if not due:
            return True
        rates = {asset: self._usd_rate(markets[asset]) for asset in due}
        compared = [asset for asset in due if rates[asset] and listed[asset] is not None]
        traded = await self._traded([markets[asset] for asset in compared])
        if traded is None:
            return False
        now_ms = self._connection.clock.now_ms()
        for asset in due:
            market, before, rate = markets[asset], self._verdicts.get(asset), rates[asset]
            told = traded.get(market)
            if told is None and asset in compared:
                continue  # not traded, or not told: looked at again
            usd = None if told is None or rate is None else told.price * rate
            self._take(asset, before, judge(before, market, listed[asset], usd, now_ms))
        await asyncio.to_thread(self._save, dict(self._verdicts))
        return True

    async def _price(self, markets: Mapping[str, str]) -> None:
        """Learn what assets are traded at that no list has, or has had for an hour: for ticks."""
        now_ms, known = self._connection.clock.now_ms(), self._universe.traded
        due = [
            asset
            for asset in markets
            if self._universe.coin(asset, since_ms=now_ms - HOUR_MS) is None
            and (asset not in known or now_ms - known[asset].seen_ms >= CYCLE_MS // 2)
        ]
        traded = await self._traded([markets[asset] for asset in due]) or {}
        for asset in due:
            told, rate = traded.get(markets[asset]), self._usd_rate(markets[asset])
            if told is not None and told.volume is not None and rate is not None:
                known[asset] = DayTraded(now_ms, told.price * rate, told.volume * rate)

    async def _traded(self, symbols: Sequence[str]) -> dict[str, Traded] | None:
        if not symbols:
            return {}
        try:
            return await self._connection.traded(symbols)
        except UpstreamError as error:
            self.failure(error)
            return None

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

    def _usd_rate(self, market: str) -> float | None:
        """Return what one unit of a market's quote is in USD; None where no list knows."""
        quote = str(self._offered[market]["quote"])
        if "USD" in quote:
            return 1.0
        listed = self._universe.listed(quote)
        return None if listed is None else listed.usd

    def follow(
        self,
        markets: Mapping[str, str],
        emit: Emit,
        on_progress: Callable[[Progress], None],
        group: asyncio.TaskGroup,
    ) -> None:
        """Publish candles and books of these markets from now on; its tasks are `group`'s.

        `is_filled` is set once the first back-fill has been done.
        """
        more = self._universe.timeframes(markets)
        if (markets, more) == (self.markets, self._more):
            return
        self.markets, self._more = dict(markets), more
        if not self._is_begun and markets:
            self._begin(partial(emit, self.name), on_progress, group)
        if self._books is not None:
            self._books.follow(markets)
        if self._candles is not None:
            self._candles.follow(markets, more)
        elif self._tracker is not None:
            self._tracker.follow(markets, more)

    def _begin(
        self,
        emit: Callable[[Sequence[MarketEvent]], Awaitable[object]],
        on_progress: Callable[[Progress], None],
        group: asyncio.TaskGroup,
    ) -> None:
        self._is_begun = True
        if "books" in self._feeds:
            self._books = BookFeed(self._connection, {}, emit, levels=self._levels, reports=self)
            group.create_task(self._books.run())
        if "candles" not in self._feeds:
            self.is_filled.set()
            return
        known = partial(self._index.closed_times, exchange=self.name)
        self._tracker = CandleTracker(self.name, {}, known=known)
        group.create_task(self._run_candles(self._tracker, emit, on_progress))

    async def _run_candles(
        self,
        tracker: CandleTracker,
        emit: Callable[[Sequence[MarketEvent]], Awaitable[object]],
        on_progress: Callable[[Progress], None],
    ) -> None:
        filled = await backfill(self._connection, tracker, emit, on_progress=on_progress)
        for error in filled.errors:
            self.failure(error)
        if filled.candles:
            self.success()
        self._candles = CandleFeed(self._connection, tracker, emit, reports=self)
        self.is_filled.set()
        await self._candles.run()
