"""Several exchanges: who has an asset's market, who takes over, and that no series is mixed."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import groupby
from pathlib import Path

import pytest

from producers.dedup.headlines import SeenNews
from producers.dedup.published_index import PublishedIndex
from producers.exchange.candle_tracker import CANDLES
from producers.exchange.presence import BACK_AFTER_MS
from producers.feeds.asset_universe import AssetUniverse
from producers.feeds.exchanges import Exchanges
from producers.feeds.market import Market
from producers.http_client.health import SourceHealth
from producers.upstreams.rows import CoinRow
from schemas.control import Strategy
from schemas.events import MarketEvent
from schemas.market import Candle
from schemas.times import MINUTE_MS
from tests.integration.producers.exchange.harness import (
    START_MS,
    Exchange,
    Prices,
    Published,
    clock_at,
    serving,
    until,
)

SPEED = 240.0
ALL = ("BTC", "ETH", "SOL", "PEPE")


class Venues:
    """Stand-ins side by side and the exchanges part of the producers; what it has published."""

    def __init__(self, served: Mapping[str, Exchange], folder: Path) -> None:
        self.served = served
        self.clock = next(iter(served.values())).clock
        self.published, self.index = Published(), PublishedIndex(SeenNews())
        self.universe = AssetUniverse()
        listed = [asset for asset in ALL if any(asset in one.assets for one in served.values())]
        self.universe.learn([_coin(asset, self) for asset in listed], self.clock.now_ms())
        self.connections = [one.connect() for one in served.values()]
        self.markets = [
            Market(
                connection,
                self.universe,
                SourceHealth(connection.name, ("candles", "books"), None, self.clock),
                self.index,
                feeds=("candles", "books"),
                quotes=("USDT", "USD"),
                levels=20,
                store=folder / f"{connection.name}.json",
            )
            for connection in self.connections
        ]

    async def emit(self, source: str, events: Sequence[MarketEvent]) -> int:
        new = [event for event in events if self.index.claim(event)]
        await self.published(new)
        return len(new)

    @asynccontextmanager
    async def running(self, assets: Sequence[str] = ALL) -> AsyncIterator[None]:
        self.universe.follow(assets)
        ready = asyncio.Event()
        exchanges = Exchanges(self.markets, self.universe, self.emit, self.clock)
        task = asyncio.create_task(exchanges.run(lambda progress: None, ready))
        try:
            await asyncio.wait_for(ready.wait(), 30.0)
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def at(self, asset: str) -> str:
        """Return the exchange of an asset's last event; "" before the first."""
        of = [event.source for event in self.published.events if event.asset == asset]
        return of[-1] if of else ""

    def state(self, name: str) -> str:
        status = next(one for one in self.markets if one.name == name).health.status()
        return f"{status.state}: {status.detail}"

    def segments(self, asset: str, timeframe: str) -> list[tuple[str, int]]:
        """Return the exchanges of a series in the order of the log, and how many closed candles."""
        closed = [
            one.exchange
            for one in self.published.closed
            if (one.asset, one.timeframe) == (asset, timeframe)
        ]
        return [(name, len(list(group))) for name, group in groupby(closed)]


def _coin(asset: str, venues: Venues) -> CoinRow:
    prices = next(one.prices for one in venues.served.values() if asset in one.assets)
    return CoinRow(
        source="coingecko",
        source_id=asset.lower(),
        symbol=asset,
        name=asset.title(),
        price_usd=prices.price(asset, venues.clock.now_ms()),
        volume_24h_usd=1e6,
        market_cap_rank=ALL.index(asset) + 1,
    )


@asynccontextmanager
async def venues(
    folder: Path, speed: float = SPEED, **traded: Sequence[str]
) -> AsyncIterator[Venues]:
    """Serve stand-ins by name, each with its assets, and close what was opened."""
    clock = clock_at(START_MS, speed)
    async with AsyncExitStack() as exits:
        served = {
            name: await exits.enter_async_context(serving(name, clock, Prices(assets)))
            for name, assets in traded.items()
        }
        made = Venues(served, folder)
        for connection in made.connections:
            exits.push_async_callback(connection.close)
        yield made


async def test_an_asset_without_a_market_is_looked_for_on_the_next_exchange(tmp_path: Path) -> None:
    async with venues(tmp_path, binance=("BTC", "ETH"), kraken=("BTC", "SOL"), okx=ALL) as made:
        async with made.running():
            await until(lambda: all(map(made.at, ALL)), "everything is somewhere")
        assert {asset: made.at(asset) for asset in ALL} == {
            "BTC": "binance",
            "ETH": "binance",
            "SOL": "kraken",
            "PEPE": "okx",
        }
        for asset in ALL:
            assert len(made.published.times(asset, "1d")) == CANDLES
        assert not made.published.doubled()


async def test_an_exchange_that_nobody_needs_is_not_asked(tmp_path: Path) -> None:
    async with venues(tmp_path, bybit=ALL, kraken=ALL) as made:
        async with made.running():
            await until(lambda: bool(made.published.books), "books")
        assert made.served["kraken"].requests() == 0
        assert made.state("kraken") == "off: stands by: no asset needs it"


async def test_a_refused_place_falls_back_at_once(tmp_path: Path) -> None:
    async with venues(tmp_path, binance=ALL, kraken=ALL) as made:
        made.served["binance"].fault("status", status=451)
        began_ms = made.clock.now_ms()
        async with made.running():
            took_ms = made.clock.now_ms() - began_ms
            assert {made.at(asset) for asset in ALL} == {"kraken"}
        assert made.state("binance").startswith(
            "off: away, kraken in place of it: binance: it does"
        )
    assert took_ms < 20 * MINUTE_MS


async def test_who_goes_away_is_replaced_and_comes_back_and_no_series_is_mixed(
    tmp_path: Path,
) -> None:
    async with venues(tmp_path, binance=("BTC", "ETH"), kraken=("BTC", "ETH")) as made:
        async with made.running(("BTC", "ETH")):
            assert made.at("BTC") == "binance"
            fault = made.served["binance"].fault("unplugged")
            died_ms = made.clock.now_ms()
            await until(lambda: made.at("BTC") == "kraken", "kraken takes over", 40)
            assert "kraken in place of it" in made.state("binance")
            took_ms = made.clock.now_ms() - died_ms
            made.served["binance"].faults.remove(fault)
            there_ms = made.clock.now_ms()
            await until(lambda: made.at("BTC") == "binance", "binance is back", 90)
            assert made.clock.now_ms() - there_ms >= BACK_AFTER_MS
            await until(lambda: len(made.segments("ETH", "1d")) == 3, "its candles")
        assert 5 * MINUTE_MS <= took_ms <= 20 * MINUTE_MS
        for asset in ("BTC", "ETH"):
            for timeframe in ("1h", "4h", "1d"):
                found = made.segments(asset, timeframe)
                assert [name for name, _ in found] == ["binance", "kraken", "binance"]
                assert all(count >= CANDLES for _, count in found), found
                _in_order(made.published.closed, asset, timeframe)


def _in_order(closed: Sequence[Candle], asset: str, timeframe: str) -> None:
    """Each segment is whole: its candles follow one another."""
    by_segment: dict[int, list[int]] = defaultdict(list)
    number, last = 0, ""
    for one in closed:
        if (one.asset, one.timeframe) != (asset, timeframe):
            continue
        number += one.exchange != last
        last = one.exchange
        by_segment[number].append(one.open_time)
        length = one.close_time - one.open_time
    for times in by_segment.values():
        assert times == list(range(times[0], times[-1] + 1, length))


async def test_a_short_fault_changes_nothing(tmp_path: Path) -> None:
    async with venues(tmp_path, speed=60.0, binance=("BTC",), kraken=("BTC",)) as made:
        async with made.running(("BTC",)):
            fault = made.served["binance"].fault("status", status=500)
            await made.clock.sleep(120.0)
            made.served["binance"].faults.remove(fault)
            await made.clock.sleep(240.0)
        assert made.at("BTC") == "binance"
        assert made.served["kraken"].requests() == 0


async def test_with_one_exchange_alone_its_return_is_not_waited_for(tmp_path: Path) -> None:
    async with venues(tmp_path, kraken=("BTC",)) as made:
        made.served["kraken"].fault("status", status=502, until_ms=START_MS + 10 * MINUTE_MS)
        async with made.running(("BTC",)):
            assert made.at("BTC") == "kraken"
            assert made.clock.now_ms() < START_MS + 10 * MINUTE_MS + BACK_AFTER_MS


@pytest.mark.long
async def test_candles_of_five_minutes_come_while_a_strategy_wants_them(tmp_path: Path) -> None:
    wanting = Strategy(
        strategy_id="fast", owner="user", user_id="u", name="Fast", assets=("ETH",), timeframe="5m"
    )
    async with venues(tmp_path, speed=60.0, bybit=("BTC", "ETH")) as made:
        async with made.running(("BTC", "ETH")):
            assert made.published.times("ETH", "5m") == []
            made.universe.watch([wanting])
            await until(lambda: len(made.published.times("ETH", "5m")) >= CANDLES, "candles of 5m")
            await until(lambda: len(made.published.times("ETH", "5m")) >= CANDLES + 2, "live ones")
            made.universe.watch([])
            await until(lambda: not made.universe.changed.is_set(), "it is taken in")
            await asyncio.sleep(0.5)
            before = len(made.published.times("ETH", "5m"))
            await made.clock.sleep(900.0)
            assert len(made.published.times("ETH", "5m")) == before
        assert made.published.times("BTC", "5m") == []
        assert made.published.times("ETH", "15m") == []
