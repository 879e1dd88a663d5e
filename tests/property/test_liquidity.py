"""What holds of the liquidity engine for any books and volumes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.market import OrderBook
from streams.engines.base import EngineReading
from streams.engines.liquidity import ENGINE, ORDERS_USD
from streams.engines.liquidity_book import slippage_bps
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
    assert score_of(larger).score >= score_of(book).score - 1e-9


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
