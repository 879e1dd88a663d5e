"""The simulated market: the same seed the same bytes, exact bars, whole cycles."""

from __future__ import annotations

import copy
import hashlib
import itertools
import math
from collections import defaultdict

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from marketdata.simulated import calendar_events
from marketdata.simulated.assets import ASSETS
from marketdata.simulated.bars import HOUR_MS, Bar, aggregate
from marketdata.simulated.simulation import backfill, cycle
from schemas.codec import local_codec
from schemas.events import order_key
from schemas.market import CalendarEvent, Candle, Fundamentals, OrderBook, TrendingAsset
from schemas.times import CYCLE_MS
from schemas.validation import TIMEFRAME_MS, problem
from tests.property._worlds import FEW, MONDAY, of, run

# A world takes a second to make, so a failing one is shown as it is, not made smaller.
SLOW = settings(max_examples=3, phases=(Phase.explicit, Phase.generate))


@pytest.fixture(scope="module")
def two_days():
    """Back-fill and 26 hours that begin in the middle of an hour, four hours before midnight."""
    return run(5, MONDAY - 4 * HOUR_MS + 2 * CYCLE_MS, 26 * 6)


@SLOW
@given(seed=st.integers(0, 2**40), start=st.integers(0, 10_000))
def test_same_seed_same_bytes_other_seed_other_bytes(seed, start):
    codec = local_codec()

    def digest(number):
        first, later = run(number, MONDAY + start * CYCLE_MS, 2, ASSETS[7:8])
        payloads = b"".join(codec.encode(event) for event in first + later)
        return hashlib.sha256(payloads).hexdigest()

    once = digest(seed)
    assert digest(seed) == once
    assert digest(seed + 1) != once


@SLOW
@given(seed=st.integers(0, 2**40), start=st.integers(0, 10_000))
def test_events_are_valid_unique_and_in_order(seed, start):
    first, later = run(seed, MONDAY + start * CYCLE_MS, 7, ASSETS[17:19])
    events = first + later
    assert [problem(event) for event in events if problem(event)] == []
    keys = [order_key(event) for event in events]
    assert keys == sorted(set(keys))


def test_a_cycle_leaves_the_state_that_it_was_given_alone():
    state, _ = backfill(3, MONDAY, FEW)
    before = copy.deepcopy(state)
    once = cycle(state, MONDAY)
    same = cycle(state, MONDAY) == once and state == before
    assert same
    assert state.now_ms == MONDAY


def test_events_of_a_cycle_are_observed_within_it(two_days):
    start_ms = MONDAY - 4 * HOUR_MS + 2 * CYCLE_MS
    first, later = two_days
    assert {event.observed_at for event in first} == {start_ms}
    assert all(start_ms < event.observed_at < start_ms + 26 * HOUR_MS for event in later)


def test_backfill_has_300_candles_a_timeframe_without_holes(two_days):
    first, _ = two_days
    series = defaultdict(list)
    for candle in of(Candle, first):
        assert candle.closed
        series[candle.asset, candle.timeframe].append(candle)
    assert len(series) == 9
    for (_, timeframe), candles in series.items():
        assert len(candles) == 300
        gaps = {b.open_time - a.close_time for a, b in itertools.pairwise(candles)}
        assert gaps == {0}
        newest = candles[-1].close_time
        assert newest <= candles[-1].observed_at < newest + TIMEFRAME_MS[timeframe]
        assert all(a.close == b.open for a, b in itertools.pairwise(candles))


def test_longer_candles_are_the_exact_sum_of_the_hourly_ones(two_days):
    first, later = two_days
    closed = [event for event in of(Candle, first + later) if event.closed]
    hourly = {(c.asset, c.open_time): c for c in closed if c.timeframe == "1h"}
    checked = 0
    for candle in closed:
        times = range(candle.open_time, candle.close_time, HOUR_MS)
        parts = [hourly.get((candle.asset, time)) for time in times]
        if candle.timeframe == "1h" or None in parts:
            continue
        checked += 1
        assert candle.open == parts[0].open
        assert candle.close == parts[-1].close
        assert candle.high == max(part.high for part in parts)
        assert candle.low == min(part.low for part in parts)
        assert candle.volume == math.fsum(part.volume for part in parts)
    assert checked > 3 * (300 // 4 + 300 // 24)


def test_an_open_candle_grows_into_the_closed_one(two_days):
    _, later = two_days
    last_open = {}
    grown = 0
    for candle in of(Candle, later):
        place = candle.asset, candle.timeframe, candle.open_time
        before = last_open.get(place)
        if before is not None:
            grown += 1
            assert candle.open == before.open
            assert candle.high >= before.high
            assert candle.low <= before.low
            assert candle.volume >= before.volume
        assert candle.closed == (candle.observed_at > candle.close_time)
        last_open[place] = candle
    assert grown > 400


@given(st.lists(st.floats(0.1, 1e12), min_size=24, max_size=24), st.integers(1, 23))
def test_the_volume_of_a_bar_does_not_depend_on_the_order_of_its_parts(volumes, turn):
    bars = [Bar(0, 1.0, 1.0, 1.0, 1.0, volume) for volume in volumes]
    assert aggregate(bars).volume == aggregate(bars[turn:] + bars[:turn]).volume


def test_every_cycle_has_a_tick_an_asset_and_a_book_a_minute(two_days):
    _, later = two_days
    ticks, books = defaultdict(list), defaultdict(int)
    for tick in of(TrendingAsset, later):
        ticks[tick.cycle].append(tick)
    for book in of(OrderBook, later):
        books[book.asset, book.observed_at // 60_000] += 1
    assert len(ticks) == 26 * 6
    for start_ms, group in ticks.items():
        assert sorted(tick.rank for tick in group) == [1, 2, 3]
        assert {tick.cycle_size for tick in group} == {3}
        assert all(tick.observed_at == start_ms + tick.rank for tick in group)
    assert len(books) == 3 * 26 * 60
    assert set(books.values()) == {1}


def test_a_tick_knows_nothing_that_comes_after_it(two_days):
    _, later = two_days
    last_price = {}
    for event in later:
        if type(event) is Candle and not event.closed:
            last_price[event.asset] = event.close
        elif type(event) is TrendingAsset and event.asset in last_price:
            assert event.price_usd == last_price[event.asset]


def test_fundamentals_and_the_calendar_are_alive_every_hour(two_days):
    first, later = two_days
    hours = defaultdict(set)
    for event in later:
        if type(event) is Fundamentals:
            hours["fundamentals", event.asset].add(event.observed_at // HOUR_MS)
        if type(event) is CalendarEvent and event.title == calendar_events.HEARTBEAT_TITLE:
            assert (event.category, event.impact, event.certainty) == ("other", 0.0, 1.0)
            hours["calendar", event.asset].add(event.observed_at // HOUR_MS)
    assert len(hours) == 2 * 3
    assert {len(times) for times in hours.values()} == {26}
    assert {event.asset for event in of(Fundamentals, first)} == {a.symbol for a in FEW}
    assert {event.asset for event in of(CalendarEvent, first)} == {a.symbol for a in FEW}
    assert {event.asset for event in of(OrderBook, first)} == {a.symbol for a in FEW}


def test_the_fifty_assets_are_distinct_and_plausible():
    assert len(ASSETS) == len({asset.name for asset in ASSETS}) == 50
    for asset in ASSETS:
        assert asset.price_usd > 0.0
        assert 3e8 < asset.price_usd * asset.supply < 3e12
        assert asset.max_supply is None or asset.supply <= asset.max_supply
        price = round(asset.price_usd, asset.decimals)
        assert price == pytest.approx(asset.price_usd, rel=1e-5)


@pytest.mark.parametrize("now_ms", [MONDAY + 1, 0, -CYCLE_MS])
def test_a_start_that_is_no_cycle_is_refused(now_ms):
    with pytest.raises(ValueError, match="is not the start of a cycle"):
        backfill(1, now_ms, FEW)


def test_a_cycle_out_of_turn_is_refused():
    state, _ = backfill(1, MONDAY, FEW)
    with pytest.raises(ValueError, match="the market stands at"):
        cycle(state, MONDAY + CYCLE_MS)
