"""The exchange's part against a stand-in that trades another coin under a listed ticker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from producers.dedup.headlines import SeenNews
from producers.dedup.published_index import PublishedIndex
from producers.exchange.connection import Connection
from producers.feeds.asset_universe import AssetUniverse
from producers.feeds.exchanges import Exchanges
from producers.feeds.market import Market
from producers.http_client.health import SourceHealth
from producers.upstreams import coingecko
from producers.upstreams.rows import CoinRow
from schemas.events import MarketEvent
from schemas.times import MINUTE_MS
from tests.integration.producers.exchange.harness import ASSETS, Exchange, Published, until

OTHER_COINS_USD = 0.09


class World:
    """A market feed that runs beside the test, and what it has published."""

    def __init__(self, exchange: Exchange, connection: Connection, folder: Path) -> None:
        self.exchange, self.connection = exchange, connection
        self.store = folder / "markets" / "one.json"
        self.published = Published()
        self.begin()

    def begin(self) -> None:
        """Begin as a process does."""
        clock = self.exchange.clock
        self.universe = AssetUniverse()
        self.health = SourceHealth(self.exchange.name, ("candles", "books"), None, clock)

    def list_coins(self, **prices: float | None) -> None:
        """Take in a coin list; assets not named have the exchange's price."""
        now_ms = self.exchange.clock.now_ms()
        coins = [
            CoinRow(
                source="coingecko",
                source_id=asset.lower(),
                symbol=asset,
                name=asset.title(),
                price_usd=prices.get(asset, self.exchange.prices.price(asset, now_ms)),
                volume_24h_usd=1e6,
                market_cap_rank=rank,
            )
            for rank, asset in enumerate(ASSETS, start=1)
        ]
        self.universe.learn(coins, now_ms)
        self.universe.follow(ASSETS)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        ready = asyncio.Event()
        market = Market(
            self.connection,
            self.universe,
            self.health,
            PublishedIndex(SeenNews()),
            feeds=("candles", "books"),
            quotes=("USDT",),
            levels=20,
            store=self.store,
        )
        exchanges = Exchanges([market], self.universe, self._emit, self.exchange.clock)
        task = asyncio.create_task(exchanges.run(lambda progress: None, ready))
        try:
            await asyncio.wait_for(ready.wait(), 30.0)
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _emit(self, source: str, events: Sequence[MarketEvent]) -> int:
        await self.published(events)
        return len(events)

    def of(self, asset: str) -> int:
        """Return how many candles and books of an asset there are."""
        return sum(event.asset == asset for event in self.published.events)

    def note(self) -> str:
        return self.health.status().detail

    async def lists_until(self, holds: Callable[[], bool], **prices: float | None) -> int:
        """Give a list a minute until something holds; return how many."""
        given = 0
        while not holds():
            self.list_coins(**prices)
            given += 1
            assert given < 20
            ends_ms = self.exchange.clock.now_ms() + MINUTE_MS
            while self.exchange.clock.now_ms() < ends_ms and not holds():
                await asyncio.sleep(0.02)
        return given


@pytest.fixture
def world(exchange: Exchange, connection: Connection, tmp_path: Path) -> World:
    return World(exchange, connection, tmp_path)


async def test_case_one_ticker_two_coins(world: World) -> None:
    world.list_coins(SOL=OTHER_COINS_USD)
    async with world.running():
        await until(lambda: world.of("BTC") > 0 and bool(world.published.books), "candles, books")
    assert world.of("SOL") == 0
    assert world.of("ETH") > 0
    assert "SOL/USDT is another coin than the list's" in world.note()
    assert "0.09 in the list" in world.note()


async def test_an_asset_without_a_price_in_the_list_is_not_held_up(world: World) -> None:
    world.list_coins(SOL=None)
    async with world.running():
        assert world.of("SOL") > 0
    assert world.note() == ""


async def test_what_was_said_survives_and_a_later_agreement_joins(world: World) -> None:
    world.list_coins(SOL=OTHER_COINS_USD)
    async with world.running():
        pass
    world.begin()
    world.list_coins()
    async with world.running():
        assert world.of("SOL") == 0  # one look is not enough
        assert await world.lists_until(lambda: world.of("SOL") > 0) >= 2
    assert world.note() == ""


async def test_three_lists_end_what_one_does_not(world: World) -> None:
    world.list_coins()
    async with world.running():
        assert world.of("SOL") > 0
        given = await world.lists_until(lambda: "SOL/USDT" in world.note(), SOL=OTHER_COINS_USD)
        assert given >= 3
        await asyncio.sleep(2.0)  # what was under way
        before = world.of("SOL")
        await asyncio.sleep(2.5)
        assert world.of("SOL") == before


async def test_an_exchange_without_a_list_of_prices_is_asked_for_candles(world: World) -> None:
    world.exchange.fault("html", status=404, path="icker")
    world.list_coins(SOL=OTHER_COINS_USD)
    async with world.running():
        assert world.of("BTC") > 0
    assert world.of("SOL") == 0


@pytest.mark.shared_data
def test_case_one_ticker_two_coins_as_given(shared_data: Path) -> None:
    from marketdata.assets.markets import choose
    from producers.exchange.agreement import judge

    folder = shared_data.parent / "cases" / "one-ticker-two-coins"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    market = json.loads((folder / "market.json").read_text("utf-8"))
    coins = coingecko.parse_markets(json.loads((folder / "coins.json").read_text("utf-8"))).rows
    now_ms = 1_796_050_800_000  # 2026-11-30 15:00 UTC
    universe = AssetUniverse()
    universe.learn(coins, now_ms)
    chosen = choose({market["symbol"]: market}, ["NEIRO"], "USDT").markets
    verdict = judge(None, chosen["NEIRO"], universe.listed("NEIRO"), market["last"], now_ms)
    assert not verdict.joined
