"""What holds of the liquidity engine for any books and volumes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.market import OrderBook
from schemas.validation import problem
from streams.engines.base import EngineReading
from streams.engines.liquidity import ENGINE
from streams.engines.liquidity_book import ORDERS_USD, slippage_bps
from tests.property.engine_streams import book_streams, books
from tests.unit.streams.engines._market import make_book
from tests.unit.streams.engines._records import readings, said


def score_of(book: OrderBook) -> EngineReading:
    return said(ENGINE, book)


@given(book_streams())
def test_nothing_is_negative_and_without_a_book_it_says_so(events: list[Any]) -> None:
    for reading in readings(ENGINE, events):
        assert reading.score >= 0.0
        assert all(value >= 0.0 for value in reading.features.values())
        assert (reading.confidence == 0.0) == (reading.detail == {"book": "none"})


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


@given(books(), st.floats(1.0, 100.0))
def test_more_size_never_lowers_the_score(book: OrderBook, factor: float) -> None:
    larger = msgspec.structs.replace(
        book,
        bid_sizes=tuple(size * factor for size in book.bid_sizes),
        ask_sizes=tuple(size * factor for size in book.ask_sizes),
    )
    here, there = score_of(book), score_of(larger)
    assert there.score >= here.score - 1e-9
    assert there.confidence >= here.confidence - 1e-9


@given(books(), st.floats(1.0, 100.0))
def test_nearer_levels_never_lower_either(book: OrderBook, factor: float) -> None:
    """The same money nearer to mid is a more liquid market, of which as many levels are known."""
    mid = (book.bid_prices[0] + book.ask_prices[0]) / 2
    nearer = msgspec.structs.replace(
        book,
        bid_prices=tuple(mid - (mid - price) / factor for price in book.bid_prices),
        ask_prices=tuple(mid + (price - mid) / factor for price in book.ask_prices),
    )
    if problem(nearer) is not None:
        return  # two prices have become one
    nearer = msgspec.structs.replace(
        nearer,
        bid_sizes=tuple(
            a * b / c
            for a, b, c in zip(book.bid_sizes, book.bid_prices, nearer.bid_prices, strict=True)
        ),
        ask_sizes=tuple(
            a * b / c
            for a, b, c in zip(book.ask_sizes, book.ask_prices, nearer.ask_prices, strict=True)
        ),
    )
    here, there = score_of(book), score_of(nearer)
    assert there.score >= here.score - 1e-9
    assert there.confidence >= here.confidence - 1e-9


@given(books(), st.integers(1, 50))
def test_a_part_of_a_book_never_says_more_than_all_of_it(book: OrderBook, levels: int) -> None:
    part = msgspec.structs.replace(
        book,
        bid_prices=book.bid_prices[:levels],
        bid_sizes=book.bid_sizes[:levels],
        ask_prices=book.ask_prices[:levels],
        ask_sizes=book.ask_sizes[:levels],
    )
    less, more = score_of(part), score_of(book)
    assert more.score >= less.score - 1e-9
    assert more.confidence >= less.confidence - 1e-9


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
