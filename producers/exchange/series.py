"""What is known of the closed candles of one asset and timeframe, and what is missing. Pure.

A candle that an answer lacks between others that it has is requested again: once, or for an hour
if it closed less than an hour before, since exchanges add late what they had not yet written. Still
lacking, it is a hole of the exchange's own and never requested again. Until then later candles are
held back, so that they come in the order of time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from schemas.market import Candle
from schemas.times import HOUR_MS
from schemas.validation import CANDLE_MS

SETTLE_MS = 1_500
"""How long after its close a candle is first asked for."""
MOST_CANDLES = 998
"""What an exchange gives in one answer at most is 1,000: these, the open one and one to spare."""
_AGAIN_MS = 2_000  # after the first answer that lacks something; doubled from answer to answer
_DOUBT_MS = 5_000
_LATE_MS = HOUR_MS
_LONGEST_MS = 300_000


@dataclass(frozen=True, slots=True)
class Series:
    """The candles of one asset and timeframe, by their open times in ms.

    known          published before
    holes          the exchange does not have them
    doubted        lacking in the last answer, and when each was first; requested again
    attempts       answers and failures since the last published candle that left some missing
    not_before_ms  no request before that time
    """

    timeframe: str
    known: frozenset[int] = frozenset()
    holes: frozenset[int] = frozenset()
    doubted: Mapping[int, int] = field(default_factory=dict)
    attempts: int = 0
    not_before_ms: int = 0

    @property
    def length_ms(self) -> int:
        """Length of a candle, ms."""
        return CANDLE_MS[self.timeframe]


def last_closed(timeframe: str, now_ms: int) -> int:
    """Return the open time of the last candle that closed `SETTLE_MS` ago or earlier."""
    length = CANDLE_MS[timeframe]
    return (now_ms - SETTLE_MS) // length * length - length


def missing(series: Series, now_ms: int, count: int) -> tuple[int, ...]:
    """Return the open times still to be published: the last `count`, and all since the last known.

    At most `MOST_CANDLES`: what is older is given up.
    """
    length, last = series.length_ms, last_closed(series.timeframe, now_ms)
    first = last - (count - 1) * length
    newest = max(series.known, default=None)
    if newest is not None and newest < first:
        first = max(newest + length, last - (MOST_CANDLES - 1) * length)
    wanted = range(max(first, 0), last + 1, length)
    return tuple(at for at in wanted if at not in series.known and at not in series.holes)


def due(series: Series, now_ms: int, count: int) -> bool:
    """Return whether candles are missing that may be requested now."""
    return now_ms >= series.not_before_ms and bool(missing(series, now_ms, count))


def next_due(series: Series, now_ms: int, count: int) -> int:
    """Return when to ask next, ms: for what is missing, or else when the open candle has closed."""
    if missing(series, now_ms, count):
        return max(series.not_before_ms, now_ms)
    return last_closed(series.timeframe, now_ms) + 2 * series.length_ms + SETTLE_MS


def learn(
    series: Series, candles: tuple[Candle, ...], now_ms: int, count: int
) -> tuple[Series, tuple[Candle, ...]]:
    """Take an answer that began at the first missing candle; return what is to be published.

    They count as known only after `published`.
    """
    there = {candle.open_time for candle in candles if candle.closed}
    newest = max((candle.open_time for candle in candles), default=0)
    wanted = missing(series, now_ms, count)
    lacking = {
        at: series.doubted.get(at, now_ms) for at in wanted if at not in there and at < newest
    }
    holes = frozenset(
        at for at, since_ms in lacking.items() if _is_hole(series, at, since_ms, now_ms)
    )
    doubted = {at: since_ms for at, since_ms in lacking.items() if at not in holes}
    ready = min(doubted, default=newest + 1)
    publish = tuple(
        candle
        for candle in candles
        if candle.closed and candle.open_time in wanted and candle.open_time < ready
    )
    left = len(wanted) - len(publish) - len(holes)
    attempts = 0 if publish else series.attempts
    pause = _pause(attempts)
    if doubted:
        until_hole = min(since_ms + _LATE_MS - now_ms for since_ms in doubted.values())
        pause = max(_DOUBT_MS, min(pause, until_hole))
    return (
        replace(
            series,
            holes=series.holes | holes,
            doubted=doubted,
            attempts=attempts + 1 if left else 0,
            not_before_ms=now_ms + pause if left else 0,
        ),
        publish,
    )


def _is_hole(series: Series, at: int, since_ms: int, now_ms: int) -> bool:
    """Return whether a candle that lacks since then has been asked for often enough."""
    was_recent = since_ms - (at + series.length_ms) < _LATE_MS
    return at in series.doubted and now_ms - since_ms >= (_LATE_MS if was_recent else 0)


def failed(series: Series, now_ms: int, retry_after_s: float | None = None) -> Series:
    """Take a request that failed; the next one waits, longer after each failure."""
    pause = max(_pause(series.attempts), round(1000 * (retry_after_s or 0.0)))
    return replace(series, attempts=series.attempts + 1, not_before_ms=now_ms + pause)


def _pause(attempts: int) -> int:
    return min(_AGAIN_MS << min(attempts, 20), _LONGEST_MS)


def published(series: Series, open_times: Iterable[int]) -> Series:
    """Take candles as published; those too old to be requested are forgotten."""
    known = series.known.union(open_times)
    oldest = max(known, default=0) - 2 * MOST_CANDLES * series.length_ms
    return replace(
        series,
        known=frozenset(at for at in known if at >= oldest),
        holes=frozenset(at for at in series.holes if at >= oldest),
    )
