"""Which candles of a series are missing, asked for, published, and given up as holes."""

from __future__ import annotations

from itertools import pairwise

import pytest

from producers.exchange.parsing import Listing, candles_of
from producers.exchange.series import (
    MOST_CANDLES,
    Series,
    due,
    failed,
    last_closed,
    learn,
    missing,
    next_due,
    published,
)
from schemas.market import Candle
from schemas.validation import TIMEFRAME_MS

HOUR = TIMEFRAME_MS["1h"]
NOON = 1_767_614_400_000  # 2026-01-05 12:00 UTC
LISTING = Listing("binance", "BTC", "BTC/USDT")


def opens(*hours: int) -> tuple[int, ...]:
    """Return open times, in hours from noon."""
    return tuple(NOON + hour * HOUR for hour in hours)


def answer(*hours: int, now_ms: int = NOON + 2_000) -> tuple[Candle, ...]:
    rows = [[at, 10.0, 12.0, 9.0, 11.0, 5.0] for at in opens(*hours)]
    return candles_of(LISTING, "1h", rows, now_ms).rows


def known(*hours: int) -> Series:
    return Series("1h", frozenset(opens(*hours)))


@pytest.mark.parametrize(
    ("timeframe", "now_ms", "expected"),
    [
        pytest.param("1h", NOON + 1_499, NOON - 2 * HOUR, id="not settled yet"),
        pytest.param("1h", NOON + 1_500, NOON - HOUR, id="settled"),
        pytest.param("4h", NOON + 1_500, NOON - 4 * HOUR, id="4h"),
        pytest.param("1d", NOON, NOON - 36 * HOUR, id="1d begins at midnight UTC"),
    ],
)
def test_last_closed(timeframe: str, now_ms: int, expected: int) -> None:
    assert last_closed(timeframe, now_ms) == expected


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        pytest.param(known(), opens(-3, -2, -1), id="nothing known"),
        pytest.param(known(-3, -2, -1), (), id="all known"),
        pytest.param(known(-3, -1), opens(-2), id="a gap"),
        pytest.param(known(-6), opens(-5, -4, -3, -2, -1), id="all since the last known"),
        pytest.param(known(-9, -3), opens(-2, -1), id="what is older is not looked for"),
        pytest.param(
            Series("1h", frozenset(opens(-3)), frozenset(opens(-2))), opens(-1), id="a hole"
        ),
    ],
)
def test_missing(series: Series, expected: tuple[int, ...]) -> None:
    assert missing(series, NOON + 2_000, 3) == expected


def test_after_a_long_downtime_one_answer_is_asked_for() -> None:
    wanted = missing(known(-5000), NOON + 2_000, 300)
    assert len(wanted) == MOST_CANDLES
    assert wanted[-1] == NOON - HOUR


def test_candles_are_published_once_they_have_closed() -> None:
    series, ready = learn(known(), answer(-3, -2, -1, 0), NOON + 2_000, 3)
    assert [candle.open_time for candle in ready] == list(opens(-3, -2, -1))
    series = published(series, opens(-3, -2, -1))
    assert not due(series, NOON + 2_000, 3)
    assert next_due(series, NOON + 2_000, 3) == NOON + HOUR + 1_500
    assert learn(series, answer(-3, -2, -1, 0), NOON + 3_000, 3)[1] == ()


def test_an_answer_whose_last_candle_may_still_change_is_not_enough() -> None:
    series, ready = learn(known(-3, -2), answer(-1), NOON + 2_000, 3)
    assert ready == ()
    assert not due(series, NOON + 3_999, 3)
    assert due(series, NOON + 4_000, 3)


def test_what_is_not_published_stays_missing() -> None:
    series, ready = learn(known(-3, -2), answer(-1, 0), NOON + 2_000, 3)
    assert len(ready) == 1
    assert missing(series, NOON + 2_000, 3) == opens(-1)


def test_a_hole_is_believed_the_second_time_and_never_asked_for_again() -> None:
    series, ready = learn(known(), answer(-3, -1, 0), NOON + 2_000, 3)
    assert [candle.open_time for candle in ready] == list(opens(-3))  # what follows is held back
    series = published(series, opens(-3))
    assert not due(series, NOON + 6_999, 3)
    assert due(series, NOON + 7_000, 3)
    series, ready = learn(series, answer(-3, -1, 0), NOON + 7_000, 3)
    assert [candle.open_time for candle in ready] == list(opens(-1))
    series = published(series, opens(-1))
    assert series.holes == frozenset(opens(-2))
    assert missing(series, NOON + 7_000, 3) == ()


def test_a_candle_that_comes_with_the_second_answer_is_no_hole() -> None:
    series, ready = learn(known(), answer(-3, -1, 0), NOON + 2_000, 3)
    series = published(series, (candle.open_time for candle in ready))
    series, ready = learn(series, answer(-2, -1, 0), NOON + 7_000, 3)
    assert [candle.open_time for candle in ready] == list(opens(-2, -1))
    assert (series.holes, series.doubted) == (frozenset(), {})


def asked(series: Series, now_ms: int, until_ms: int) -> tuple[Series, list[int]]:
    """Ask whenever it is due, of an exchange that lacks the hour before noon; return when."""
    times = []
    while now_ms < until_ms:
        if due(series, now_ms, 3):
            times.append(now_ms)
            series, ready = learn(series, answer(-3, -2, 0, now_ms=now_ms), now_ms, 3)
            assert ready == ()
        now_ms = max(next_due(series, now_ms, 3), now_ms + 1_000)
    return series, times


def test_a_recent_candle_is_asked_for_again_for_an_hour_before_it_is_a_hole() -> None:
    start_ms = NOON + 2_000
    series, times = asked(known(-3, -2), start_ms, start_ms + HOUR - 1_000)
    assert series.holes == frozenset()
    assert missing(series, start_ms, 3) == opens(-1)
    assert 15 < len(times) < 30  # soon at first, then every five minutes
    assert [after - before for before, after in pairwise(times)][:2] == [5_000, 5_000]
    end_ms = start_ms + HOUR
    series, ready = learn(series, answer(-2, 0, 1, now_ms=end_ms), end_ms, 3)
    assert series.holes == frozenset(opens(-1))
    assert [candle.open_time for candle in ready] == list(opens(0))


@pytest.mark.parametrize("after_ms", [7_000, 1_800_000, HOUR - 3_000])
def test_a_recent_candle_that_comes_late_is_published_in_its_place(after_ms: int) -> None:
    series, _ = asked(known(-3, -2), NOON + 2_000, NOON + after_ms)
    now_ms = NOON + after_ms
    series, ready = learn(series, answer(-2, -1, 0, now_ms=now_ms), now_ms, 3)
    assert [candle.open_time for candle in ready] == list(opens(-1))
    assert (series.holes, series.doubted) == (frozenset(), {})


def test_later_candles_wait_for_a_recent_one_no_longer_than_the_hour() -> None:
    series, _ = asked(known(-3, -2), NOON + 2_000, NOON + 1_800_000)
    now_ms = NOON + HOUR + 2_000
    assert series.not_before_ms <= now_ms
    series, ready = learn(series, answer(-2, 0, 1, now_ms=now_ms), now_ms, 3)
    assert [candle.open_time for candle in ready] == list(opens(0))


def test_before_the_listing_there_is_nothing_to_ask_for() -> None:
    series, ready = learn(known(), answer(-1, 0), NOON + 2_000, 3)
    assert ready == ()
    series, ready = learn(series, answer(-1, 0), NOON + 7_000, 3)
    series = published(series, (candle.open_time for candle in ready))
    assert (series.known, series.holes) == (frozenset(opens(-1)), frozenset(opens(-3, -2)))
    assert missing(series, NOON + 7_000, 3) == ()


def test_candles_that_the_exchange_does_not_have_yet_are_no_holes() -> None:
    now_ms = NOON + 2_000
    series, _ = learn(known(-3), answer(-2, now_ms=now_ms), now_ms, 3)
    assert (series.holes, series.doubted) == (frozenset(), {})
    assert missing(series, now_ms, 3) == opens(-2, -1)


def test_pauses_grow_to_five_minutes_and_end_with_a_candle() -> None:
    series, now_ms, pauses = known(-3, -2), NOON + 2_000, []
    for _ in range(10):
        series = failed(series, now_ms)
        pauses.append(series.not_before_ms - now_ms)
        now_ms = series.not_before_ms
    assert pauses[:4] == [2_000, 4_000, 8_000, 16_000]
    assert pauses[-1] == 300_000
    series, ready = learn(series, answer(-1, 0), now_ms, 3)
    assert len(ready) == 1
    assert (series.attempts, series.not_before_ms) == (0, 0)


def test_what_an_answer_after_many_failures_leaves_is_asked_for_soon() -> None:
    series, now_ms = known(-3), NOON + 2_000
    for _ in range(10):
        series = failed(series, now_ms)
    series, ready = learn(series, answer(-2, -1), now_ms, 3)  # the last may still change
    assert [candle.open_time for candle in ready] == list(opens(-2))
    assert series.not_before_ms == now_ms + 2_000


def test_the_exchange_is_left_alone_for_as_long_as_it_says() -> None:
    series = failed(known(), NOON, retry_after_s=90.0)
    assert not due(series, NOON + 89_999, 3)
    assert due(series, NOON + 90_000, 3)


def test_the_oldest_are_forgotten() -> None:
    series = published(known(), opens(*range(-3 * MOST_CANDLES, 0)))
    assert len(series.known) == 2 * MOST_CANDLES + 1
    assert max(series.known) == NOON - HOUR
