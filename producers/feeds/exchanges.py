"""The exchanges: each asset at the first one that has its market and is not away.

While one is away (`producers.exchange.presence`) the next that has a market takes over, and the
assets go back when it is back. An asset is at one exchange at a time. Where it goes to another, its
candles begin anew there: nothing of the one before comes after the first of the new one, whose past
is published whole, and engines, index and bridge begin a new series with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from producers.dedup.published_index import PublishedIndex
from producers.exchange.backfill import Progress
from producers.exchange.connection import Connection, open_exchange
from producers.feeds.asset_universe import AssetUniverse
from producers.feeds.base import Emit
from producers.feeds.market import Market
from producers.http_client.errors import UpstreamError
from producers.http_client.health import SourceHealth
from producers.http_client.quota import Quota
from producers.http_client.upstream import Limits
from producers.settings import SourceSettings
from schemas.events import MarketEvent
from schemas.market import Candle
from schemas.times import CYCLE_MS
from transport.clock import Clock

_AGAIN_S = 30.0
_FIRST_TRIES = 4


class Exchanges:
    """See the module's docstring. `markets`: one an exchange, in the order in which they count."""

    def __init__(
        self, markets: Sequence[Market], universe: AssetUniverse, emit: Emit, clock: Clock
    ) -> None:
        self._markets, self._universe, self._clock = markets, universe, clock
        self._publish = emit
        self._at: dict[str, str] = {}
        self._lock = asyncio.Lock()
        self._progress: dict[str, Progress] = {}

    async def run(self, on_progress: Callable[[Progress], None], ready: asyncio.Event) -> None:
        """Publish until cancelled; `ready` is set once the first back-fill has been done."""
        self._on_progress = on_progress
        await self._universe.has_assets.wait()
        placed = await self._first_places()
        async with asyncio.TaskGroup() as group:
            await self._settle(placed, group)
            await asyncio.gather(*(one.is_filled.wait() for one in self._markets if one.markets))
            ready.set()
            while True:
                await self._pause()
                await self._settle(await self._places(), group)

    async def _first_places(self) -> dict[str, dict[str, str]]:
        """Return the places as soon as an exchange answers, and prices could be compared.

        For the prices it waits two minutes at most.
        """
        for _ in range(_FIRST_TRIES - 1):
            placed = await self._places()
            asked = [one for one in self._markets if one.is_listed and not one.presence.is_away]
            if asked and all(one.is_compared for one in asked):
                return placed
            await self._clock.sleep(_AGAIN_S)
        while not any(one.is_listed for one in self._markets):
            await self._places()
            await self._clock.sleep(_AGAIN_S)
        return await self._places()

    async def _pause(self) -> None:
        """Wait a minute, or until the universe is another one."""
        changing = asyncio.ensure_future(self._universe.changed.wait())
        sleeping = asyncio.ensure_future(self._clock.sleep(CYCLE_MS / 1000 / 10))
        try:
            await asyncio.wait([changing, sleeping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            changing.cancel()
            sleeping.cancel()

    async def _places(self) -> dict[str, dict[str, str]]:
        """Return each asset's market, by exchange: who comes later is asked for what is left."""
        self._universe.changed.clear()
        left = list(self._universe.wanted)
        placed: dict[str, dict[str, str]] = {one.name: {} for one in self._markets}

        async def place(market: Market, assets: Sequence[str]) -> None:
            found = await market.joined(assets)
            placed[market.name] |= found
            # Until its prices can be asked for, nobody else gets what is nowhere yet.
            held = () if market.is_compared else market.undecided - self._at.keys()
            left[:] = [asset for asset in left if asset not in found and asset not in held]

        for market in self._markets:
            if left or market.presence.is_away:  # it is looked at to learn that it is back
                await market.look()
            if left and not market.presence.is_away:
                if not market.is_listed:
                    break  # it has a minute to answer before it counts as away
                await place(market, left)
        # What nobody else has stays where it is, and else goes to one that at least answers.
        for market in self._markets:
            if market.presence.is_away:
                staying = [asset for asset in left if asset in market.markets]
                placed[market.name] |= {asset: market.markets[asset] for asset in staying}
                left = [asset for asset in left if asset not in staying]
                if left and market.presence.good_since is not None:
                    await place(market, left)
        self._universe.without_market = tuple(left)
        return placed

    async def _settle(self, placed: dict[str, dict[str, str]], group: asyncio.TaskGroup) -> None:
        """Let each exchange have its assets, once nothing of the ones before is under way."""
        async with self._lock:
            self._at = {asset: name for name, markets in placed.items() for asset in markets}
            for market in self._markets:
                report = self._progress_of(market.name)
                market.follow(placed[market.name], self._emit, report, group)
                _tell(market, self._at)

    def _progress_of(self, name: str) -> Callable[[Progress], None]:
        def on_progress(progress: Progress) -> None:
            self._progress[name] = progress
            parts = self._progress.values()
            self._on_progress(
                Progress(
                    sum(one.done for one in parts),
                    sum(one.series for one in parts),
                    sum(one.candles for one in parts),
                )
            )

        return on_progress

    async def _emit(self, exchange: str, events: Sequence[MarketEvent]) -> int:
        """Publish what is of assets that are still here. UpstreamError for a closed candle else.

        It would count as published, and be missing for ever.
        """
        async with self._lock:
            here = [event for event in events if self._at.get(event.asset) == exchange]
            if len(here) < len(events) and any(
                isinstance(event, Candle) and event.closed for event in events
            ):
                raise UpstreamError(exchange, "not_found", "its asset has gone to another exchange")
            return await self._publish(exchange, here)


def _tell(market: Market, at: dict[str, str]) -> None:
    """Say in an exchange's status that it stands by, or who has taken over."""
    others = ", ".join(sorted({name for name in at.values() if name != market.name}))
    if market.markets or not others:
        market.health.off(None)
    elif market.presence.is_away:
        market.health.off(f"away, {others} in place of it: {market.presence.why}")
    else:
        market.health.off("stands by: no asset needs it")


def _circuit(connection: Connection) -> str:
    return connection.circuit


async def open_markets(
    settings: SourceSettings,
    clock: Clock,
    universe: AssetUniverse,
    index: PublishedIndex,
    feeds: Sequence[str],
    folder: Path,
) -> tuple[list[Market], list[Connection]]:
    """Return the exchanges of the settings, and their connections: close them. No request is made.

    `folder` keeps what prices said. ValueError for an exchange that ccxt does not have.
    """
    markets, connections = [], []
    for name in settings.all_exchanges:
        # It only counts: ccxt keeps the exchange's limits, which go by weight.
        requests = Quota(Limits(), clock, upstream=name)
        connection = await open_exchange(name, settings, clock, quota=requests)
        connections.append(connection)
        health = SourceHealth(
            name, tuple(feeds), requests, clock, circuit=partial(_circuit, connection)
        )
        market = Market(
            connection,
            universe,
            health,
            index,
            feeds=feeds,
            quotes=settings.quote,
            levels=settings.book_levels,
            store=folder / f"{name}.json",
        )
        markets.append(market)
    return markets, connections
