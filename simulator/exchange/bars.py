"""Candles of any length out of the world's 1m, 1h, 4h and 1d."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

from schemas.times import DAY_MS, HOUR_MS, MINUTE_MS
from simulator.shapes import Kline, Market

WEEK_MS = 7 * DAY_MS
_BASES = (("1d", DAY_MS), ("4h", 4 * HOUR_MS), ("1h", HOUR_MS), ("1m", MINUTE_MS))
_MONDAY_MS = 4 * DAY_MS  # 1970 began on a Thursday, weeks begin on Mondays

MAX_LIMIT = 1000


def floor_ms(at_ms: int, length_ms: int) -> int:
    """Return when the candle of that length opened that `at_ms` lies in."""
    shift = _MONDAY_MS if length_ms == WEEK_MS else 0
    return (at_ms - shift) // length_ms * length_ms + shift


def ceil_ms(at_ms: int, length_ms: int) -> int:
    """Return when the first candle opens at or after `at_ms`."""
    return floor_ms(at_ms + length_ms - 1, length_ms)


def bars(
    market: Market,
    asset: str,
    length_ms: int,
    now_ms: int,
    *,
    start_ms: int | None = None,
    end_ms: int | None = None,
    limit: int = 500,
) -> list[Kline]:
    """Return candles in the order of time: at most `limit`, opened between start and end.

    Without a start: the last ones; then the one under way is among them. A start with more
    candles after it than `limit` gives the first ones, as Binance does, also beyond a hole.
    """
    last_ms = floor_ms(now_ms if end_ms is None else min(end_ms, now_ms), length_ms)
    if start_ms is None:
        first_ms = last_ms - (limit - 1) * length_ms
    else:
        first_ms = ceil_ms(start_ms, length_ms)
    if last_ms < first_ms:
        return []
    timeframe, base_ms = next(one for one in _BASES if length_ms % one[1] == 0)
    rows = market.candles(asset, timeframe, first_ms, limit * (length_ms // base_ms), now_ms)
    wanted = [row for row in rows if row.open_time < last_ms + length_ms]
    if base_ms == length_ms:
        return wanted
    # With a hole in them the rows reach into further candles, the last of which is not whole.
    return list(_grouped(wanted, length_ms, now_ms))[:limit]


def _grouped(rows: Sequence[Kline], length_ms: int, now_ms: int) -> Iterator[Kline]:
    """Yield longer candles; the first is left out if its beginning is not known."""
    for opened, group in itertools.groupby(rows, lambda row: floor_ms(row.open_time, length_ms)):
        parts = list(group)
        if parts[0].open_time == opened or parts[0] is not rows[0]:
            yield _joined(parts, opened, length_ms, now_ms)


def _joined(group: Sequence[Kline], opened: int, length_ms: int, now_ms: int) -> Kline:
    return Kline(
        opened,
        group[0].open,
        max(row.high for row in group),
        min(row.low for row in group),
        group[-1].close,
        math.fsum(row.volume for row in group),
        closed=opened + length_ms <= now_ms,
    )


_AT_MOST = 100  # candles closed between two looks, at the fastest clock


class CandleStream:
    """The candles of one asset and length, as they come."""

    def __init__(self, market: Market, asset: str, length_ms: int) -> None:
        self._market = market
        self._asset = asset
        self._length_ms = length_ms
        self._from_ms: int | None = None

    def due(self, now_ms: int) -> list[Kline]:
        """Return the candles that closed since the last time, and the one under way."""
        under_way = floor_ms(now_ms, self._length_ms)
        start_ms = under_way if self._from_ms is None else self._from_ms
        self._from_ms = under_way
        return bars(
            self._market,
            self._asset,
            self._length_ms,
            now_ms,
            start_ms=max(start_ms, under_way - _AT_MOST * self._length_ms),
            limit=_AT_MOST + 1,
        )
