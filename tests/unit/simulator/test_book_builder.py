"""Books moved to any price: in order, uncrossed, around the price, all of the size there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata.simulated.assets import ASSETS
from marketdata.simulated.simulation import backfill
from schemas.market import OrderBook
from simulator.book_builder import around, mid_of

ONE = [asset for asset in ASSETS if asset.symbol in ("BTC", "PEPE", "QNT")]
STATE, EVENTS = backfill(3, 1_760_000_400_000, ONE)
BOOKS = {event.asset: event for event in EVENTS if type(event) is OrderBook}


@pytest.mark.parametrize("asset", ONE, ids=lambda asset: asset.symbol)
def test_the_middle_is_the_price_that_it_was_made_around(asset):
    price = next(one.price_usd for one in STATE.assets if one.asset == asset)
    assert mid_of(BOOKS[asset.symbol], asset.decimals) == price


@given(st.sampled_from(ONE), st.floats(0.97, 1.03), st.integers(1, 80))
def test_moved_books(asset, factor, levels):
    book = BOOKS[asset.symbol]
    price = round(mid_of(book, asset.decimals) * factor, asset.decimals)
    moved = around(book, price, asset.decimals, levels)
    bids, asks = [row[0] for row in moved.bids], [row[0] for row in moved.asks]
    assert bids == sorted(set(bids), reverse=True)
    assert asks == sorted(set(asks))
    assert bids[0] < price < asks[0]
    assert (bids[0] + asks[0]) / 2 == pytest.approx(price, rel=1e-12)
    # Two of the market's levels may be less than three ticks apart.
    assert min(levels, 54) <= min(len(bids), len(asks)) <= max(len(bids), len(asks))
    assert max(len(bids), len(asks)) <= min(levels, 60)
    assert all(size > 0 for _, size in moved.bids + moved.asks)


def test_no_size_is_lost_over_the_levels():
    book = BOOKS["BTC"]
    whole = around(book, mid_of(book, 1), 1, 60)
    assert sum(size for _, size in whole.bids) == pytest.approx(sum(book.bid_sizes), rel=1e-4)
    # A cut book is the top of the whole one, whatever was asked for.
    assert around(book, mid_of(book, 1), 1, 7).asks == whole.asks[:7]
