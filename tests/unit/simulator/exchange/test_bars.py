from __future__ import annotations

import pytest

from schemas.times import DAY_MS, HOUR_MS
from simulator.exchange.bars import WEEK_MS, CandleStream, bars, ceil_ms, floor_ms
from tests.unit.simulator.exchange.tiny_world import NOW_MS, TinyWorld

WORLD = TinyWorld()
LENGTHS = {
    "1m": 60_000,
    "15m": 900_000,
    "1h": HOUR_MS,
    "2h": 2 * HOUR_MS,
    "4h": 4 * HOUR_MS,
    "6h": 6 * HOUR_MS,
    "12h": 12 * HOUR_MS,
    "1d": DAY_MS,
    "3d": 3 * DAY_MS,
    "1w": WEEK_MS,
}


@pytest.mark.parametrize("length_ms", LENGTHS.values(), ids=LENGTHS)
def test_the_latest_candles_end_with_the_one_under_way(length_ms: int) -> None:
    rows = bars(WORLD, "BTC", length_ms, NOW_MS, limit=3)
    opened = floor_ms(NOW_MS, length_ms)
    assert [row.open_time for row in rows] == [opened - 2 * length_ms, opened - length_ms, opened]
    assert [row.closed for row in rows] == [True, True, False]


@pytest.mark.parametrize("length_ms", LENGTHS.values(), ids=LENGTHS)
def test_pages_by_start_have_no_hole_and_no_candle_twice(length_ms: int) -> None:
    start_ms, seen = NOW_MS - 10 * length_ms, []
    while rows := bars(WORLD, "BTC", length_ms, NOW_MS, start_ms=start_ms, limit=4):
        seen += [row.open_time for row in rows]
        start_ms = rows[-1].open_time + length_ms
    first = ceil_ms(NOW_MS - 10 * length_ms, length_ms)
    assert seen == list(range(first, NOW_MS + 1, length_ms))


def test_a_longer_candle_is_made_of_its_parts() -> None:
    (day,) = bars(WORLD, "BTC", 12 * HOUR_MS, NOW_MS, start_ms=NOW_MS - DAY_MS, limit=1)
    parts = bars(WORLD, "BTC", 4 * HOUR_MS, NOW_MS, start_ms=day.open_time, limit=3)
    assert (day.open, day.close) == (parts[0].open, parts[-1].close)
    assert (day.high, day.low) == (max(p.high for p in parts), min(p.low for p in parts))
    assert day.volume == sum(part.volume for part in parts)


class Holey(TinyWorld):
    """A market that stood still for two days."""

    def candles(self, symbol, timeframe, start_ms, limit, now_ms):
        rows = super().candles(symbol, timeframe, start_ms, 10_000, now_ms)
        hole = range(NOW_MS - 4 * DAY_MS, NOW_MS - 2 * DAY_MS)
        return [row for row in rows if row.open_time not in hole][:limit]


def test_a_page_goes_on_beyond_a_hole() -> None:
    rows = bars(Holey(), "BTC", HOUR_MS, NOW_MS, start_ms=NOW_MS - 4 * DAY_MS, limit=3)
    first = ceil_ms(NOW_MS - 2 * DAY_MS, HOUR_MS)
    assert [row.open_time for row in rows] == [first + number * HOUR_MS for number in range(3)]


def test_longer_candles_beyond_a_hole_are_whole_and_no_more_than_asked_for() -> None:
    start_ms = NOW_MS - 6 * DAY_MS
    rows = bars(Holey(), "BTC", 12 * HOUR_MS, NOW_MS, start_ms=start_ms, limit=5)
    later = bars(Holey(), "BTC", 12 * HOUR_MS, NOW_MS, start_ms=start_ms, limit=9)
    assert len(rows) == 5
    assert rows == later[:5]


def test_weeks_begin_on_mondays() -> None:
    monday = 1_784_505_600_000  # 2026-07-20
    assert floor_ms(monday + 3 * DAY_MS, WEEK_MS) == monday


@pytest.mark.parametrize(
    ("start", "end", "limit", "count"),
    [
        pytest.param(-5, -3, 10, 3, id="both ends are in"),
        pytest.param(None, -3, 2, 2, id="the last before an end"),
        pytest.param(1, None, 10, 0, id="a start in the future"),
        pytest.param(-2, 7, 10, 3, id="an end in the future"),
    ],
)
def test_bounds(start: int | None, end: int | None, limit: int, count: int) -> None:
    hour = NOW_MS // HOUR_MS
    rows = bars(
        WORLD,
        "BTC",
        HOUR_MS,
        NOW_MS,
        start_ms=None if start is None else (hour + start) * HOUR_MS,
        end_ms=None if end is None else (hour + end) * HOUR_MS,
        limit=limit,
    )
    assert len(rows) == count
    assert all(end is None or row.open_time <= (hour + end) * HOUR_MS for row in rows)


def test_a_stream_says_each_close_once() -> None:
    stream = CandleStream(WORLD, "BTC", HOUR_MS)
    closed = []
    for minute in range(0, 60 * 5, 25):
        rows = stream.due(NOW_MS + minute * 60_000)
        assert [row.closed for row in rows] == [True] * (len(rows) - 1) + [False]
        closed += [row.open_time for row in rows if row.closed]
    first = NOW_MS // HOUR_MS * HOUR_MS
    assert closed == [first + number * HOUR_MS for number in range(len(closed))]
    assert len(closed) >= 4
