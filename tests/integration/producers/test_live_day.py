"""Hours and a whole day of the live producers at 600x, with a fault at every tenth request."""

from __future__ import annotations

from pathlib import Path

import pytest
import uvloop

from schemas.market import CalendarEvent, Candle, Fundamentals, NewsArticle, TrendingAsset
from schemas.validation import problem
from tests.integration.producers.live_checks import (
    calendar_is_whole,
    candles_are_whole,
    each_cycle_is_whole,
    fundamentals_came,
    market,
    news_is_whole,
    no_limit_was_broken,
)
from tests.integration.producers.live_harness import (
    FEW,
    HOUR_MS,
    START_MS,
    ByTurns,
    LiveDay,
    live_day,
)

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def event_loop_policy() -> uvloop.EventLoopPolicy:
    return uvloop.EventLoopPolicy()


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("every", [pytest.param(10, id="every tenth request fails")])
async def test_three_hours(tmp_path: Path, every: int) -> None:
    async with live_day(tmp_path, faults_every=every) as day:
        await _whole(day, hours=3)


@pytest.mark.long
async def test_six_hours_of_bybit(tmp_path: Path) -> None:
    async with live_day(tmp_path, faults_every=10, exchange="bybit") as day:
        await _whole(day, hours=6)


@pytest.mark.long
async def test_a_day(tmp_path: Path) -> None:
    async with live_day(tmp_path, faults_every=10) as day:
        await _whole(day, hours=24)
        line = day.simulator.requests.report()["upstreams"]["lunarcrush"]
        # The quota is there to be used, and lasts the day.
        assert 250 <= max(line["by_day"].values()) <= 500
        assert (await day.states())["lunarcrush"].last_success_at >= day.now_ms - 2 * HOUR_MS


async def _whole(day: LiveDay, hours: int) -> None:
    """Run so many hours, and find all that there was in the topics, once."""
    end_ms = START_MS + hours * HOUR_MS
    await day.produce_until(end_ms)
    events = await day.events()
    no_limit_was_broken(day)
    _faults_struck(day)
    assert [text for one in market(events) if (text := problem(one))] == []
    cycles = each_cycle_is_whole(events[TrendingAsset])
    # A silent coin list costs 0.3 s of wall time, half a cycle; a start may take one.
    assert cycles >= 0.85 * 6 * hours
    candles_are_whole(day, events[Candle], end_ms)
    news_is_whole(day, events[NewsArticle], end_ms)
    calendar_is_whole(day, events[CalendarEvent])
    fundamentals_came(events[Fundamentals], hours)
    states = await day.states()
    assert [one.source for one in states.values() if one.state == "failing"] == []
    published = sum(status.events for status in states.values())
    # The stop may cut a batch of the exchange's between its acknowledgement and its count.
    assert 0 <= sum(1 for _ in market(events)) - published <= 3 * len(FEW)


def _faults_struck(day: LiveDay) -> None:
    faults = day.simulator.faults
    assert isinstance(faults, ByTurns)
    kinds = {kind for _, kind in faults.struck}
    assert kinds == {"limit", "status", "html", "half_body", "silence", "reset"}
    requests = sum(one["requests"] for one in day.simulator.requests.report()["upstreams"].values())
    assert sum(faults.struck.values()) >= 0.08 * requests
