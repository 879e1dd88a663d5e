"""What the networks say gets into the ticks of the live producers, and never into their way."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import uvloop

from schemas.market import TrendingAsset
from schemas.topics import TRENDING
from simulator.faults import Fault
from simulator.world import SeededWorld
from tests.integration.producers.live_checks import each_cycle_is_whole
from tests.integration.producers.live_harness import CYCLE_MS, FEW, START_MS, LiveDay, live_day

pytestmark = pytest.mark.embedded
FOUR = ("twitter_volume", "twitter_sentiment_pct", "reddit_volume", "reddit_sentiment_pct")


@pytest.fixture(scope="module")
def event_loop_policy() -> uvloop.EventLoopPolicy:
    return uvloop.EventLoopPolicy()


def said(tick: TrendingAsset) -> tuple[float | None, ...]:
    return tuple(getattr(tick, name) for name in FOUR)


async def ticks_of(day: LiveDay, cycles: int) -> list[TrendingAsset]:
    """Publish the ticks of so many cycles alone, and return them."""
    await day.produce_until(START_MS + cycles * CYCLE_MS, ("trending",))
    return list((await day.events(TRENDING.name))[TrendingAsset])


@pytest.mark.slow
async def test_the_ticks_carry_what_the_simulated_market_says_in_its_own_units(
    tmp_path: Path,
) -> None:
    async with live_day(tmp_path) as day:
        ticks = await ticks_of(day, 10)
        each_cycle_is_whole(ticks)
        report = day.simulator.requests.report()
        end_ms = day.now_ms
    assert report["violations"] == []
    first, last = ([one for one in ticks if one.cycle == of] for of in _ends(ticks))
    assert {said(one) for one in first} == {(None,) * 4}
    assert {one.asset for one in last if None not in said(one)} == {one.symbol for one in FEW}
    # `demo --direct` publishes the market itself: counts of posts, and percentages 0 to 100. The
    # vendor writes whole ones.
    market = await _market(end_ms)
    for tick in last:
        assert said(tick) in market[tick.asset], tick.asset


async def test_ticks_come_whole_while_no_topic_answers(tmp_path: Path) -> None:
    async with live_day(tmp_path) as day:
        day.simulator.faults.add(Fault(upstream="lunarcrush", kind="unplugged", path="/topic"))
        ticks = await ticks_of(day, 5)
        assert each_cycle_is_whole(ticks) >= 4
        state = (await day.states())["lunarcrush"]
    assert {said(one) for one in ticks} == {(None,) * 4}
    assert {one.source for one in ticks} == {"lunarcrush"}
    assert state.last_error is not None


def _ends(ticks: list[TrendingAsset]) -> tuple[int, int]:
    cycles = [tick.cycle for tick in ticks]
    return min(cycles), max(cycles)


async def _market(until_ms: int) -> dict[str, list[Any]]:
    """Return what the simulated market has said of each asset so far; a world forgets it."""
    world, found = SeededWorld(7, START_MS, FEW), defaultdict(list)
    for moment in range(START_MS, until_ms, CYCLE_MS):
        await world.ready(moment)
        for coin in world.coins(moment):
            found[coin.asset].append(pytest.approx(said(coin), abs=0.5))
    return found
