"""A book a minute an asset: from the websocket where it is watched and fresh, else by REST.

An asset whose top levels end before 1 % of its price gets the exchange's full depth once in ten
minutes instead, its far levels joined: 5,000 levels of all assets each minute would be more than an
exchange allows, and more than a log should keep.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence

from producers.exchange.candle_tracker import Emit, Reports
from producers.exchange.connection import Connection
from producers.exchange.parsing import JUDGED_SHARES, Listing, book_of, condensed, reach
from producers.exchange.streams import BookStream
from producers.http_client.errors import UpstreamError
from schemas.market import OrderBook
from schemas.times import MINUTE_MS

_log = logging.getLogger(__name__)
_OFFSET_MS = 35_000
"""When in the minute a round starts: done before the next one, whose cycle then has fresh books."""
_FRESH_MS = 20_000
_TOGETHER = 10  # assets asked for at a time, and published together
DEEPEST = {"binance": 5000, "bybit": 200, "kraken": 500, "okx": 400}
"""The most levels that an exchange gives at once, of those where it is known."""
_DEEP_EVERY = 10
"""Rounds from one full depth of an asset to the next; the assets take turns."""


class BookFeed:
    """Publishes the order books of the followed markets, once each minute, until cancelled.

    `websocket`: watch them, too. Off by default: 50 watched books are hundreds of messages a
    second for one a minute, and Binance's stream never has levels beyond the first snapshot.
    """

    def __init__(
        self,
        connection: Connection,
        markets: Mapping[str, str],
        emit: Emit,
        *,
        levels: int,
        reports: Reports | None = None,
        websocket: bool = False,
        rng: random.Random | None = None,
    ) -> None:
        self._connection = connection
        self._emit = emit
        self._levels = levels
        self._reports = reports
        self._stream = (
            BookStream(connection, levels, reports=reports, rng=rng) if websocket else None
        )
        self._listings: tuple[Listing, ...] = ()
        self._shallow: set[str] = set()
        self._round = -1
        self.missed = 0
        self.follow(markets)

    def follow(self, markets: Mapping[str, str]) -> None:
        """Follow these markets (symbol by asset) from now on."""
        self._listings = tuple(
            Listing(self._connection.name, asset, symbol) for asset, symbol in markets.items()
        )
        if self._stream is not None:
            self._stream.follow([listing.symbol for listing in self._listings])

    async def run(self) -> None:
        """Publish until cancelled. The exchange's errors are reported, none is raised.

        A round that takes longer than a minute leaves out minutes; `missed` counts them.
        """
        async with asyncio.TaskGroup() as group:
            if self._stream is not None:
                group.create_task(self._stream.run())
            group.create_task(self._rounds())

    async def _rounds(self) -> None:
        clock = self._connection.clock
        minute = _minute(clock.now_ms())
        while True:
            minute += 1
            late_ms = clock.now_ms() - (minute * MINUTE_MS + _OFFSET_MS)
            if late_ms >= MINUTE_MS:
                self.missed += late_ms // MINUTE_MS
                minute += late_ms // MINUTE_MS
            elif late_ms < 0:
                await clock.sleep(-late_ms / 1000)
            await self.round()

    async def round(self) -> int:
        """Publish a book of each followed market; return how many."""
        published = 0
        listings = self._listings
        self._round += 1
        for at in range(0, len(listings), _TOGETHER):
            some = listings[at : at + _TOGETHER]
            answers = await asyncio.gather(
                *(self._any_book(listing, place) for place, listing in enumerate(some, at))
            )
            books = [book for book in answers if book is not None]
            published += await self._publish(books)
        return published

    async def _publish(self, books: Sequence[OrderBook]) -> int:
        if not books:
            return 0
        try:
            await self._emit(books)
        except Exception as error:
            _log.error("%d order books were not published: %s", len(books), error)
            return 0
        if self._reports is not None:
            self._reports.success()
        return len(books)

    async def _any_book(self, listing: Listing, place: int) -> OrderBook | None:
        """Return the asset's full depth when it is its turn and can be had, else the top of it."""
        is_due = (self._round + place) % _DEEP_EVERY == 0
        if is_due and listing.symbol in self._shallow:
            deep = await self._deep_book(listing)
            if deep is not None:
                return deep
        book = await self._book(listing)
        if book is not None and self._levels < DEEPEST.get(listing.exchange, 0):
            is_cut = self._levels <= max(len(book.bid_prices), len(book.ask_prices))
            if is_cut and reach(book) < JUDGED_SHARES[0]:
                self._shallow.add(listing.symbol)
            else:
                self._shallow.discard(listing.symbol)
        return book

    async def _deep_book(self, listing: Listing) -> OrderBook | None:
        levels = DEEPEST[listing.exchange]
        try:
            raw = await self._connection.book(listing.symbol, levels)
        except UpstreamError as error:
            _log.info("the top of the book instead of all of it: %s", error)
            return None
        parsed = book_of(listing, raw, self._connection.clock.now_ms(), levels)
        if not parsed.rows:
            _log.info("the top of the book instead of all of it: %s", parsed.skipped[0])
            return None
        return condensed(parsed.rows[0], self._levels)

    async def _book(self, listing: Listing) -> OrderBook | None:
        clock = self._connection.clock
        if self._stream is not None:
            streamed = self._stream.fresh(listing.symbol, _FRESH_MS)
            if streamed is not None:
                parsed = book_of(listing, streamed, clock.now_ms(), self._levels)
                if parsed.rows:
                    return parsed.rows[0]
                _log.info("asked for by REST instead: %s", parsed.skipped[0])
        try:
            raw = await self._connection.book(listing.symbol, self._levels)
        except UpstreamError as error:
            self._fail(error)
            return None
        parsed = book_of(listing, raw, clock.now_ms(), self._levels)
        if not parsed.rows:
            self._fail(UpstreamError(listing.exchange, "bad_answer", parsed.skipped[0]))
            return None
        return parsed.rows[0]

    def _fail(self, error: UpstreamError) -> None:
        _log.info("%s", error)
        if self._reports is not None:
            self._reports.failure(error)


def _minute(now_ms: int) -> int:
    """Return the last minute whose round should have started by now."""
    return (now_ms - _OFFSET_MS) // MINUTE_MS
