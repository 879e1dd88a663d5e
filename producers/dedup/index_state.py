"""What the published index remembers of each kind of record, as plain data. Pure."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, TypeAlias

import msgspec

from schemas.market import CalendarEvent, Fundamentals, NewsArticle, TrendingAsset

KEPT = 1_024
"""Candles remembered, the newest included: a back-fill's 300, and a week of 1h ones missed."""
_ALL = (1 << KEPT) - 1


class PublishedCandles(msgspec.Struct, frozen=True, array_like=True):
    """Which candles of one series are in the log: the newest one's open time (ms), and bits.

    Little-endian; bit n is the candle n before the newest. 128 bytes for 1,024 candles, so that 50
    assets in three timeframes take 20 kB. All are of one exchange; "": which one was not kept yet.
    """

    newest_ms: int
    bits: bytes
    exchange: str = ""

    def is_of(self, exchange: str) -> bool:
        """Return whether a candle of an exchange belongs to this series."""
        return self.exchange in ("", exchange)


def with_candle(
    window: PublishedCandles | None, open_ms: int, length_ms: int, exchange: str
) -> PublishedCandles:
    """Return the window after one more candle; what falls out at the old end is forgotten.

    The first candle of another exchange begins a new series, as it does for the engines: that
    exchange's past is published again, whatever was before.
    """
    if window is None or not window.is_of(exchange):
        return PublishedCandles(open_ms, _packed(1), exchange)
    age = _age(window, open_ms, length_ms)
    bits = _unpacked(window)
    if age >= 0:
        kept = bits | 1 << age if age < KEPT else bits
        return PublishedCandles(window.newest_ms, _packed(kept), exchange)
    return PublishedCandles(open_ms, _packed((bits << min(-age, KEPT) | 1) & _ALL), exchange)


def holds(window: PublishedCandles | None, open_ms: int, length_ms: int, exchange: str) -> bool:
    """Return whether a candle is in the log, or so old (1,024 candles) that it counts as there."""
    if window is None or not window.is_of(exchange):
        return False
    age = _age(window, open_ms, length_ms)
    return age >= KEPT or (age >= 0 and bool(_unpacked(window) >> age & 1))


def open_times(window: PublishedCandles | None, length_ms: int) -> tuple[int, ...]:
    """Return the open times of the candles remembered, ms, ascending."""
    if window is None:
        return ()
    bits = _unpacked(window)
    ages = range(bits.bit_length() - 1, -1, -1)
    return tuple(window.newest_ms - age * length_ms for age in ages if bits >> age & 1)


def _age(window: PublishedCandles, open_ms: int, length_ms: int) -> int:
    """Return how many candles before the newest one it lies; negative when it is newer.

    Counted in slots of the timeframe, so that one whose series begins at another hour of the day
    (some exchanges' daily candles) takes the place of the same day's.
    """
    return window.newest_ms // length_ms - open_ms // length_ms


def _packed(bits: int) -> bytes:
    return bits.to_bytes(KEPT // 8, "little")


def _unpacked(window: PublishedCandles) -> int:
    return int.from_bytes(window.bits, "little")


Series: TypeAlias = tuple[str, str]
"""Asset and timeframe."""


class CycleSeen(msgspec.Struct, frozen=True, array_like=True):
    """The ticks of the newest cycle: its start (ms), its size, the assets that have theirs."""

    cycle: int
    size: int
    assets: tuple[str, ...]


class EventSeen(msgspec.Struct, frozen=True, array_like=True):
    """A scheduled event as published last: digest of its content, when it is due and was seen."""

    content: int
    starts_at: int
    observed_at: int

    def is_before(self, event: CalendarEvent) -> bool:
        """Return whether an event differs in content, and was observed no earlier."""
        return event.observed_at >= self.observed_at and content_of(event) != self.content


class FundamentalsSeen(msgspec.Struct, frozen=True, array_like=True):
    """The newest fundamentals that one source gave of one asset."""

    source_id: str
    event_time: int
    observed_at: int

    def is_before(self, event: Fundamentals) -> bool:
        """Return whether an event is another one and no older: some servers waver for a while."""
        is_other = event.source_id != self.source_id and event.event_time >= self.event_time
        return is_other and event.observed_at >= self.observed_at


class Snapshot(msgspec.Struct, frozen=True):
    """A published index as plain data, for a file."""

    newest_ms: int = 0
    cycle: CycleSeen | None = None
    closed: dict[Series, PublishedCandles] = {}
    open: dict[Series, int] = {}
    fundamentals: dict[tuple[str, str], FundamentalsSeen] = {}
    events: dict[int, EventSeen] = {}
    articles: tuple[int, ...] = ()
    news_ms: int = 0
    news: Any = None


def remaining(
    ticks: tuple[TrendingAsset, ...], seen: CycleSeen | None
) -> tuple[TrendingAsset, ...]:
    """Return what is to be published of a cycle's ticks, in their order.

    A cycle that a process left unfinished is filled up to the `cycle_size` of its first ticks, and
    the ticks that fill it carry the same size, so that consumers can count when all are there.
    """
    if seen is None or not ticks or ticks[0].cycle > seen.cycle:
        return ticks
    if ticks[0].cycle < seen.cycle:
        return ()
    new = [tick for tick in ticks if tick.asset not in seen.assets]
    places = max(seen.size - len(seen.assets), 0)
    return tuple(msgspec.structs.replace(tick, cycle_size=seen.size) for tick in new[:places])


def article_id(article: NewsArticle) -> int:
    """Return a 63-bit digest that identifies an article of one source about one asset."""
    return _digest(article.asset, article.source, article.source_id)


def event_id(event: CalendarEvent) -> int:
    """Return a 63-bit digest that identifies a scheduled event through all its changes."""
    return _digest(event.asset, event.source, event.source_id)


def content_of(event: CalendarEvent) -> int:
    """Return a 63-bit digest of a calendar event without `observed_at`, to detect changes."""
    return _digest(
        event.title,
        event.category,
        event.starts_at,
        event.impact,
        event.certainty,
        event.url,
        event.cancelled,
    )


def _digest(*parts: str | float | None) -> int:
    """Return 63 bits that stand for the parts."""
    digest = blake2b(msgspec.msgpack.encode(parts), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
