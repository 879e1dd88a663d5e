"""Binance's streams: <symbol>@kline_<interval>, @depth, @ticker and @miniTicker."""

from __future__ import annotations

import re
from collections.abc import Sequence

import orjson

from simulator.binance import depth, klines, ticker
from simulator.exchange.bars import CandleStream
from simulator.exchange.hub import Stream
from simulator.exchange.listings import Listing
from simulator.exchange.venue import Venue

_NAME = re.compile(r"([a-z0-9]+)@(kline_(\w+)|depth(@100ms|@1000ms)?|ticker|miniTicker)")


def opened(venue: Venue, name: str) -> Stream | None:
    """Return the stream of a name, None where there is none."""
    match = _NAME.fullmatch(name)
    listing = venue.listing(match[1].upper()) if match else None
    if match is None or listing is None:
        return None
    if match[2].startswith("depth"):
        return DepthStream(venue, listing)
    if match[3] is not None:
        length_ms = klines.INTERVALS.get(match[3])
        return None if length_ms is None else KlineStream(venue, listing, match[3], length_ms)
    return TickerStream(venue, listing, mini=match[2] == "miniTicker")


class KlineStream:
    """Kline stream: the open candle on each update; a closed one once, with `x: true`."""

    def __init__(self, venue: Venue, listing: Listing, interval: str, length_ms: int) -> None:
        self._candles = CandleStream(venue.market, listing.asset, length_ms)
        self._listing = listing
        self._interval = interval
        self._length_ms = length_ms
        self._last: list[bytes] = []

    def greeting(self) -> Sequence[bytes]:
        """Return nothing: a listener waits for the next second."""
        return ()

    def due(self, now_ms: int) -> Sequence[bytes]:
        """Return what closed and what is under way."""
        self._last = [
            orjson.dumps(klines.event(bar, self._interval, self._length_ms, self._listing, now_ms))
            for bar in self._candles.due(now_ms)
        ]
        return self._last

    def again(self) -> Sequence[bytes]:
        """Return the last candle once more."""
        return self._last[-1:]


class DepthStream:
    """The changes of a book from now on; a listener fetches the book itself."""

    def __init__(self, venue: Venue, listing: Listing) -> None:
        self._venue = venue
        self._listing = listing
        self._sent_id = venue.book(listing.symbol).update_id

    def greeting(self) -> Sequence[bytes]:
        """Return nothing: the book comes from /api/v3/depth."""
        return ()

    def due(self, now_ms: int) -> Sequence[bytes]:
        """Return the changes since the last time."""
        changes = self._venue.book(self._listing.symbol).since(self._sent_id)
        if changes:
            self._sent_id = changes[-1].last_id
        return [orjson.dumps(depth.difference(change, self._listing)) for change in changes]

    def again(self) -> Sequence[bytes]:
        """Return nothing: a stale book does not change."""
        return ()


class TickerStream:
    """The last 24 hours of a market."""

    def __init__(self, venue: Venue, listing: Listing, *, mini: bool) -> None:
        self._venue = venue
        self._listing = listing
        self._mini = mini
        self._last: list[bytes] = []

    def greeting(self) -> Sequence[bytes]:
        """Return nothing: a listener waits for the next second."""
        return ()

    def due(self, now_ms: int) -> Sequence[bytes]:
        """Return the 24 hours up to now."""
        event = ticker.event(self._venue, self._listing, now_ms, mini=self._mini)
        self._last = [orjson.dumps(event)]
        return self._last

    def again(self) -> Sequence[bytes]:
        """Return the last one once more."""
        return self._last
