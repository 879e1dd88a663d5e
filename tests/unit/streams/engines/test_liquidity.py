"""The liquidity score: books computed by hand, volume averages, and recorded books."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import permutations
from math import exp
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace
from pyarrow import parquet

from schemas.market import OrderBook
from schemas.scores import EngineScore
from streams.engines.base import EngineReading
from streams.engines.liquidity import ENGINE, State
from streams.engines.liquidity_book import ORDERS_USD, slippage_bps
from streams.engines.scoring_stage import ScoringStage
from streams.stage import advance
from tests.factories import DAY_MS, HOUR_MS
from tests.unit.streams.engines._market import START_MS, make_book, make_tick

CONFIG = ENGINE.config
MINUTE_MS = 60_000


def feed(events: Iterable[Any]) -> State:
    state = ENGINE.initial(CONFIG)
    for offset, event in enumerate(events):
        state = ENGINE.update(CONFIG, state, event, offset)
    return state


def say(events: Iterable[Any], now: int = START_MS) -> EngineReading:
    return ENGINE.read(CONFIG, feed(events), now)


TWO_LEVELS = make_book([(99.0, 200.0), (98.0, 10_000.0)], [(101.0, 100.0), (102.0, 20_000.0)])
"""Mid 100; bids hold 999,800 USD, asks 2,050,100 USD."""

ONE_SIDED = make_book([(99.9, 1.0)], [(100.1, 1e6)])


@pytest.mark.parametrize(
    ("book", "order_usd", "expected_bps"),
    [
        # Buying 10,000 ends in the level of 10,100 at 101; selling in that of 19,800 at 99.
        pytest.param(TWO_LEVELS, 10_000.0, 100.0, id="within the best level"),
        pytest.param(TWO_LEVELS, 10_100.0, 100.0, id="exactly the best ask"),
        # Buys 100 for 10,100 and 89,900 / 102 = 881.3725 more: 100,000 / 981.3725 = 101.8981.
        pytest.param(TWO_LEVELS, 100_000.0, 189.8102, id="two levels"),
        # Sells 200 for 19,800 and 480,200 / 98 = 4,900 more: 500,000 / 5,100 = 98.0392.
        # Buys 100 for 10,100 and 489,900 / 102 = 4,802.94 more: 500,000 / 4,902.94 = 101.9796.
        pytest.param(TWO_LEVELS, 500_000.0, 197.9605, id="buying is worse"),
        # Buys 100 for 10,100 and 989,700 / 102 = 9,702.94 more: 999,800 / 9,802.94 = 101.9898.
        pytest.param(TWO_LEVELS, 999_800.0, 198.9798, id="all of the bids"),
        pytest.param(TWO_LEVELS, 1_000_000.0, None, id="more than the bids"),
        pytest.param(ONE_SIDED, 50.0, 10.0, id="half the spread"),
        pytest.param(ONE_SIDED, 100.0, None, id="the thin side does not fill"),
    ],
)
def test_slippage(book: OrderBook, order_usd: float, expected_bps: float | None) -> None:
    slippage = slippage_bps(book, 100.0, order_usd)
    assert slippage == (None if expected_bps is None else pytest.approx(expected_bps, abs=1e-3))


def test_features_of_the_two_level_book() -> None:
    assert say([TWO_LEVELS]).features == pytest.approx(
        {
            "spread_bps": 200.0,
            "size_top_usd": 999_800.0,
            "depth_1pct_usd": 19_800.0 + 10_100.0,
            "depth_2pct_usd": 999_800.0 + 2_050_100.0,
            "slippage_10k_bps": 100.0,
            "slippage_100k_bps": 189.8102,
        }
    )


def test_score_of_the_two_level_book() -> None:
    """Log scales by hand: size 2.99991 of 3 decades, depth 0.4757 of 3 and 2.1832 of 3."""
    spread = 0.0
    size = np.log10(999.8) / 3
    depth = (np.log10(2.99) / 3 + np.log10(3_049_900 / 20_000) / 3) / 2
    slippage = (np.log(200 / 100) + np.log(200 / 189.8102)) / np.log(200) / 3
    reading = say([TWO_LEVELS])
    assert reading.score == pytest.approx((spread + size + depth + slippage) / 4, abs=1e-6)
    assert reading.confidence == pytest.approx(0.8)


def deep_book(spread_bps: float = 1.0, level_usd: float = 1e6, reach: float = 0.03) -> OrderBook:
    """Return a book of 100 levels a side of equal value, evenly spread up to `reach` of mid."""
    half = spread_bps / 2e4
    steps = [half + (reach - half) * place / 99 for place in range(100)]
    bids = [(100 * (1 - step), level_usd / (100 * (1 - step))) for step in steps]
    asks = [(100 * (1 + step), level_usd / (100 * (1 + step))) for step in steps]
    return make_book(bids, asks)


@pytest.mark.parametrize(
    ("book", "low", "high"),
    [
        pytest.param(deep_book(1.0, 1e6), 0.95, 1.0, id="the largest pair"),
        pytest.param(deep_book(10.0, 1e4), 0.35, 0.75, id="a middling one"),
        pytest.param(deep_book(150.0, 10.0), 0.0, 0.05, id="nobody there"),
        pytest.param(deep_book(150.0, 0.0), 0.0, 0.0, id="levels without size"),
    ],
)
def test_score_from_dead_to_deep(book: OrderBook, low: float, high: float) -> None:
    assert low <= say([book]).score <= high


@pytest.mark.parametrize("level_usd", [1e6, 1e4, 10.0])
@pytest.mark.parametrize("reach", [0.03, 0.01, 0.0001], ids=["3 %", "1 %", "1 bps"])
def test_how_far_a_book_reaches_is_said_and_is_no_matter_of_confidence(
    reach: float, level_usd: float
) -> None:
    """What it does not show can only be more: the score says "at least"."""
    reading = say([deep_book(0.5, level_usd, reach)])
    assert reading.confidence == 0.8
    assert ("reach" in reading.detail) == (reach < 0.02)


def test_the_shorter_side_tells_how_deep_a_book_is() -> None:
    lopsided = make_book([(99.995, 1.0), (99.99, 1.0)], [(100.005, 1.0), (110.0, 1e6)])
    reading = say([lopsided])
    assert reading.detail["reach"].startswith("book ends 1 bps from mid")


def levels_of(book: OrderBook, count: int, at: int = START_MS) -> OrderBook:
    """Return the top levels of a book."""
    return make_book(
        list(zip(book.bid_prices[:count], book.bid_sizes[:count], strict=True)),
        list(zip(book.ask_prices[:count], book.ask_sizes[:count], strict=True)),
        at,
    )


THIN = deep_book(60.0, 400.0, 0.05)
"""A coin of which all is known: 40,000 USD a side out to 5 %."""


def test_twenty_levels_of_the_largest_pair_are_not_below_a_thin_coin() -> None:
    """AUDIT 4: with 1.2 bps of its book known it had 0.41 of confidence, a thin coin 0.80."""
    steps = [0.01 * place for place in range(20)]
    bids = [(57_000.0 - step, 0.3) for step in steps]
    asks = [(57_000.01 + step, 0.3) for step in steps]
    large, thin = say([make_book(bids, asks)]), say([THIN])
    assert large.score > thin.score
    assert large.confidence >= thin.confidence


@pytest.mark.parametrize("count", [1, 5, 20, 50, 99])
def test_more_levels_of_a_book_lower_nothing(count: int) -> None:
    for book in (THIN, deep_book(), deep_book(10.0, 1e4, 0.008)):
        less, more = say([levels_of(book, count)]), say([levels_of(book, count + 1)])
        assert more.score >= less.score
        assert more.confidence >= less.confidence


def test_what_the_newest_book_does_not_show_is_of_the_deepest_of_late() -> None:
    whole = deep_book(2.0, 2e4, 0.03)
    top = levels_of(whole, 10, START_MS + 10 * MINUTE_MS)
    reading = say([whole, top], START_MS + 10 * MINUTE_MS)
    alone = say([top], START_MS + 10 * MINUTE_MS)
    for name in ("depth_1pct_usd", "depth_2pct_usd", "slippage_1m_bps"):
        assert reading.features[name] == say([whole]).features[name]
    for name in ("spread_bps", "size_top_usd", "slippage_10k_bps"):
        assert reading.features[name] == alone.features[name]
    assert reading.score > alone.score
    assert reading.evidence == (0, 1)
    assert reading.detail["deep"] == "beyond the top levels from a book 10 minutes older"
    assert (reading.data_time, reading.freshness) == (START_MS + 10 * MINUTE_MS, 1.0)


@pytest.mark.parametrize(("minutes", "is_used"), [(1, True), (24, True), (25, False), (60, False)])
def test_a_deep_book_stands_in_for_25_minutes(minutes: int, is_used: bool) -> None:
    whole = deep_book()
    tops = [levels_of(whole, 10, START_MS + at * MINUTE_MS) for at in range(1, minutes + 1)]
    reading = say([whole, *tops], START_MS + minutes * MINUTE_MS)
    assert ("deep" in reading.detail) == is_used
    assert reading.evidence == ((0, minutes) if is_used else (minutes,))


@pytest.mark.parametrize(
    ("factor", "exchange", "is_used"),
    [
        pytest.param(1.0, "binance", True, id="the same market"),
        pytest.param(1.015, "binance", True, id="1.5 % dearer"),
        pytest.param(1.03, "binance", False, id="3 % dearer"),
        pytest.param(1e-3, "binance", False, id="another coin"),
        pytest.param(1.0, "kraken", False, id="another exchange"),
    ],
)
def test_a_deep_book_stands_in_for_its_own_market_and_price_only(
    factor: float, exchange: str, is_used: bool
) -> None:
    whole = replace(deep_book(), exchange="binance")
    top = levels_of(whole, 10, START_MS + MINUTE_MS)
    top = replace(
        top,
        exchange=exchange,
        bid_prices=tuple(price * factor for price in top.bid_prices),
        ask_prices=tuple(price * factor for price in top.ask_prices),
    )
    assert ("deep" in say([whole, top], START_MS + MINUTE_MS).detail) == is_used


def test_books_of_one_moment_have_no_order() -> None:
    whole, now = deep_book(), START_MS
    books = [whole, levels_of(whole, 10, now), levels_of(THIN, 30, now)]
    before = deep_book(3.0, 1e5, 0.01)
    earlier = levels_of(before, 100, now - MINUTE_MS)
    told = {
        msgspec.json.encode(replace(say([earlier, *order], now), evidence=()))
        for order in permutations(books)
    }
    assert len(told) == 1


def test_a_worker_goes_on_with_a_state_that_knows_of_no_deep_book() -> None:
    state = feed([deep_book(), make_tick(START_MS)])
    stored = msgspec.to_builtins(state)
    del stored["deep"], stored["volume"]["source_usd"]
    assert msgspec.convert(stored, State) == state


def test_what_is_not_filled_is_said() -> None:
    detail = say([TWO_LEVELS]).detail
    assert detail["slippage_1m"] == "not filled: the book holds 999,800 USD"
    assert not {"slippage_10k", "slippage_100k"} & set(detail)


def test_without_a_book_it_is_zero_and_knows_nothing() -> None:
    assert say([make_tick()]) == EngineReading(0.0, 0.0, 0.0, detail={"book": "none"})


@pytest.mark.parametrize(
    ("age_minutes", "freshness", "stale"),
    [(0, 1.0, None), (2, 1.0, None), (8.5, 0.5, "book is 8 minutes old"),
     (15, 0.0, "book is 15 minutes old")],
)  # fmt: skip
def test_freshness(age_minutes: float, freshness: float, stale: str | None) -> None:
    reading = say([TWO_LEVELS], START_MS + round(age_minutes * MINUTE_MS))
    assert reading.freshness == freshness
    assert reading.detail.get("stale") == stale


def test_where_it_comes_from() -> None:
    reading = say([make_tick(START_MS - 1, price_usd=55.0), TWO_LEVELS])
    assert (reading.price_usd, reading.data_time, reading.evidence) == (100.0, START_MS, (1,))


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(TWO_LEVELS, id="the same book again"),
        pytest.param(make_book([(9.0, 1.0)], [(11.0, 1.0)], START_MS - 1), id="a late book"),
        pytest.param(make_tick(START_MS), id="the same tick again"),
        pytest.param(make_tick(START_MS - 1, 1.0), id="a late tick"),
        pytest.param("something else", id="a foreign event"),
    ],
)
def test_nothing_new_leaves_the_very_same_state(event: Any) -> None:
    state = feed([make_tick(START_MS), TWO_LEVELS])
    assert ENGINE.update(CONFIG, state, event, 999) is state


def volumes(*spans: tuple[float, float]) -> list[Any]:
    """Return hourly ticks: (days, volume in USD) one after the other, then a book."""
    ticks, now = [], START_MS - 1_000 * DAY_MS
    for days, volume_usd in spans:
        for _ in range(round(days * 24)):
            ticks.append(make_tick(now, volume_24h_usd=volume_usd))
            now += HOUR_MS
    return [*ticks, deep_book()]


@pytest.mark.parametrize(
    ("spans", "ratio", "trend"),
    [
        pytest.param([(0.5, 1e6)], None, None, id="half a day"),
        pytest.param([(2, 1e6)], 1.0, None, id="two days, steady"),
        pytest.param([(8, 1e6)], 1.0, 1.0, id="eight days, steady"),
        # A plain mean over 3 days: 1.5 days at 1, 1.5 at 3, so 3 / 2.
        pytest.param([(1.5, 1e6), (1.5, 3e6)], 1.5, None, id="young average is a plain mean"),
        # 100 days at 1, then d days at 2: month = 2 - exp(-d / 15), week = 2 - exp(-d / 3.5).
        pytest.param([(100, 1e6), (7, 2e6)], 2 / (2 - exp(-7 / 15)),
                     (2 - exp(-2)) / (2 - exp(-7 / 15)), id="old average is exponential"),
        # Month, plain: (2 * 4 + 6) / 8. Week, plain for 3.5 days: 9.5 / 3.5 = 2.714, and then
        # 1 + 1.714 exp(-4.5 / 3.5) = 1.474.
        pytest.param([(2, 4e6), (6, 1e6)], 1 / 1.75, 1.474 / 1.75, id="plain, then exponential"),
        pytest.param([(8, 0.0)], None, None, id="no volume at all"),
    ],
)  # fmt: skip
def test_volume_against_our_averages(
    spans: list[tuple[float, float]], ratio: float | None, trend: float | None
) -> None:
    reading = say(volumes(*spans))
    for name, expected in (("volume_ratio", ratio), ("volume_trend", trend)):
        value = reading.features.get(name)
        assert value == (None if expected is None else pytest.approx(expected, rel=0.01))
        assert (name in reading.detail) == (expected is None)
    present = 4 + ((ratio is not None) + (trend is not None)) / 2
    assert reading.confidence == pytest.approx(present / 5)


@pytest.mark.parametrize(
    ("days", "ratio", "trend"),
    [
        pytest.param(0, 0.5, None, id="at the start"),
        pytest.param(6, 0.5, None, id="six days"),
        pytest.param(7, 0.5, 0.5, id="a week: our own 7 days over its 30"),
        pytest.param(29, 0.5, 0.5, id="29 days"),
        pytest.param(31, 1.0, 1.0, id="our own of 30 days"),
    ],
)
def test_the_source_has_an_average_from_the_start(
    days: int, ratio: float, trend: float | None
) -> None:
    """Ours is 1e6, for it was always that; the source's is 2e6."""
    ticks = [
        make_tick(START_MS - hour * HOUR_MS, volume_24h_usd=1e6, volume_30d_avg_usd=2e6)
        for hour in range(days * 24, -1, -1)
    ]
    features = say([*ticks, deep_book()]).features
    assert features["volume_ratio"] == pytest.approx(ratio)
    assert features.get("volume_trend") == (None if trend is None else pytest.approx(trend))


def test_the_volume_of_the_newest_tick_is_a_feature_for_a_day() -> None:
    reading = say([make_tick(START_MS - HOUR_MS, volume_24h_usd=1e6), deep_book()])
    assert reading.features["volume_24h_usd"] == 1e6
    old = say([make_tick(START_MS - 24 * HOUR_MS, volume_24h_usd=1e6), deep_book()])
    assert "volume_24h_usd" not in old.features


def test_the_last_average_of_the_source_is_kept() -> None:
    first = make_tick(START_MS - HOUR_MS, volume_24h_usd=1e6, volume_30d_avg_usd=2e6)
    reading = say([first, make_tick(START_MS, volume_24h_usd=4e6), deep_book()])
    assert reading.features["volume_ratio"] == 2.0


def test_another_coin_does_not_have_it() -> None:
    first = make_tick(START_MS - HOUR_MS, price_usd=1.0, volume_30d_avg_usd=2e6)
    other = make_tick(START_MS, price_usd=100.0, volume_24h_usd=4e6)
    assert "volume_ratio" not in say([first, other, deep_book()]).features


@pytest.mark.parametrize(
    ("now_usd", "part"),
    [(1e6, 0.5), (2e6, 0.75), (5e5, 0.25), (1e8, 1.0), (0.0, 0.0)],
    ids=["usual", "double", "half", "hundredfold", "none"],
)
def test_volume_part(now_usd: float, part: float) -> None:
    """A year at 1e6, then one tick; the averages hardly move, the trend stays 1 and scores 0.5."""
    reading = say(volumes((365, 1e6), (1 / 24, now_usd)))
    alone = say([deep_book()]).score
    trend = reading.features["volume_trend"]
    trend_part = 0.5 + np.log2(trend) / 4
    expected = (4 * alone + (part + trend_part) / 2) / 5
    assert reading.score == pytest.approx(expected, abs=0.01 if now_usd == 2e6 else 2e-3)


def test_it_speaks_when_the_score_moved_by_a_hundredth() -> None:
    books = [TWO_LEVELS, deep_book(), deep_book(1.0, 1.001e6), deep_book(50.0)]
    stage, entry, said = ScoringStage(ENGINE), None, list[EngineScore]()
    for offset, book in enumerate(books):
        later = make_book(
            list(zip(book.bid_prices, book.bid_sizes, strict=True)),
            list(zip(book.ask_prices, book.ask_sizes, strict=True)),
            START_MS + offset * MINUTE_MS,
        )
        moved = advance(stage, entry, later, ENGINE.topic, 0, offset)
        assert moved is not None
        entry, outputs = moved
        said += [output.event for output in outputs]
    assert [score.evidence for score in said] == [(0,), (1,), (3,)]


@pytest.fixture(scope="session")
def recorded_books(shared_data: Path) -> list[OrderBook]:
    table = parquet.read_table(shared_data / "books" / "btcusdt_depth20_1s.parquet").to_pylist()
    return [
        make_book(
            [(row[f"bid_px_{level}"], row[f"bid_sz_{level}"]) for level in range(20)],
            [(row[f"ask_px_{level}"], row[f"ask_sz_{level}"]) for level in range(20)],
            row["ts_ms"],
        )
        for row in table
    ]


def numpy_slippage_bps(book: OrderBook, order_usd: float) -> float | None:
    """Return the same slippage another way: interpolate the base amount on the value walked."""
    mid = (book.bid_prices[0] + book.ask_prices[0]) / 2
    worst = 0.0
    for prices, sizes in (
        (book.bid_prices, book.bid_sizes),
        (book.ask_prices, book.ask_sizes),
    ):
        values = np.cumsum([0.0, *np.multiply(prices, sizes)])
        if values[-1] < order_usd:
            return None
        base = np.interp(order_usd, values, np.cumsum([0.0, *sizes]))
        worst = max(worst, abs(order_usd / base / mid - 1) * 1e4)
    return worst


@pytest.mark.shared_data
def test_recorded_books(recorded_books: list[OrderBook]) -> None:
    assert len(recorded_books) > 600
    for book in recorded_books:
        reading = say([book])
        for name, order_usd in ORDERS_USD.items():
            expected = numpy_slippage_bps(book, order_usd)
            value = reading.features.get(f"slippage_{name}_bps")
            assert value == (None if expected is None else pytest.approx(expected, abs=1e-6))
            assert (f"slippage_{name}" in reading.detail) == (expected is None)
        thin = say([THIN])
        assert thin.score < reading.score < 0.9
        assert thin.confidence <= reading.confidence
        assert "reach" in reading.detail
