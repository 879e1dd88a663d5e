"""Whatever an exchange answers: only events of the contract come out, and nothing is lost."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from producers.exchange.parsing import Listing, book_of, candles_of
from producers.exchange.series import MOST_CANDLES, Series, last_closed, learn, missing, published
from schemas.validation import TIMEFRAME_MS, problem

LISTING = Listing("bybit", "ETH", "ETH/USDT")
HOUR = TIMEFRAME_MS["1h"]
NOON = 1_767_614_400_000
COUNT = 12

junk = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
opens = st.integers(-COUNT - 3, 2).map(lambda hour: NOON + hour * HOUR)
prices = st.floats(1e-12, 1e9)
good_rows = st.builds(
    lambda at, first, last, extra, volume: [
        at,
        first,
        max(first, last) + extra,
        min(first, last),
        last,
        volume,
    ],
    opens,
    prices,
    prices,
    st.floats(0.0, 1e3),
    st.floats(0.0, 1e12),
)
rows = good_rows | st.lists(junk, max_size=7) | st.lists(junk | opens, min_size=6, max_size=6)
levels = st.lists(st.tuples(prices, st.floats(0.0, 1e9)).map(list) | st.lists(junk), max_size=5)


@given(st.lists(rows, max_size=10), st.integers(NOON - 2 * HOUR, NOON + 3 * HOUR))
def test_candles_are_of_the_contract_in_the_order_of_time(
    answer: list[list[Any]], now_ms: int
) -> None:
    parsed = candles_of(LISTING, "1h", answer, now_ms)
    assert all(problem(candle) is None for candle in parsed.rows)
    times = [candle.open_time for candle in parsed.rows]
    assert times == sorted(set(times))
    assert all(candle.closed for candle in parsed.rows[:-1])


@given(st.lists(good_rows, max_size=10, unique_by=lambda row: row[0]))
def test_every_good_row_is_a_candle(answer: list[list[Any]]) -> None:
    parsed = candles_of(LISTING, "1h", answer, NOON + 2 * HOUR)
    assert len(parsed.rows) == len(answer)
    assert parsed.skipped == ()
    assert candles_of(LISTING, "1h", answer[::-1], NOON + 2 * HOUR) == parsed


@given(levels | junk, levels | junk, st.none() | st.integers() | st.just(NOON), st.integers(1, 5))
def test_books_are_of_the_contract_or_a_sentence(
    bids: Any, asks: Any, time: int | None, top: int
) -> None:
    raw = {"bids": bids, "asks": asks, "timestamp": time, "nonce": 1}
    parsed = book_of(LISTING, raw, NOON, top)
    assert len(parsed.rows) + len(parsed.skipped) == 1
    for event in parsed.rows:
        assert problem(event) is None
        assert len(event.bid_prices) <= top
        assert event.bid_prices[0] < event.ask_prices[0]


steps = st.lists(
    st.tuples(
        st.integers(0, 40 * 60_000),  # ms that pass
        st.sampled_from(["whole", "lags", "lacks", "fails", "unpublished"]),
        st.integers(1, COUNT),
    ),
    max_size=60,
)


@given(steps)
def test_each_candle_is_published_once_in_order_and_none_is_forgotten(
    steps: list[tuple[int, str, int]],
) -> None:
    series, now_ms = Series("1h"), NOON
    out: list[int] = []
    for passed, what, at in [
        *steps,
        (HOUR, "whole", 1),
        (10_000, "whole", 1),
        (10_000, "whole", 1),
    ]:
        now_ms += passed
        wanted = missing(series, now_ms, COUNT)
        if not wanted or what == "fails":
            continue
        present = [*wanted, last_closed("1h", now_ms) + HOUR, now_ms // HOUR * HOUR]
        if what == "lags":
            present = present[:-2]
        if what == "lacks":
            present = [one for one in present if one != wanted[-min(at, len(wanted))]]
        answer = [[one, 10.0, 12.0, 9.0, 11.0, 5.0] for one in dict.fromkeys(present)]
        candles = candles_of(LISTING, "1h", answer, now_ms).rows
        learnt, ready = learn(series, candles, now_ms, COUNT)
        if what == "unpublished":
            continue
        out += [candle.open_time for candle in ready]
        series = published(learnt, (candle.open_time for candle in ready))
    assert out == sorted(set(out))
    assert missing(series, now_ms, COUNT) == ()
    everything = set(range(out[0], out[-1] + 1, HOUR))
    assert everything - set(out) <= series.holes
    assert len(everything) < MOST_CANDLES
