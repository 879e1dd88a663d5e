"""What must hold of the topics, whatever went wrong on the way: all of it once, nothing twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import pytest

from producers.dedup.index_state import content_of
from schemas.market import CalendarEvent, Candle, Fundamentals, NewsArticle, TrendingAsset
from schemas.validation import TIMEFRAME_MS
from simulator.news_store import published_ms
from tests.integration.producers.live_harness import CYCLE_MS, FEW, HOUR_MS, START_MS, LiveDay

_BACKFILLED = 300
_LATEST_MS = 2 * CYCLE_MS
"""What is published later than so long before the end need not be in the topics yet."""


def market(events: dict[type, list[Any]]) -> Iterable[Any]:
    return (
        one for kind, found in events.items() for one in found if hasattr(one, "asset") and kind
    )


def no_limit_was_broken(day: LiveDay) -> None:
    report = day.simulator.requests.report()
    assert report["violations"] == []
    assert set(report["upstreams"]) >= {
        *("lunarcrush", "coingecko", "cryptonews", "stocknews", "coinmarketcal", "rss"),
        *("announcements", "coinmetrics", "feargreed"),
        day.sources.all_exchanges[0],
    }
    for name, line in report["upstreams"].items():
        if line["limit_day"] is not None:
            assert max(line["by_day"].values()) <= line["limit_day"], name


def each_cycle_is_whole(ticks: list[TrendingAsset]) -> int:
    """Return how many cycles there are."""
    by_cycle: dict[int, list[TrendingAsset]] = defaultdict(list)
    for tick in ticks:
        by_cycle[tick.cycle].append(tick)
    for cycle, members in by_cycle.items():
        assert cycle % CYCLE_MS == 0
        assert len(members) == len({tick.asset for tick in members}) == len(FEW)
        assert sorted(tick.rank for tick in members) == list(range(1, len(FEW) + 1))
        assert {tick.cycle_size for tick in members} == {len(FEW)}
    return len(by_cycle)


def candles_are_whole(day: LiveDay, candles: list[Candle], end_ms: int) -> None:
    closed: dict[tuple[str, str], list[Candle]] = defaultdict(list)
    for candle in candles:
        if candle.closed:
            closed[candle.asset, candle.timeframe].append(candle)
    assert set(closed) == {(asset.symbol, timeframe) for asset in FEW for timeframe in TIMEFRAME_MS}
    for (asset, timeframe), series in closed.items():
        length_ms = TIMEFRAME_MS[timeframe]
        times = [candle.open_time for candle in series]
        first, last = times[0], times[-1]
        assert times == list(range(first, last + 1, length_ms)), (asset, timeframe)
        assert len(times) >= _BACKFILLED
        assert first <= START_MS - (_BACKFILLED - 1) * length_ms + HOUR_MS
        assert last >= (end_ms - _LATEST_MS) // length_ms * length_ms - length_ms
        told = day.simulator.world.candles(asset, timeframe, first, len(times), day.now_ms)
        for candle, kline in zip(series, told, strict=True):
            assert candle.open_time == kline.open_time
            assert candle.close == pytest.approx(kline.close, rel=1e-9)
            assert candle.volume == pytest.approx(kline.volume, rel=0.01, abs=0.01)


def news_is_whole(day: LiveDay, articles: list[NewsArticle], end_ms: int) -> None:
    found = Counter((one.asset, one.headline) for one in articles)
    assert [story for story, times in found.items() if times > 1] == []
    world = day.simulator.world.news(end_ms - _LATEST_MS, START_MS - 40 * HOUR_MS)
    since_start = [one for one in world if published_ms(one) >= START_MS]
    assert since_start
    assert [
        (one.asset, one.headline) for one in world if (one.asset, one.headline) not in found
    ] == []


def calendar_is_whole(day: LiveDay, events: list[CalendarEvent]) -> None:
    beats = [one for one in events if one.title == "calendar checked"]
    assert {one.asset for one in beats} == {asset.symbol for asset in FEW}
    told = Counter(
        (one.asset, one.source, one.source_id, content_of(one))
        for one in events
        if one not in beats
    )
    assert [what for what, times in told.items() if times > 1] == []
    world = day.simulator.world.calendar(START_MS)
    titles = {(one.asset, one.title) for one in events}
    assert [one.title for one in world if (one.asset, one.title) not in titles] == []


def fundamentals_came(events: list[Fundamentals], hours: int) -> None:
    by_asset = Counter(one.asset for one in events)
    assert set(by_asset) == {asset.symbol for asset in FEW}
    assert min(by_asset.values()) >= hours
    assert any(one.volume_30d_avg_usd is not None for one in events)
