"""A tape tells one price at a moment, closes its candles once, and shows nothing to come."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata.simulated.bars import Bar
from simulator.price_history import LENGTH_MS, PriceHistory
from simulator.shapes import Kline
from tests.unit.simulator.price_histories import HOUR_MS, MINUTE_MS, T0, history_of, minutes

HOURS = 30
seeds = st.integers(0, 5)
moments = st.integers(T0 + 24 * HOUR_MS, T0 + HOURS * HOUR_MS - 1)
frames = st.sampled_from(sorted(LENGTH_MS))
TAPES = {seed: history_of(seed, HOURS) for seed in range(6)}


@given(seeds, moments, frames)
def test_the_open_candle_ends_at_the_price(seed, now_ms, frame):
    history, _ = TAPES[seed]
    last = history.candles(frame, None, 1, now_ms)[-1]
    assert not last.closed
    assert last.close == history.price(now_ms) == history.ticker(now_ms).price
    assert last.low <= min(last.open, last.close) <= max(last.open, last.close) <= last.high


@given(seeds, moments, frames)
def test_what_is_closed_is_closed_and_stays(seed, now_ms, frame):
    history, _ = TAPES[seed]
    rows = history.candles(frame, None, 1000, now_ms)
    later = {row.open_time: row for row in history.candles(frame, None, 1000, now_ms + HOUR_MS)}
    for row in rows:
        assert row.closed == (row.open_time + LENGTH_MS[frame] <= now_ms)
        if row.closed:
            assert later[row.open_time] == row
    assert [row.closed for row in rows].count(False) == 1


@given(seeds, moments)
def test_nothing_of_the_future_is_shown(seed, now_ms):
    whole, bars = TAPES[seed]
    cut = PriceHistory(2)
    past = [bar for bar in bars if bar.open_time <= now_ms]
    cut.add_minutes(past)
    for frame in ("1h", "4h", "1d"):
        known = whole.candles(frame, None, 1000, now_ms)
        cut.add_closed(frame, [row for row in known if row.closed])
    assert cut.price(now_ms) == whole.price(now_ms)
    assert cut.ticker(now_ms) == whole.ticker(now_ms)
    for frame in LENGTH_MS:
        assert cut.candles(frame, None, 9, now_ms) == whole.candles(frame, None, 9, now_ms)


@given(seeds, moments, st.integers(0, HOUR_MS))
@settings(max_examples=50)
def test_an_open_candle_only_grows(seed, now_ms, more_ms):
    history, _ = TAPES[seed]
    before = history.candles("1d", None, 1, now_ms)[-1]
    later_ms = min(now_ms + more_ms, T0 + HOURS * HOUR_MS - 1)
    after = history.candles("1d", None, 1, later_ms)[-1]
    assert after.high >= before.high
    assert after.low <= before.low
    assert after.volume >= before.volume * (1.0 - 1e-12)


def test_pages_go_from_a_start_and_without_one_are_the_latest():
    history, _ = TAPES[0]
    now_ms = T0 + 29 * HOUR_MS + 1
    first = history.candles("1h", T0 + 25 * HOUR_MS - 1, 2, now_ms)
    assert [row.open_time for row in first] == [T0 + 25 * HOUR_MS, T0 + 26 * HOUR_MS]
    latest = history.candles("1h", None, 2, now_ms)
    assert [row.open_time for row in latest] == [T0 + 28 * HOUR_MS, T0 + 29 * HOUR_MS]
    assert history.candles("1h", now_ms, 5, now_ms) == []


def test_a_minute_is_gone_through_in_a_straight_line():
    history = PriceHistory(2)
    history.add_minutes([Bar(T0, 100.0, 110.0, 100.0, 110.0, 6.0)])
    assert [history.price(T0 + ms) for ms in (0, 15_000, 30_000, MINUTE_MS)] == [
        100.0,
        102.5,
        105.0,
        110.0,
    ]
    (row,) = history.candles("1m", None, 5, T0 + 30_000)
    assert row == Kline(T0, 100.0, 105.0, 100.0, 105.0, 3.0, closed=False)


def test_in_a_hole_the_price_stays_and_there_is_no_hourly_candle():
    history = PriceHistory(2)
    history.add_minutes([Bar(T0, 100.0, 110.0, 100.0, 110.0, 6.0)])
    history.add_closed("1h", [Kline(T0, 100.0, 110.0, 100.0, 110.0, 6.0, closed=True)])
    in_the_hole = T0 + 2 * HOUR_MS + 5
    assert history.price(in_the_hole) == 110.0
    assert [row.open_time for row in history.candles("1h", None, 9, in_the_hole)] == [T0]
    assert history.candles("4h", None, 1, in_the_hole)[-1].close == 110.0


def test_unknown_timeframe_and_nothing_traded():
    history = PriceHistory(2)
    with pytest.raises(KeyError):
        history.candles("7h", None, 1, T0)
    with pytest.raises(LookupError, match="nothing has been traded"):
        history.price(T0)


def test_a_tape_forgets():
    history = PriceHistory(2)
    for hour in range(40):
        history.add_minutes(minutes(hour, 1, T0 + hour * HOUR_MS))
    rows = history.candles("1m", None, 10_000, T0 + 41 * HOUR_MS)
    assert 600 <= len(rows) <= 750
