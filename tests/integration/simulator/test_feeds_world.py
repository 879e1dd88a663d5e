"""One market behind all feeds: they agree at a moment, go on together, and cost little."""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc

import aiohttp
import pytest

from marketdata.simulated.assets import ASSETS
from simulator.recorded_world import RecordedWorld
from simulator.server import recorded_simulator, seeded_simulator
from simulator.world import SeededWorld
from tests.conftest import slowdown
from tests.integration.simulator.feeds_harness import (
    FEW,
    HOUR_MS,
    SEED,
    START_MS,
    UNLIMITED,
    HandClock,
    Harness,
    harnessed,
)

DAY_MS = 24 * HOUR_MS


async def prices_by_source(harness: Harness) -> list[dict[str, float]]:
    """Return each source's prices, by symbol."""
    now_ms = harness.clock.now_ms()
    lunar = (await harness.lunarcrush("/coins/list/v2", limit=100)).json["data"]
    markets = (await harness.coingecko("/coins/markets", vs_currency="usd")).json
    symbols = [row.symbol for row in harness.world.assets()]
    ids = {row.coingecko_id: row.symbol for row in harness.world.assets()}
    known = {row["name"]: row["symbol"] for row in lunar if row["market_dominance_prev"]}
    middles = {}
    for symbol in symbols:
        book = harness.world.book(symbol, now_ms, 60)
        middles[symbol] = (book.bids[0][0] + book.asks[0][0]) / 2.0
    return [
        {row["symbol"]: row["price"] for row in lunar if row["name"] in known},
        {ids[row["id"]]: row["current_price"] for row in markets if row["id"] in ids},
        middles,
        {one: harness.world.ticker(one, now_ms).price for one in symbols},
        *(
            {one: harness.world.candles(one, frame, None, 1, now_ms)[-1].close for one in symbols}
            for frame in ("1m", "1h", "4h", "1d")
        ),
    ]


async def test_all_sources_tell_one_price_at_any_moment():
    async with harnessed(UNLIMITED) as harness:
        for step_ms in (0, 61_234, 598_000, HOUR_MS - 1, 7 * HOUR_MS + 17):
            harness.clock.move(step_ms)
            first, *others = await prices_by_source(harness)
            for other in others:
                assert other == pytest.approx(first, rel=1e-9)


async def test_the_exchanges_have_the_feeds_price():
    async with harnessed(UNLIMITED) as harness:
        now_ms = harness.clock.move(5 * HOUR_MS + 1_234)
        query = {"symbol": "BTCUSDT", "limit": 1}
        binance = (await harness.get("/binance/api/v3/klines", interval="1h", **query)).json
        bybit = await harness.get("/bybit/v5/market/kline", category="spot", interval="60", **query)
        listed = (await harness.lunarcrush("/coins/list/v2", limit=1)).json["data"][0]["price"]
        assert float(binance[0][4]) == float(bybit.json["result"]["list"][0][4]) == listed
        assert listed == harness.world.price("BTC", now_ms)


async def test_recorded_sources_tell_one_price(shared_data):
    start_ms = 1_643_673_600_000
    world = await asyncio.to_thread(RecordedWorld, shared_data, start_ms)
    async with harnessed(UNLIMITED, world, start_ms) as harness:
        for step_ms in (1_000, 1_234_567, 31 * HOUR_MS):
            harness.clock.move(step_ms)
            first, *others = await prices_by_source(harness)
            for other in others:
                assert other == pytest.approx(first, rel=3e-6)  # half a tick of the books


async def test_a_simulator_of_recorded_data_serves_its_headlines(shared_data):
    simulator = await recorded_simulator(shared_data, start_ms=1_643_673_600_000, limits=UNLIMITED)
    async with simulator:
        clock = HandClock(simulator.clock.now_ms())
        async with aiohttp.ClientSession() as session:
            harness = Harness(simulator, session, clock)
            rows = (await harness.cryptonews(tickers="BTC")).json["data"]
            assert len(rows) > 20
            assert all("example" not in row["news_url"] for row in rows)
            coins = (await harness.lunarcrush("/coins/list/v1", limit=5)).json["data"]
            assert coins[0]["galaxy_score"] is None


async def test_the_same_seed_and_start_give_the_same_market():
    later_ms = START_MS + 5 * HOUR_MS + 123
    there, again = SeededWorld(SEED, START_MS, FEW), SeededWorld(SEED, START_MS + 599_999, FEW)
    await asyncio.gather(there.ready(later_ms), again.ready(later_ms))
    assert there.coins(later_ms) == again.coins(later_ms)
    assert there.news(later_ms, 0) == again.news(later_ms, 0)
    assert there.candles("BTC", "1h", None, 500, later_ms) == again.candles(
        "BTC", "1h", None, 500, later_ms
    )


@pytest.mark.slow
async def test_at_600x_the_feeds_go_on_and_the_loop_stays_free():
    simulator = await seeded_simulator(SEED, start_ms=START_MS, speed=600.0, limits=UNLIMITED)
    async with simulator:
        worst_s = 0.0
        begun_s = time.monotonic()
        first_ms = simulator.clock.now_ms()
        while time.monotonic() - begun_s < 2.5:
            before_s = time.monotonic()
            await asyncio.sleep(0.01)
            worst_s = max(worst_s, time.monotonic() - before_s - 0.01)
        now_ms = simulator.clock.now_ms()
        assert now_ms - first_ms > 20 * 60_000
        assert simulator.world.until_ms > first_ms + 20 * 60_000  # computed, although nobody asked
        # Fifty assets' past and ten minutes are beside the loop.
        assert worst_s < 0.25 * slowdown()


async def test_memory_stays_flat_over_days():
    """From the second day on nothing grows but the candles kept, 720 a timeframe at most."""
    tracemalloc.start()
    try:
        world = SeededWorld(SEED, START_MS, FEW[:1])
        used = []
        for hours in range(0, 57, 8):
            now_ms = START_MS + hours * HOUR_MS
            await world.ready(now_ms)
            world.coins(now_ms)
            world.calendar(now_ms)
            gc.collect()
            used.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert len(world.candles("BTC", "1m", None, 10_000, now_ms)) <= 750
    assert max(used[4:]) < 1.25 * used[3]


def test_all_fifty_assets_have_names_of_their_own():
    rows = SeededWorld(SEED, START_MS, ASSETS).assets()
    assert len({row.coingecko_id for row in rows}) == len({row.slug for row in rows}) == 50
