"""The two things watched: open candles and order books."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from producers.exchange.connection import Connection
from producers.exchange.streaming import Stream

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
