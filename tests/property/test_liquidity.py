"""What holds of the liquidity engine for any books and volumes."""

from __future__ import annotations

from itertools import accumulate, pairwise
from math import isfinite
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.market import OrderBook
from streams.engines.base import EngineReading
from streams.engines.liquidity import ENGINE, ORDERS_USD, State
from streams.engines.liquidity_book import slippage_bps
from tests.unit.streams.engines._market import START_MS, make_book, make_tick

CONFIG = ENGINE.config
common = settings(max_examples=100, deadline=None)


@st.composite
def books(draw: st.DrawFn, observed_at: int = START_MS) -> OrderBook:
    """Draw a book: up to 30 levels a side, from hair-thin to hollow, sizes of 0 included."""
    price = draw(st.floats(1e-6, 1e6))
    steps = st.lists(st.floats(1e-7, 0.02), min_size=1, max_size=30)
    sizes = st.one_of(st.just(0.0), st.floats(1e-6, 1e9))
    sides = []
    for sign in (-1, 1):
        levels = [price * (1 + sign * far) for far in accumulate(draw(steps))]
        sides.append([(level, draw(sizes) / price) for level in levels])
    return make_book(*sides, observed_at)


@st.composite
def streams(draw: st.DrawFn) -> list[Any]:
    """Draw books and ticks in any order of time, repetitions and late ones included."""
    events: list[Any] = []
    now = START_MS
    for kind in draw(st.lists(st.sampled_from(["book", "tick", "repeat"]), max_size=25)):
        now += draw(st.integers(-600_000, 86_400_000))
        if kind == "book":
            events.append(draw(books(now)))
        elif kind == "tick":
            volume = draw(st.one_of(st.just(0.0), st.floats(1.0, 1e12)))
            events.append(make_tick(now, volume_24h_usd=volume))
        elif events:
            events.append(draw(st.sampled_from(events)))
    return events


def run(
    events: list[Any], state: State | None = None, start: int = 0
) -> tuple[State, list[EngineReading]]:
    state = ENGINE.initial(CONFIG) if state is None else state
    readings = []
    for offset, event in enumerate(events[start:], start=start):
        state = ENGINE.update(CONFIG, state, event, offset)
        readings.append(ENGINE.read(CONFIG, state, event.observed_at))
    return state, readings


def score_of(book: OrderBook) -> EngineReading:
    return run([book])[1][0]


@common
@given(streams())
def test_ranges(events: list[Any]) -> None:
    for reading in run(events)[1]:
        assert 0.0 <= reading.score <= 1.0
        assert 0.0 <= reading.confidence <= 1.0
        assert 0.0 <= reading.freshness <= 1.0
        assert all(isfinite(value) and value >= 0.0 for value in reading.features.values())
        assert (reading.confidence == 0.0) == (reading.detail == {"book": "none"})


@common
@given(streams(), st.floats(0.0, 1.0))
def test_what_comes_later_changes_no_earlier_reading(events: list[Any], share: float) -> None:
    split = round(share * len(events))
    _, prefix = run(events[:split])
    frozen = [msgspec.msgpack.encode(reading) for reading in prefix]
    _, whole = run(events)
    assert [msgspec.msgpack.encode(reading) for reading in whole[:split]] == frozen


@common
@given(streams(), st.floats(0.0, 1.0))
def test_state_survives_msgpack_in_mid_stream(events: list[Any], share: float) -> None:
    split = round(share * len(events))
    state, _ = run(events[:split])
    restored = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=State)
    assert restored == state
    assert run(events, restored, split) == run(events, state, split)


@common
@given(streams())
def test_repetitions_change_nothing(events: list[Any]) -> None:
    state = ENGINE.initial(CONFIG)
    for offset, event in enumerate(events):
        state = ENGINE.update(CONFIG, state, event, offset)
        assert ENGINE.update(CONFIG, state, event, offset + 1) is state


@common
@given(books(), st.lists(st.floats(1.0, 1e8), min_size=2, max_size=5))
def test_slippage_grows_with_the_order_and_stays_within_the_book(
    book: OrderBook, orders_usd: list[float]
) -> None:
    mid = (book.bid_prices[0] + book.ask_prices[0]) / 2
    nearest = (book.ask_prices[0] - mid) / mid * 1e4
    farthest = max(mid - book.bid_prices[-1], book.ask_prices[-1] - mid) / mid * 1e4
    all_bps = [slippage_bps(book, mid, order_usd) for order_usd in sorted(orders_usd)]
    filled = [bps for bps in all_bps if bps is not None]
    assert all_bps[: len(filled)] == filled
    for bps in filled:
        assert nearest - 1e-6 <= bps <= farthest + 1e-6
    assert all(a <= b + 1e-6 for a, b in pairwise(filled))


@common
@given(books(), st.floats(1.0, 100.0))
def test_more_size_never_lowers_the_score(book: OrderBook, factor: float) -> None:
    larger = msgspec.structs.replace(
        book,
        bid_sizes=tuple(size * factor for size in book.bid_sizes),
        ask_sizes=tuple(size * factor for size in book.ask_sizes),
    )
    assert score_of(larger).score >= score_of(book).score - 1e-9


@common
@given(books(), st.sampled_from([2.0**-20, 0.5, 2.0, 2.0**20]))
def test_the_unit_of_the_base_asset_does_not_matter(book: OrderBook, factor: float) -> None:
    """Twice the price for half the size is the same market; powers of two are exact."""
    other = msgspec.structs.replace(
        book,
        bid_prices=tuple(price * factor for price in book.bid_prices),
        ask_prices=tuple(price * factor for price in book.ask_prices),
        bid_sizes=tuple(size / factor for size in book.bid_sizes),
        ask_sizes=tuple(size / factor for size in book.ask_sizes),
    )
    here, there = score_of(book), score_of(other)
    assert (there.score, there.features) == (here.score, here.features)


@pytest.mark.parametrize("name", ORDERS_USD)
def test_an_order_without_a_feature_is_named_in_detail(name: str) -> None:
    book = make_book([(99.0, 1.0)], [(101.0, 1.0)])
    reading = score_of(book)
    assert f"slippage_{name}_bps" not in reading.features
    assert reading.detail[f"slippage_{name}"] == "not filled: the book holds 99 USD"
