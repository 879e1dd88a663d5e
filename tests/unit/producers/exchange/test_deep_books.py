"""Which books are requested whole, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from producers.exchange.books import DEEPEST, BookFeed
from producers.exchange.connection import Connection
from producers.http_client.errors import UpstreamError
from schemas.market import OrderBook
from schemas.validation import problem
from tests.unit.producers.http_client.harness import StepClock

LEVELS = 50


class Venue:
    """An exchange with books of given levels and steps, by symbol; it notes what it is asked."""

    def __init__(self, name: str, books: dict[str, tuple[int, float]]) -> None:
        self.name, self.clock, self.books = name, StepClock(), books
        self.asked: list[tuple[str, int]] = []
        self.refuses_more_than = 1_000_000

    async def book(self, symbol: str, levels: int) -> dict[str, Any]:
        self.asked.append((symbol, levels))
        if levels > self.refuses_more_than:
            raise UpstreamError(self.name, "bad_request", "no such limit")
        count, step = self.books[symbol]
        shown = range(min(count, levels))
        return {
            "bids": [[1_000.0 - step * (place + 1), 2.0] for place in shown],
            "asks": [[1_000.0 + step * (place + 1), 2.0] for place in shown],
        }


async def played(venue: Venue, rounds: int) -> list[OrderBook]:
    """Return the books of so many rounds, one of each symbol in each."""
    sent: list[OrderBook] = []

    async def emit(books: Sequence[OrderBook]) -> None:
        sent.extend(books)

    markets = {symbol.partition("/")[0]: symbol for symbol in venue.books}
    feed = BookFeed(cast(Connection, venue), markets, emit, levels=LEVELS)
    for _ in range(rounds):
        assert await feed.round() == len(markets)
    assert all(problem(one) is None for one in sent)
    return sent


async def test_a_shallow_book_is_requested_whole_once_in_ten_rounds() -> None:
    """BTC's 50 levels reach 0.05 %, THIN's 5 %; SMALL has 30 levels, and that is all."""
    books = {"BTC/USDT": (5_000, 0.01), "THIN/USDT": (5_000, 1.0), "SMALL/USDT": (30, 0.01)}
    venue = Venue("binance", books)
    sent = await played(venue, 30)
    deep = [symbol for symbol, levels in venue.asked if levels == DEEPEST["binance"]]
    assert deep in (["BTC/USDT"] * 2, ["BTC/USDT"] * 3)
    assert len(venue.asked) == 3 * 30, "in place of the top levels, not beside them"
    longest = [one for one in sent if len(one.bid_prices) > LEVELS]
    assert [one.asset for one in longest] == ["BTC"] * len(deep)
    assert all(len(one.bid_prices) <= 2 * LEVELS for one in longest)
    assert longest[0].bid_prices[-1] == pytest.approx(950.0)


async def test_the_assets_take_turns() -> None:
    venue = Venue("bybit", {f"A{number}/USDT": (200, 0.001) for number in range(20)})
    await played(venue, 30)
    by_round = [
        sum(levels == 200 for _, levels in venue.asked[start : start + 20])
        for start in range(0, 600, 20)
    ]
    assert max(by_round) == 2
    assert 30 <= sum(by_round) <= 60


@pytest.mark.parametrize("name", ["bitvavo", "kucoin"])
async def test_an_exchange_whose_depth_is_not_known_is_asked_for_the_top_only(name: str) -> None:
    venue = Venue(name, {"BTC/USDT": (5_000, 0.01)})
    await played(venue, 20)
    assert {levels for _, levels in venue.asked} == {LEVELS}


async def test_a_depth_that_is_refused_costs_no_book() -> None:
    venue = Venue("binance", {"BTC/USDT": (5_000, 0.01)})
    venue.refuses_more_than = 1_000
    sent = await played(venue, 30)
    assert len(sent) == 30
    assert sum(levels == DEEPEST["binance"] for _, levels in venue.asked) in (2, 3)
