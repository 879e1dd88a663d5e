"""The trending feed: a tick an asset at the start of every cycle, whatever the upstreams do.

The first coin list that answers counts: LunarCrush with a key, CoinGecko without. It gives the
trending assets, and the rows of the others of the universe; of an asset that it does not have,
another list's row of the last hour, or the exchange's price, makes the tick. When no list answers,
the last ticks' assets go on with the exchange's prices: without a tick there is no cycle. A start
remembers no list: until the first one comes, what pins and strategies name ticks at these prices.
What comes into the universe within a cycle gets its tick of that cycle at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence

from msgspec.structs import replace

from producers.dedup.published_index import PublishedIndex
from producers.feeds.asset_universe import AssetUniverse
from producers.feeds.base import Emit
from producers.feeds.ticks import DayTraded, has_price, held_over, meant, most_watched, ticks
from producers.feeds.upstream_clients import UpstreamClient
from producers.schedule.cycles import cycle_of
from producers.upstreams import coingecko, lunarcrush
from producers.upstreams.rows import CoinRow
from schemas.market import TrendingAsset
from schemas.times import CYCLE_MS, HOUR_MS, MINUTE_MS
from schemas.validation import TIMEFRAME_MS
from transport.clock import Clock

_log = logging.getLogger(__name__)
_WITHIN_S = 20.0
"""Wall seconds for one list with its retries: the next one, or the last, is better than late."""
_LIST_SIZE = 1000
_NO_CANDLES_MS = MINUTE_MS

CoinList = Callable[[], Awaitable[Sequence[CoinRow]]]
"""Fetches the coins of one upstream; empty when it fails."""

Ticks = tuple[TrendingAsset, ...]


class TrendingFeed:
    """See the module's docstring. `lists` are tried in their order.

    `left` returns what is to be published of a cycle's ticks, of which some may be in the topic.
    """

    name = "trending"
    cadence_ms = CYCLE_MS

    def __init__(
        self,
        lists: Sequence[CoinList],
        universe: AssetUniverse,
        emit: Emit,
        clock: Clock,
        size: int,
        left: Callable[[Ticks], Ticks] = lambda ticks: ticks,
        index: PublishedIndex | None = None,
    ) -> None:
        self._lists, self._universe, self._emit = lists, universe, emit
        self._clock, self._size, self._left = clock, size, left
        self._index = index
        self._last: Ticks = ()
        self._running = asyncio.Lock()
        self._came: dict[str, int] = {}

    async def prime(self) -> None:
        """Learn which assets the first cycle will have, without publishing anything."""
        await self._ticks(0)

    async def run(self, cycle_ms: int) -> None:
        """Publish the ticks of a cycle."""
        async with self._running:
            await self._run(cycle_ms)

    async def newcomers(self) -> None:
        """Publish a tick of the present cycle for what came into the universe since it began.

        As soon as it has its candles: the engines answer the tick with what they know. Without any
        within a minute, it has none.
        """
        async with self._running:
            seen, now_ms = None if self._index is None else self._index.cycle, self._clock.now_ms()
            if seen is None or seen.cycle != cycle_of(now_ms) or len(seen.assets) < seen.size:
                return
            new = [asset for asset in self._universe.wanted if asset not in seen.assets]
            self._came = {asset: self._came.get(asset, now_ms) for asset in new}
            waiting = [asset for asset in new if not self._is_ready(asset, now_ms)]
            made = self._new((), (), seen.cycle, {*seen.assets, *waiting})
            if not made:
                return
            size = len(seen.assets) + len(made)
            lowest = max((tick.rank for tick in self._last), default=len(seen.assets))
            events = self._universe.with_volumes(
                replace(tick, cycle_size=size, rank=rank)
                for rank, tick in enumerate(made, start=lowest + 1)
            )
            self._last += events
            await self._emit(events[0].source, events)

    def _is_ready(self, asset: str, now_ms: int) -> bool:
        """Return whether an asset's candles are there, or are waited for no longer."""
        if now_ms - self._came[asset] >= _NO_CANDLES_MS or not self._universe.has_exchanges:
            return True
        index, universe = self._index, self._universe
        return asset in universe.without_market or (
            index is not None and all(index.closed_times(asset, one) for one in TIMEFRAME_MS)
        )

    async def _run(self, cycle_ms: int) -> None:
        events = self._universe.with_volumes(await self._ticks(cycle_ms))
        if not events:
            _log.warning("no coin list and no prices yet: cycle %d has no ticks", cycle_ms)
            return
        self._last = events
        await self._emit(events[0].source, self._left(events))

    async def _ticks(self, cycle_ms: int) -> Ticks:
        for coins_of in self._lists:
            coins = await coins_of()
            self._universe.learn(coins, self._clock.now_ms())
            chosen = most_watched(coins, self._universe.catalogue, self._size)
            if chosen:
                self._universe.leading = chosen[0].source
                self._universe.follow(coin.symbol for coin in chosen)
                return self._new(chosen, coins, cycle_ms)
        if not self._universe.trending:
            self._universe.follow(())
        last = [tick for tick in self._last if tick.asset in self._universe.wanted]
        had = {tick.asset for tick in last}
        more = self._new((), (), cycle_ms, had)
        now_ms = self._clock.now_ms()
        mood = self._universe.mood(now_ms)
        return held_over(last, cycle_ms, now_ms, self._universe.prices, more, mood)

    def _new(
        self,
        chosen: Sequence[CoinRow],
        coins: Sequence[CoinRow],
        cycle_ms: int,
        had: Collection[str] = (),
    ) -> Ticks:
        """Return the ticks of a list's chosen rows, and of the universe's other assets."""
        universe, now_ms = self._universe, self._clock.now_ms()
        taken = {*had, *(coin.symbol for coin in chosen)}
        others = [asset for asset in universe.wanted if asset not in taken]
        here = meant(filter(has_price, coins), universe.catalogue)
        rows, traded = list(chosen), dict[str, DayTraded]()
        for asset in others:
            row = here.get(asset) or _market_of(universe.coin(asset, since_ms=now_ms - HOUR_MS))
            day = universe.traded.get(asset)
            if row is not None and has_price(row):
                rows.append(row)
            elif day is not None and now_ms - day.seen_ms <= HOUR_MS:
                price = universe.prices.get(asset)
                if price is not None and price.seen_ms > day.seen_ms:
                    day = day._replace(seen_ms=price.seen_ms, usd=price.usd)
                traded[asset] = day
        listed = {coin.symbol for coin in chosen} | here.keys()
        said, mood = universe.topics(now_ms), universe.mood(now_ms)
        topics = {asset: topic for asset, topic in said.items() if asset in listed}
        return ticks(rows, cycle_ms, now_ms, topics, traded, mood)


def _market_of(row: CoinRow | None) -> CoinRow | None:
    """Return a row of an earlier list without what the networks said: that is old by now."""
    if row is None:
        return None
    return replace(
        row,
        galaxy_score=None,
        alt_rank=None,
        social_volume=None,
        interactions=None,
        sentiment_pct=None,
    )


def lunarcrush_list(client: UpstreamClient) -> CoinList:
    """Return LunarCrush's list: a thousand coins in one request."""

    async def coins() -> Sequence[CoinRow]:
        parsed = await client.call(lunarcrush.fetch_coins, _LIST_SIZE, within_s=_WITHIN_S)
        return () if parsed is None else parsed.rows

    return coins


def coingecko_list(client: UpstreamClient) -> CoinList:
    """Return CoinGecko's trending coins, then the 250 largest by what is traded."""

    async def coins() -> Sequence[CoinRow]:
        markets = await client.call(coingecko.fetch_markets, within_s=_WITHIN_S)
        if markets is None:
            return ()
        trending = await client.call(coingecko.fetch_trending, within_s=_WITHIN_S)
        by_id = {coin.source_id: coin for coin in markets.rows}
        first = () if trending is None else trending.rows
        rows = [by_id.get(coin.source_id, coin) for coin in first]
        rest = sorted(markets.rows, key=lambda coin: -(coin.volume_24h_usd or 0.0))
        return [*rows, *(coin for coin in rest if coin not in rows)]

    return coins
