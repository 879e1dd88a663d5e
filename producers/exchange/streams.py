"""What a websocket brings of open candles and order books, kept while it is fresh.

Each life of the socket has a ccxt instance of its own, thrown away with it, for ccxt keeps state of
a dead one; a new one comes after a pause that grows. A socket that dies, falls silent or skips
messages does no harm: what is not fresh is requested by REST.
"""

from __future__ import annotations

import asyncio
import logging
import random
from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from typing import Any, Generic, TypeVar

from producers.exchange.candle_tracker import Reports
from producers.exchange.connection import Connection
from producers.exchange.errors import upstream_error
from producers.http_client.errors import UpstreamError

_log = logging.getLogger(__name__)
SILENCE_S = 60.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
_HEALTHY_MS = 60_000  # a socket that lived as long resets the pauses
_READ_S = 0.5  # between two looks at what came
_LEFTOVER = 60  # subscriptions no longer wanted, before a new socket without them

Item = TypeVar("Item", bound=Hashable)


class Stream(ABC, Generic[Item]):
    """Watches items (a symbol, or a symbol and timeframe) over one websocket at a time.

    group_size  how many items one subscription message names
    silence_s   wall seconds without a message about a group, after which its socket is dead
    """

    def __init__(
        self,
        connection: Connection,
        *,
        group_size: int,
        reports: Reports | None = None,
        rng: random.Random | None = None,
        silence_s: float = SILENCE_S,
    ) -> None:
        self.connection = connection
        self._group_size = group_size
        self._reports = reports
        self._rng = rng or random.Random(0)
        self._silence_s = silence_s
        self._items: tuple[Item, ...] = ()
        self._changed = asyncio.Event()
        self._subscribed: dict[Item, None] = {}
        self._exchange: Any = None
        self._marks: dict[Item, Hashable] = {}
        self._received_at: dict[Item, int] = {}
        self.lives = 0

    def follow(self, items: Sequence[Item]) -> None:
        """Watch these items from now on."""
        if tuple(items) != self._items:
            self._items = tuple(items)
            self._changed.set()

    def fresh(self, item: Item, age_ms: int) -> Any:
        """Return the last message's content for an item; None if it is older than `age_ms`."""
        received_at = self._received_at.get(item)
        if self._exchange is None or received_at is None:
            return None
        if self.connection.clock.now_ms() - received_at > age_ms:
            return None
        return self._read(self._exchange, item)

    async def run(self) -> None:
        """Watch until cancelled. Errors are reported, none is raised."""
        pause_s = _FIRST_PAUSE_S
        while True:
            if not self._items:
                await self._changed.wait()
            self._changed.clear()
            born_ms = self.connection.clock.now_ms()
            requested_pause_s = 0.0
            try:
                await self._live()
            except Exception as error:
                failure = upstream_error(self.connection.name, error)
                requested_pause_s = failure.retry_after_s or 0.0
                self._report(failure)
            if self.connection.clock.now_ms() - born_ms > _HEALTHY_MS:
                pause_s = _FIRST_PAUSE_S
            wait_s = max(pause_s * self._rng.uniform(0.5, 1.0), requested_pause_s)
            await self.connection.clock.sleep(wait_s)
            pause_s = min(2.0 * pause_s, _LONGEST_PAUSE_S)

    async def _live(self) -> None:
        """Watch with one socket until it fails, or has too many subscriptions left over."""
        exchange = self.connection.watcher()
        self.lives += 1
        self._subscribed, self._received_at, self._marks = {}, {}, {}
        self._exchange = exchange
        try:
            while self._items and len(self._subscribed) - len(self._items) < _LEFTOVER:
                self._changed.clear()
                self._subscribed.update(dict.fromkeys(self._items))
                await self._watch_until_changed(exchange)
        finally:
            self._exchange = None
            await exchange.close()

    async def _watch_until_changed(self, exchange: Any) -> None:
        size = self._group_size
        groups = [self._items[at : at + size] for at in range(0, len(self._items), size)]
        changed = asyncio.ensure_future(self._changed.wait())
        tasks = [asyncio.ensure_future(self._watch(exchange, group)) for group in groups]
        try:
            done, _ = await asyncio.wait([changed, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # raises the error of the group that failed
        finally:
            for task in (changed, *tasks):
                task.cancel()
            await asyncio.gather(changed, *tasks, return_exceptions=True)

    async def _watch(self, exchange: Any, group: Sequence[Item]) -> None:
        while True:
            try:
                async with asyncio.timeout(self._silence_s):
                    await self._next(exchange, group)
            except TimeoutError:
                text = f"its websocket has been silent for {self._silence_s:g} s"
                raise UpstreamError(self.connection.name, "timeout", text) from None
            except Exception as error:
                if type(error).__name__ != "ChecksumError":
                    raise  # else a message was skipped: ccxt gets the whole book anew by itself
            self._note_changes(exchange, group)
            await self.connection.clock.sleep(_READ_S)

    def _note_changes(self, exchange: Any, group: Sequence[Item]) -> None:
        """Note what has changed: ccxt returns one item at a time, and others came meanwhile."""
        now_ms = self.connection.clock.now_ms()
        for item in group:
            mark = self._mark(exchange, item)
            if mark is not None and mark != self._marks.get(item):
                self._marks[item] = mark
                self._received_at[item] = now_ms

    def _report(self, error: UpstreamError) -> None:
        _log.info("%s", error)
        if self._reports is not None:
            self._reports.failure(error)

    @abstractmethod
    async def _next(self, exchange: Any, group: Sequence[Item]) -> None:
        """Wait for the next message about one of the items."""

    @abstractmethod
    def _mark(self, exchange: Any, item: Item) -> Hashable | None:
        """Return what changes with each message about an item; None before the first."""

    @abstractmethod
    def _read(self, exchange: Any, item: Item) -> Any:
        """Return the last content of an item; None before the first."""


_SIDES = ("bids", "asks")
_BINANCE_SNAPSHOT = 500  # levels; the stream tells of changes only
_BYBIT_DEPTHS = (50, 200, 1000)
_GROUP_SIZE = {"binance": 50, "bybit": 10}
"""Items of one subscription message: Bybit takes ten, Binance five messages a second."""


class CandleStream(Stream[tuple[str, str]]):
    """The open candles of (symbol, timeframe) pairs; `fresh` returns a row as REST's."""

    def __init__(self, connection: Connection, **options: Any) -> None:
        super().__init__(connection, group_size=_GROUP_SIZE[connection.name], **options)

    async def _next(self, exchange: Any, group: Sequence[tuple[str, str]]) -> None:
        await exchange.watch_ohlcv_for_symbols([list(pair) for pair in group])

    def _mark(self, exchange: Any, item: tuple[str, str]) -> Hashable | None:
        row = self._read(exchange, item)
        return None if row is None else tuple(row)

    def _read(self, exchange: Any, item: tuple[str, str]) -> Any:
        rows = exchange.ohlcvs.get(item[0], {}).get(item[1])
        return rows[-1] if rows else None


class BookStream(Stream[str]):
    """The order books of symbols; `fresh` returns a book as REST's, `levels` a side."""

    def __init__(self, connection: Connection, levels: int, **options: Any) -> None:
        super().__init__(connection, group_size=_GROUP_SIZE[connection.name], **options)
        self._levels = levels

    async def _next(self, exchange: Any, group: Sequence[str]) -> None:
        if self.connection.name == "binance":
            params = {"watchOrderBookRate": "1000"}  # ms; a book a minute is wanted
            await exchange.watch_order_book_for_symbols(list(group), _BINANCE_SNAPSHOT, params)
        else:
            await exchange.watch_order_book_for_symbols(list(group), _bybit_depth(self._levels))

    def _mark(self, exchange: Any, item: str) -> Hashable | None:
        book = exchange.orderbooks.get(item)
        return None if book is None else (book["nonce"], book["timestamp"])

    def _read(self, exchange: Any, item: str) -> Any:
        book = exchange.orderbooks.get(item)
        if book is None:
            return None
        sides = {side: [list(level) for level in book[side][: self._levels]] for side in _SIDES}
        return {**sides, "nonce": book["nonce"], "timestamp": book["timestamp"]}


def _bybit_depth(levels: int) -> int:
    return next(depth for depth in _BYBIT_DEPTHS if depth >= levels)
