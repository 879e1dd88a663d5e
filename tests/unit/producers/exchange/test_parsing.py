"""Candles and books from ccxt's form: what becomes an event, and the sentence for what does not."""

from __future__ import annotations

import json
import math
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from producers.exchange.parsing import Listing, book_of, candles_of, condensed, reach
from schemas.market import OrderBook
from schemas.validation import TIMEFRAME_MS, problem

BTC = Listing("binance", "BTC", "BTC/USDT")
HOUR = TIMEFRAME_MS["1h"]
NOON = 1_767_614_400_000  # 2026-01-05 12:00 UTC


def row(open_time: Any, *numbers: Any) -> list[Any]:
    return [open_time, *(numbers or (10.0, 12.0, 9.0, 11.0, 5.0))]


def test_a_candle_carries_what_the_row_says() -> None:
    parsed = candles_of(BTC, "1h", [row(NOON - HOUR), row(NOON)], NOON + 1_500)
    closed, opened = parsed.rows
    assert parsed.skipped == ()
    assert (closed.open, closed.high, closed.low, closed.close, closed.volume) == (10, 12, 9, 11, 5)
    assert (closed.open_time, closed.close_time, closed.event_time) == (NOON - HOUR, NOON, NOON)
    assert (closed.asset, closed.symbol, closed.exchange) == ("BTC", "BTC/USDT", "binance")
    assert closed.source_id == f"BTC/USDT:1h:{NOON - HOUR}"
    assert closed.observed_at == NOON + 1_500
    assert (closed.closed, opened.closed) == (True, False)
    assert opened.event_time == opened.observed_at
    assert problem(closed) is None
    assert problem(opened) is None


@pytest.mark.parametrize(
    ("opens", "now_ms", "closed"),
    [
        pytest.param([NOON - HOUR], NOON + 2_000, [False], id="no later one, just past its close"),
        pytest.param([NOON - HOUR], NOON + 59_999, [False], id="no later one for 59.999 s"),
        pytest.param([NOON - HOUR], NOON + 60_000, [True], id="no later one for a minute"),
        pytest.param([NOON - HOUR, NOON], NOON - 5_000, [True, False], id="our clock is behind"),
        pytest.param([NOON, NOON - HOUR], NOON + 1_000, [True, False], id="newest first"),
        pytest.param([NOON - HOUR] * 2, NOON + 90_000, [True], id="the same one twice"),
        pytest.param([], NOON, [], id="nothing"),
    ],
)
def test_when_a_candle_is_closed(opens: list[int], now_ms: int, closed: list[bool]) -> None:
    parsed = candles_of(BTC, "1h", [row(at) for at in opens], now_ms)
    assert [candle.closed for candle in parsed.rows] == closed
    assert [candle.open_time for candle in parsed.rows] == sorted(set(opens))


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        pytest.param(
            row(NOON, None, None, None, None, None), "open None is not a number", id="None"
        ),
        pytest.param(row(NOON, 10, 12, 9, 11, None), "volume None is not", id="no volume"),
        pytest.param(row(NOON, 10, 12, 9, "x", 1), "close 'x' is not", id="text"),
        pytest.param(row(NOON, 10, math.nan, 9, 11, 1), "high nan", id="NaN"),
        pytest.param(row(NOON, 10, math.inf, 9, 11, 1), "high inf", id="infinite"),
        pytest.param(row(NOON, 10, 9, 12, 11, 1), "contradict", id="high below low"),
        pytest.param(row(NOON, 0.0, 0.0, 0.0, 0.0, 0.0), "open 0.0 is not a price", id="zeros"),
        pytest.param(row(NOON, 10, 12, 9, 11, -1), "volume -1.0 is not", id="negative volume"),
        pytest.param(row(NOON, True, 12, 9, 11, 1), "open True is not", id="bool"),
        pytest.param(row(None), "no time in ms", id="no time"),
        pytest.param(row(str(NOON)), "no time in ms", id="time as text"),
        pytest.param(row(-HOUR), "no time in ms", id="before 1970"),
        pytest.param(row(NOON // 1000), "no time in ms", id="seconds for ms"),
        pytest.param(row(NOON * 1000), "no time in ms", id="us for ms"),
        pytest.param(row(1_767_600_000), "no time in ms", id="seconds that a candle of 1970 has"),
        pytest.param(row(NOON + 60_000), "does not start where", id="between two"),
        pytest.param(row(NOON + HOUR), "after it was seen", id="from the future"),
        pytest.param([NOON, 1.0], "not a row of six", id="short"),
        pytest.param([], "not a row of six", id="empty"),
        pytest.param(None, "not a row of six", id="no row"),
        pytest.param("<html>", "not a row of six", id="a string"),
    ],
)
def test_a_bad_row_is_left_out_with_a_sentence(bad: Any, says: str) -> None:
    parsed = candles_of(BTC, "1h", [row(NOON - HOUR), bad], NOON + 1_500)
    assert [candle.open_time for candle in parsed.rows] == [NOON - HOUR]
    (sentence,) = parsed.skipped
    assert says in sentence
    assert "BTC/USDT" in sentence
    assert "1h" in sentence


WHOLE, FRAGMENT = row(NOON, 10, 12, 9, 11, 500.0), row(NOON, 11, 11.05, 8.95, 11.0, 0.3)
BEFORE, AFTER = row(NOON - HOUR, 9, 10, 8.5, 10, 480.0), row(NOON + HOUR, 11, 11.2, 10.9, 11.1, 20)


@pytest.mark.parametrize("rows", permutations([BEFORE, WHOLE, FRAGMENT, AFTER]))
def test_case_candle_twice_is_the_whole_one_wherever_the_fragment_stands(rows: Any) -> None:
    parsed = candles_of(BTC, "1h", rows, NOON + HOUR + 2_000)
    assert [candle.closed for candle in parsed.rows] == [True, True, False]
    one = parsed.rows[1]
    assert (one.open, one.high, one.low, one.close, one.volume) == (10, 12, 8.95, 11, 500)
    assert parsed.skipped == ()


def test_a_fragment_beside_a_row_that_is_no_candle_is_said() -> None:
    parsed = candles_of(BTC, "1h", [row(NOON, 10, 12, 9, None, 1), WHOLE], NOON + 2_000)
    assert [candle.volume for candle in parsed.rows] == [500.0]
    assert len(parsed.skipped) == 1


@pytest.mark.shared_data
def test_case_candle_twice_as_given(shared_data: Path) -> None:
    given = shared_data.parent / "cases" / "candle-twice" / "rows.json"
    if not given.is_file():
        pytest.skip("no cases beside the recorded data")
    rows = json.loads(given.read_text())
    one = candles_of(BTC, "1h", rows, 1_796_014_800_000 + 2_000).rows[1]
    assert (one.open, one.high, one.low, one.close, one.volume) == (10, 12, 9, 11, 500)


def test_a_candle_in_the_future_does_not_close_the_one_before() -> None:
    parsed = candles_of(BTC, "1h", [row(NOON), row(NOON + 5 * HOUR)], NOON + 1_000)
    assert [candle.closed for candle in parsed.rows] == [False]


def book(**changes: Any) -> dict[str, Any]:
    whole = {
        "bids": [[99.0, 1.0], [98.0, 2.0]],
        "asks": [[101.0, 1.5], [102.0, 2.5]],
        "timestamp": None,
        "nonce": 77,
    }
    return {**whole, **changes}


def test_a_book_carries_both_sides_best_first() -> None:
    (event,) = book_of(BTC, book(timestamp=NOON - 40), NOON, 50).rows
    assert event.bid_prices == (99.0, 98.0)
    assert event.bid_sizes == (1.0, 2.0)
    assert event.ask_prices == (101.0, 102.0)
    assert event.ask_sizes == (1.5, 2.5)
    assert (event.event_time, event.observed_at) == (NOON - 40, NOON)
    assert event.source_id == f"BTC/USDT:77:{NOON - 40}"
    assert problem(event) is None


def test_a_book_without_a_time_happened_when_it_was_seen() -> None:
    (event,) = book_of(BTC, book(), NOON, 50).rows
    assert event.event_time == NOON


def test_only_the_top_levels_that_have_something_are_taken() -> None:
    raw = book(bids=[[99.0, 0.0], [98.5, 1.0, 3], [98.0, 2.0], [97.0, 1.0]])
    (event,) = book_of(BTC, raw, NOON, 2).rows
    assert event.bid_prices == (98.5, 98.0)
    assert event.ask_prices == (101.0, 102.0)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"bids": []}, "no bid levels", id="empty bids"),
        pytest.param({"asks": None}, "a side is missing", id="no asks"),
        pytest.param({"asks": "<html>"}, "a side is missing", id="text for a side"),
        pytest.param({"bids": [[None, None]]}, "a level is", id="None prices"),
        pytest.param({"bids": [[99.0]]}, "a level is", id="no size"),
        pytest.param({"bids": [99.0]}, "a level is", id="no level"),
        pytest.param({"bids": [[101.5, 1.0]]}, "crossed", id="crossed"),
        pytest.param({"bids": [[101.0, 1.0]]}, "crossed", id="locked"),
        pytest.param({"bids": [[98.0, 1.0], [99.0, 1.0]]}, "not best first", id="unsorted"),
        pytest.param({"bids": [[math.nan, 1.0]]}, "bid price", id="NaN"),
        pytest.param({"timestamp": NOON - 60_001}, "stale, 60001 ms", id="stale"),
        pytest.param({"timestamp": NOON + 60_001}, "after it was seen", id="from the future"),
        pytest.param({"timestamp": "now"}, "no time in ms", id="time as text"),
    ],
)
def test_a_bad_book_is_no_event_but_a_sentence(changes: dict[str, Any], says: str) -> None:
    parsed = book_of(BTC, book(**changes), NOON, 50)
    assert parsed.rows == ()
    (sentence,) = parsed.skipped
    assert says in sentence
    assert "BTC/USDT on binance" in sentence


def deep(levels: int, step: float = 0.01, mid: float = 1_000.0) -> OrderBook:
    """Return a whole book of levels of different sizes."""
    bids = [[mid - step * (place + 0.5), 1.0 + place % 7] for place in range(levels)]
    asks = [[mid + step * (place + 0.5), 1.0 + place % 5] for place in range(levels)]
    (event,) = book_of(BTC, book(bids=bids, asks=asks), NOON, levels).rows
    return event


def money_within(event: OrderBook, share: float) -> float:
    mid = (event.bid_prices[0] + event.ask_prices[0]) / 2
    sides = (
        (event.bid_prices, event.bid_sizes),
        (event.ask_prices, event.ask_sizes),
    )
    return math.fsum(
        price * size
        for prices, sizes in sides
        for price, size in zip(prices, sizes, strict=True)
        if abs(price - mid) <= mid * share
    )


@pytest.mark.parametrize("levels", [5, 10, 50, 100])
@pytest.mark.parametrize(
    ("count", "step"),
    [(5_000, 0.01), (5_000, 0.1), (400, 0.2), (150, 3.0), (20, 0.01)],
    ids=["to 5 %", "to 50 %", "to 8 %", "coarse", "few"],
)
def test_a_deep_book_is_joined_far_from_the_best(levels: int, count: int, step: float) -> None:
    whole = deep(count, step)
    joined = condensed(whole, levels)
    assert problem(joined) is None
    for name in ("bid_prices", "bid_sizes", "ask_prices", "ask_sizes"):
        assert len(getattr(joined, name)) <= 2 * levels
        assert getattr(joined, name)[:levels] == getattr(whole, name)[:levels]
    assert joined.bid_prices[-1] == whole.bid_prices[-1]
    assert joined.ask_prices[-1] == whole.ask_prices[-1]
    assert reach(joined) == reach(whole)
    for share in (0.01, 0.02, 1.0):
        assert money_within(joined, share) == pytest.approx(money_within(whole, share), rel=1e-12)


def test_a_book_that_is_small_enough_stays_as_it_is() -> None:
    whole = deep(100)
    assert condensed(whole, 50) == whole
