"""The ticks of a universe: what trends, and what is pinned or named, with and without a list."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from producers.dedup.headlines import SeenNews
from producers.dedup.published_index import PublishedIndex
from producers.feeds.asset_universe import AssetUniverse
from producers.feeds.ticks import DayTraded, Price
from producers.feeds.trending import TrendingFeed
from producers.upstreams.rows import CoinRow
from schemas.control import Strategy
from schemas.events import MarketEvent
from schemas.market import TrendingAsset
from schemas.times import CYCLE_MS, HOUR_MS
from schemas.validation import TIMEFRAME_MS, problem
from tests.factories import candle
from tests.unit.producers.feeds.coins import T0, coin
from tests.unit.producers.http_client.harness import StepClock


class Cycles:
    """A trending feed of the two most watched coins of a list, pinned BTC and a strategy's KAS."""

    def __init__(self, *rows: CoinRow) -> None:
        self.rows: Sequence[CoinRow] = rows
        self.clock = StepClock(T0)
        self.universe = AssetUniverse(("BTC",))
        self.watch("KAS")
        self.ticks: list[TrendingAsset] = []
        self.index = PublishedIndex(SeenNews())
        self.feed = TrendingFeed(
            [self._list], self.universe, self._emit, self.clock, 2, index=self.index
        )

    def watch(self, *assets: str) -> None:
        mine = Strategy(strategy_id="mine", owner="user", name="Mine", assets=assets)
        self.universe.watch([mine] if assets else [])

    async def _list(self) -> Sequence[CoinRow]:
        return self.rows

    async def _emit(self, source: str, events: Sequence[MarketEvent]) -> int:
        self.ticks = [event for event in events if isinstance(event, TrendingAsset)]
        assert all(map(self.index.claim, events))
        return len(events)

    async def next(self) -> dict[str, TrendingAsset]:
        """Return the ticks of the next cycle, each of which counts all of them."""
        self.ticks = []
        self.clock.at_ms += CYCLE_MS
        await self.feed.run(self.clock.at_ms)
        assert {tick.cycle_size for tick in self.ticks} <= {len(self.ticks)}
        assert [tick.rank for tick in self.ticks] == list(range(1, len(self.ticks) + 1))
        assert not any(map(problem, self.ticks))
        return {tick.asset: tick for tick in self.ticks}

    def trade(self, asset: str, usd: float) -> None:
        self.universe.traded[asset] = DayTraded(self.clock.at_ms, usd, 1000.0 * usd)


LISTED = tuple(coin(name, alt_rank=rank) for rank, name in enumerate(("SOL", "DOGE", "BTC", "KAS")))


async def test_pinned_and_named_assets_tick_behind_the_trending_ones() -> None:
    cycles = Cycles(*LISTED)
    assert list(await cycles.next()) == ["SOL", "DOGE", "BTC", "KAS"]
    cycles.watch("KAS", "DOGE")
    assert list(await cycles.next()) == ["SOL", "DOGE", "BTC", "KAS"]
    cycles.watch()
    assert list(await cycles.next()) == ["SOL", "DOGE", "BTC"]


async def test_what_no_list_has_ticks_at_the_exchange_s_price() -> None:
    cycles = Cycles(*LISTED[:3])
    assert list(await cycles.next()) == ["SOL", "DOGE", "BTC"]
    cycles.trade("KAS", 2.0)
    tick = (await cycles.next())["KAS"]
    assert (tick.price_usd, tick.volume_24h_usd, tick.source) == (2.0, 2000.0, "exchange")
    cycles.universe.prices["KAS"] = Price(cycles.clock.at_ms, 3.0)
    assert (await cycles.next())["KAS"].price_usd == 3.0
    cycles.clock.at_ms += HOUR_MS
    assert "KAS" not in await cycles.next(), "an old price is no tick"


async def test_without_a_list_the_last_ones_and_what_is_traded_tick() -> None:
    cycles = Cycles(*LISTED[:3])
    await cycles.next()
    cycles.rows = ()
    cycles.trade("KAS", 2.0)
    assert list(await cycles.next()) == ["SOL", "DOGE", "BTC", "KAS"]
    cycles.watch()
    assert list(await cycles.next()) == ["SOL", "DOGE", "BTC"]


async def test_a_start_without_any_list_goes_on_with_what_is_pinned_and_named() -> None:
    cycles = Cycles()
    assert await cycles.next() == {}
    assert cycles.universe.has_assets.is_set(), "so that the exchanges are asked"
    cycles.trade("BTC", 50_000.0)
    assert list(await cycles.next()) == ["BTC"]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(coin("KAS", price_usd=None), id="no price"),
        pytest.param(coin("KAS", volume_24h_usd=None), id="no volume"),
    ],
)
async def test_a_row_of_which_no_tick_can_be_made_is_none(row: CoinRow) -> None:
    cycles = Cycles(*LISTED[:3], row)
    assert list(await cycles.next()) == ["SOL", "DOGE", "BTC"]


async def test_another_list_s_row_gives_no_old_words_of_the_networks() -> None:
    said = coin("KAS", galaxy_score=70.0, social_volume=9.0, interactions=5.0, sentiment_pct=80.0)
    cycles = Cycles(*LISTED[:3], said)
    assert (await cycles.next())["KAS"].galaxy_score == 70.0
    cycles.rows = [coin(one.symbol, source="coingecko", alt_rank=None) for one in LISTED[:3]]
    tick = (await cycles.next())["KAS"]
    assert (tick.price_usd, tick.galaxy_score, tick.social_volume) == (10.0, None, None)
    assert (tick.interactions, tick.sentiment_pct) == (None, None)


async def test_what_comes_into_the_universe_within_a_cycle_ticks_at_once() -> None:
    cycles = Cycles(*LISTED, coin("PEPE", alt_rank=9))
    before = await cycles.next()
    await cycles.feed.newcomers()
    assert {tick.asset for tick in cycles.ticks} == before.keys(), "nothing has come"
    cycles.watch("KAS", "PEPE", "NOSUCH")
    cycles.clock.at_ms += 1_000
    await cycles.feed.newcomers()
    (tick,) = cycles.ticks
    assert (tick.asset, tick.cycle, tick.cycle_size, tick.rank) == (
        "PEPE",
        before["SOL"].cycle,
        len(before) + 1,
        len(before) + 1,
    )
    assert problem(tick) is None
    cycles.ticks = []
    await cycles.feed.newcomers()
    assert not cycles.ticks, "it has ticked"
    assert list(await cycles.next()) == ["SOL", "DOGE", "BTC", "KAS", "PEPE"]


async def test_a_newcomer_ticks_once_its_candles_are_there_or_a_minute_has_passed() -> None:
    cycles = Cycles(*LISTED, coin("PEPE", alt_rank=9), coin("TON", alt_rank=10))
    cycles.universe.has_exchanges = True
    await cycles.next()
    cycles.ticks = []
    cycles.watch("KAS", "PEPE", "TON")
    await cycles.feed.newcomers()
    assert not cycles.ticks
    for timeframe, at_ms in TIMEFRAME_MS.items():
        closes_ms = cycles.clock.at_ms // at_ms * at_ms
        assert cycles.index.claim(candle("PEPE", closes_ms, timeframe=timeframe))
    await cycles.feed.newcomers()
    assert [tick.asset for tick in cycles.ticks] == ["PEPE"]
    cycles.clock.at_ms += 60_000
    await cycles.feed.newcomers()
    assert [tick.asset for tick in cycles.ticks] == ["TON"], "there are no candles of it"


async def test_after_a_restart_only_what_has_no_tick_yet_is_new() -> None:
    cycles = Cycles(*LISTED, coin("PEPE", alt_rank=9))
    await cycles.next()
    feed = cycles.feed
    cycles.feed = TrendingFeed(
        [cycles._list], cycles.universe, cycles._emit, cycles.clock, 2, index=cycles.index
    )
    assert cycles.feed is not feed
    cycles.watch("KAS", "PEPE")
    await cycles.feed.newcomers()
    assert [tick.asset for tick in cycles.ticks] == ["PEPE"]
