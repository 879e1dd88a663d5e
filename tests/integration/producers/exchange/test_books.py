"""A book a minute an asset: by REST, from the websocket, and by REST when that is of no use."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from producers.exchange.books import BookFeed
from schemas.times import MINUTE_MS
from schemas.validation import problem
from tests.integration.producers.exchange.harness import (
    ASSETS,
    START_MS,
    Exchange,
    Prices,
    Published,
    clock_at,
    connected,
    markets,
    running,
    serving,
    until,
)


@asynccontextmanager
async def feeding(
    exchange: Exchange, published: Published, websocket: bool
) -> AsyncIterator[BookFeed]:
    async with connected(exchange) as connection:
        feed = BookFeed(connection, markets(ASSETS), published, levels=50, websocket=websocket)
        async with running(feed.run()):
            yield feed


async def test_each_asset_has_one_book_a_minute(name: str) -> None:
    published = Published()
    async with (
        serving(name, clock_at(START_MS, 120.0), Prices(ASSETS)) as exchange,
        feeding(exchange, published, websocket=False) as feed,
    ):
        await until(lambda: len(published.books) >= 9, "three minutes of books")
    counts = Counter((book.asset, book.observed_at // MINUTE_MS) for book in published.books)
    assert set(counts.values()) == {1}
    assert feed.missed == 0
    assert all(problem(book) is None for book in published.books)
    assert all(len(book.bid_prices) == 50 for book in published.books)
    assert exchange.requests("depth") + exchange.requests("orderbook") == len(published.books)


async def test_a_fresh_websocket_spares_the_requests(name: str) -> None:
    published = Published()
    async with (
        serving(name, clock_at(START_MS, 15.0), Prices(ASSETS)) as exchange,
        feeding(exchange, published, websocket=True),
    ):
        await until(lambda: len(published.books) >= 3, "a minute's books")
        by_rest = exchange.requests("depth") + exchange.requests("orderbook")
    assert all(problem(book) is None for book in published.books)
    assert by_rest <= len(ASSETS)  # Binance's snapshots, to begin with
    prices = exchange.prices
    for book in published.books:
        near = [prices.price(book.asset, book.event_time - at * 5_000) for at in range(4)]
        assert any(book.bid_prices[0] < price < book.ask_prices[0] for price in near)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("binance", "ws_silent"),
        ("binance", "ws_skips"),
        ("bybit", "ws_dies"),
        ("bybit", "ws_refuses"),
    ],
)
async def test_a_websocket_of_no_use_costs_no_book(name: str, fault: str) -> None:
    published = Published()
    async with (
        serving(name, clock_at(START_MS + 30_000, 60.0), Prices(ASSETS)) as exchange,
    ):
        exchange.fault(fault, every=3 if fault == "ws_skips" else 1)
        async with feeding(exchange, published, websocket=True):
            await until(lambda: len(published.books) >= 6, "two minutes of books")
    counts = Counter((book.asset, book.observed_at // MINUTE_MS) for book in published.books)
    assert set(counts.values()) == {1}
    assert all(problem(book) is None for book in published.books)


async def test_an_asset_whose_book_fails_costs_no_other_its_own() -> None:
    published = Published()
    async with (
        serving("binance", clock_at(START_MS + 30_000, 60.0), Prices(ASSETS)) as exchange,
        connected(exchange) as connection,
    ):
        listed = {"NOPE": "NOPE/USDT", **markets(ASSETS)}
        feed = BookFeed(connection, listed, published, levels=20)
        assert await feed.round() == 3
        published.refuse = 1
        assert await feed.round() == 0
        feed.follow({"ETH": "ETH/USDT"})
        assert await feed.round() == 1
    assert [book.asset for book in published.books] == [*ASSETS, "ETH"]


async def test_rounds_that_take_too_long_leave_out_minutes() -> None:
    published = Published()
    async with (
        serving("binance", clock_at(START_MS, 60_000.0), Prices(ASSETS)) as exchange,
        feeding(exchange, published, websocket=False) as feed,
    ):
        await until(lambda: len(published.books) >= 6, "books")
    assert feed.missed > 0
    counts = Counter((book.asset, book.observed_at) for book in published.books)
    assert set(counts.values()) == {1}
