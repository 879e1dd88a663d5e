"""Bybit's topics: kline.<interval>.<symbol>, orderbook.<levels>.<symbol>, tickers.<symbol>."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import orjson

from simulator.bybit import depth, klines, ticker
from simulator.exchange.bars import CandleStream
from simulator.exchange.hub import Stream
from simulator.exchange.listings import Listing
from simulator.exchange.venue import Venue

_NAME = re.compile(r"(?:kline\.(\w+)|orderbook\.(1|50|200|1000)|tickers)\.(\w+)")


def opened(venue: Venue, name: str) -> Stream | None:
    """Return the stream of a topic, None where there is none."""
    match = _NAME.fullmatch(name)
    listing = venue.listing(match[3]) if match else None
    if match is None or listing is None:
        return None
    if match[2] is not None:
        return BookStream(venue, listing, name, int(match[2]))
    if match[1] is not None:
        length_ms = klines.INTERVALS.get(match[1])
        return None if length_ms is None else KlineStream(venue, listing, name, length_ms)
    return TickerStream(venue, listing, name)


class KlineStream:
    """Candles of a market: the one under way every time, one that closed with confirm true."""

    def __init__(self, venue: Venue, listing: Listing, topic: str, length_ms: int) -> None:
        self._candles = CandleStream(venue.market, listing.asset, length_ms)
        self._topic = topic
        self._length_ms = length_ms
        self._last: list[bytes] = []

    def greeting(self) -> Sequence[bytes]:
        """Return nothing: a listener waits for the next second."""
        return ()

    def due(self, now_ms: int) -> Sequence[bytes]:
        """Return what closed and what is under way."""
        interval = self._topic.split(".")[1]
        self._last = [
            _message(
                self._topic,
                "snapshot",
                [klines.event(bar, interval, self._length_ms, now_ms)],
                now_ms,
            )
            for bar in self._candles.due(now_ms)
        ]
        return self._last

    def again(self) -> Sequence[bytes]:
        """Return the last candle once more."""
        return self._last[-1:]


class BookStream:
    """A book: a snapshot for every new listener, then what changes, numbered without a hole.

    The one of a single level sends snapshots only.
    """

    def __init__(self, venue: Venue, listing: Listing, topic: str, limit: int) -> None:
        self._venue = venue
        self._symbol = listing.symbol
        self._topic = topic
        self._limit = limit
        self._sent_id = venue.book(listing.symbol).update_id
        self._number = self._sent_id

    def greeting(self) -> Sequence[bytes]:
        """Return the book as it stood at the last call of `due`."""
        return (self._snapshot(self._venue.clock.now_ms()),)

    def due(self, now_ms: int) -> Sequence[bytes]:
        """Return the changes since the last time."""
        book = self._venue.book(self._symbol)
        changes = book.since(self._sent_id)
        if not changes:
            return ()
        self._sent_id = changes[-1].last_id
        if self._limit == 1:
            self._number += 1
            return (self._snapshot(now_ms),)
        messages = []
        for change in changes:
            self._number += 1
            data = {
                "s": self._symbol,
                "b": depth.levels(change.bids),
                "a": depth.levels(change.asks),
                "u": self._number,
                "seq": change.last_id,
            }
            messages.append(_message(self._topic, "delta", data, now_ms))
        return messages

    def again(self) -> Sequence[bytes]:
        """Return nothing: a stale book does not change."""
        return ()

    def _snapshot(self, now_ms: int) -> bytes:
        data = depth.snapshot(self._venue.book(self._symbol), self._limit, self._number)
        return _message(self._topic, "snapshot", data, now_ms)


class TickerStream:
    """The last 24 hours of a market."""

    def __init__(self, venue: Venue, listing: Listing, topic: str) -> None:
        self._venue = venue
        self._listing = listing
        self._topic = topic
        self._last: list[bytes] = []

    def greeting(self) -> Sequence[bytes]:
        """Return what is true now."""
        return self.due(self._venue.clock.now_ms())

    def due(self, now_ms: int) -> Sequence[bytes]:
        """Return the 24 hours up to now."""
        data = ticker.day(self._venue, self._listing)
        self._last = [_message(self._topic, "snapshot", data, now_ms)]
        return self._last

    def again(self) -> Sequence[bytes]:
        """Return the last one once more."""
        return self._last


def _message(topic: str, kind: str, data: Any, now_ms: int) -> bytes:
    return orjson.dumps({"topic": topic, "type": kind, "ts": now_ms, "cts": now_ms, "data": data})
