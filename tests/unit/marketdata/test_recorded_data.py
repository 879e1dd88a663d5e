"""Three days of the real recorded data: what is played, in what order, from what."""

from __future__ import annotations

import tracemalloc
from collections import Counter

import pyarrow.parquet as parquet
import pytest

from marketdata.conflict_free_batches import conflict_free_batches
from marketdata.recorded.source import ReadReport, read_directory
from schemas.events import TOPIC_OF, order_key
from schemas.market import Candle, OrderBook, TrendingAsset
from schemas.validation import problem
from tests.factories import DAY_MS, HOUR_MS
from tests.unit.marketdata.recorded_factory import T0

pytestmark = pytest.mark.shared_data
ASSETS = ("BTC", "ETH", "BNB", "SOL", "XRP")


@pytest.fixture(scope="module")
def three_days(shared_data):
    report = ReadReport()
    return list(read_directory(shared_data, T0, T0 + 3 * DAY_MS, report=report)), report


def test_counts(three_days):
    events, report = three_days
    seen = Counter(TOPIC_OF[type(event)].name for event in events)
    live = [e for e in events if type(e) is Candle and e.observed_at >= T0]
    # 72 + 18 + 3 candles an asset; those that close at the start are seen a second after it,
    # those that close at the end are not seen any more.
    assert Counter(e.timeframe for e in live) == {"1h": 5 * 72, "4h": 5 * 18, "1d": 5 * 3}
    assert seen["market.candles"] == 5 * 3 * 300 + len(live)
    assert seen["market.trending"] == 3 * 144 * 5
    assert seen["market.news"] > 50
    assert "market.books" not in seen
    assert dict(report.events) == dict(seen)
    assert len(report.files) == 18
    assert report.missing == []


def test_every_event_is_valid_unique_and_in_order(three_days):
    events, _ = three_days
    assert [problem(event) for event in events if problem(event)] == []
    keys = [order_key(event) for event in events]
    assert keys == sorted(set(keys))


def test_ticks_agree_with_the_file(three_days, shared_data):
    events, _ = three_days
    table = parquet.read_table(shared_data / "ohlcv" / "BTCUSDT-1h.parquet").to_pydict()
    rows = list(zip(table["open_time"], table["close"], table["volume"], strict=True))
    ticks = [e for e in events if type(e) is TrendingAsset and e.asset == "BTC"]
    for tick in ticks[::50]:
        known = [row for row in rows if row[0] + HOUR_MS + 1000 < tick.cycle][-25:]
        assert tick.price_usd == known[-1][1]
        assert tick.change_24h_pct == pytest.approx((known[-1][1] / known[0][1] - 1) * 100)
        assert tick.volume_24h_usd == pytest.approx(sum(row[1] * row[2] for row in known[1:]))


def test_reading_again_gives_the_same_events(three_days, shared_data):
    events, _ = three_days
    assert list(read_directory(shared_data, T0, T0 + 3 * DAY_MS)) == events


def test_every_cycle_is_a_wave_of_its_own(three_days):
    events, _ = three_days
    ticks = [wave for wave in conflict_free_batches(events) if type(wave[0]) is TrendingAsset]
    assert len(ticks) == 3 * 144
    assert all({event.asset for event in wave} == set(ASSETS) for wave in ticks)


def test_recorded_books_are_played(shared_data):
    start_ms = 1_723_161_255_000
    events = read_directory(shared_data, start_ms, start_ms + 60_000, warmup=1)
    books = [event for event in events if type(event) is OrderBook]
    assert len(books) == 60
    assert all(len(book.bid_prices) == len(book.ask_sizes) == 20 for book in books)
    assert (books[0].bid_prices[0], books[0].ask_prices[0]) == (61824.0, 61824.01)


def test_memory_does_not_grow_with_the_span(shared_data):
    def peak_bytes(days):
        tracemalloc.start()
        try:
            end_ms = T0 + days * DAY_MS
            count = sum(1 for _ in read_directory(shared_data, T0, end_ms, 300, DAY_MS))
            return count, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    short_count, short = peak_bytes(30)
    long_count, long = peak_bytes(150)
    assert long_count > 3 * short_count
    assert long < 1.3 * short
