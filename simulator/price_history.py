"""What an asset has traded at: minutes of the last hours, closed candles of the last weeks.

Within a minute the price goes straight from its open to its close. So price, open candles and
ticker of one moment agree, and nothing shows what comes later, though it may be known already.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from operator import attrgetter

from marketdata.simulated.bars import HOUR_MS, Bar, aggregate
from schemas.times import MINUTE_MS
from schemas.validation import TIMEFRAME_MS
from simulator.shapes import AssetRow, Kline, Ticker

LENGTH_MS: dict[str, int] = {"1m": MINUTE_MS, **TIMEFRAME_MS}
"""Length by timeframe that a world has candles of. Minutes reach back a few hours only."""

_MINUTES_KEPT = 600
_CANDLES_KEPT = 720
_OPEN_TIME = attrgetter("open_time")


class PriceHistory:
    """One asset's prices. It may hold the future; reads return what was known at `now_ms`."""

    def __init__(self, decimals: int) -> None:
        """`decimals` of its prices."""
        self._decimals = decimals
        self._minutes: list[Bar] = []
        self._closed: dict[str, list[Kline]] = {timeframe: [] for timeframe in TIMEFRAME_MS}

    def add_minutes(self, bars: Iterable[Bar]) -> None:
        """Append minutes, in the order of time."""
        self._minutes.extend(bars)
        _trim(self._minutes, _MINUTES_KEPT)

    def add_closed(self, timeframe: str, klines: Iterable[Kline]) -> None:
        """Append closed candles of a timeframe, in the order of time."""
        rows = self._closed[timeframe]
        rows.extend(klines)
        _trim(rows, _CANDLES_KEPT)

    def price(self, now_ms: int) -> float:
        """Return the price at a moment; LookupError while nothing has been traded."""
        number = bisect_right(self._minutes, now_ms, key=_OPEN_TIME) - 1
        if number < 0:
            return self._before_the_minutes(now_ms)
        return self._partial(self._minutes[number], now_ms).close

    def _before_the_minutes(self, now_ms: int) -> float:
        known = self._known("1h", now_ms)
        if known:
            return self._closed["1h"][known - 1].close
        if self._minutes:
            return self._minutes[0].open
        msg = f"nothing has been traded by {now_ms} ms"
        raise LookupError(msg)

    def _partial(self, bar: Bar, now_ms: int) -> Bar:
        """Return a minute as far as it has come."""
        share = (now_ms - bar.open_time) / MINUTE_MS
        if share >= 1.0:
            return bar
        price = round(bar.open + (bar.close - bar.open) * share, self._decimals)
        low, high = min(bar.open, price), max(bar.open, price)
        return Bar(bar.open_time, bar.open, high, low, price, bar.volume * share)

    def candles(self, timeframe: str, start_ms: int | None, limit: int, now_ms: int) -> list[Kline]:
        """Return up to `limit` candles, oldest first, the one under way last.

        From `start_ms` on the first ones, without it the latest. KeyError for an unknown timeframe.
        """
        length_ms = LENGTH_MS[timeframe]
        if timeframe == "1m":
            return self._minute_rows(start_ms, limit, now_ms)
        rows, known = self._closed[timeframe], self._known(timeframe, now_ms)
        open_time = now_ms // length_ms * length_ms
        if start_ms is None:
            under_way = self._under_way(open_time, now_ms)
            wanted = limit if under_way is None else limit - 1
            return [*rows[max(0, known - wanted) : known], *_present(under_way)]
        # A candle that has begun before is not in the answer.
        first = bisect_left(rows, start_ms, hi=known, key=_OPEN_TIME)
        page = rows[first : min(known, first + limit)]
        if len(page) < limit and open_time >= start_ms:
            page.extend(_present(self._under_way(open_time, now_ms)))
        return page

    def _minute_rows(self, start_ms: int | None, limit: int, now_ms: int) -> list[Kline]:
        begun = bisect_right(self._minutes, now_ms, key=_OPEN_TIME)
        first = max(0, begun - limit)
        if start_ms is not None:
            first = bisect_left(self._minutes, start_ms, hi=begun, key=_OPEN_TIME)
        bars = [
            self._partial(bar, now_ms) for bar in self._minutes[first : min(begun, first + limit)]
        ]
        return [Kline(*bar, bar.open_time + MINUTE_MS <= now_ms) for bar in bars]

    def _known(self, timeframe: str, now_ms: int) -> int:
        """Return how many candles of a timeframe have closed by now."""
        return bisect_right(
            self._closed[timeframe], now_ms - TIMEFRAME_MS[timeframe], key=_OPEN_TIME
        )

    def _under_way(self, open_time: int, now_ms: int) -> Kline | None:
        hours, known = self._closed["1h"], self._known("1h", now_ms)
        earlier = hours[bisect_left(hours, open_time, hi=known, key=_OPEN_TIME) : known]
        bars = [Bar(*row[:6]) for row in earlier]
        hour_ms = now_ms // HOUR_MS * HOUR_MS
        first = bisect_left(self._minutes, hour_ms, key=_OPEN_TIME)
        last = bisect_right(self._minutes, now_ms, key=_OPEN_TIME)
        bars.extend(self._partial(bar, now_ms) for bar in self._minutes[first:last])
        if not bars:
            return None
        return Kline(open_time, *aggregate(bars)[1:], closed=False)

    def ticker(self, now_ms: int) -> Ticker:
        """Return price, range and volume of the day before `now_ms`; LookupError as `price`."""
        price = self.price(now_ms)
        known = self._known("1h", now_ms)
        hours: Sequence[Kline] = self._closed["1h"][max(0, known - 24) : known]
        under_way = self._under_way(now_ms // HOUR_MS * HOUR_MS, now_ms)
        seen = [*hours, *_present(under_way)]
        return Ticker(
            price=price,
            open_24h=seen[0].open if seen else price,
            high_24h=max([price, *(row.high for row in seen)]),
            low_24h=min([price, *(row.low for row in seen)]),
            volume=sum(row.volume for row in hours),
            volume_usd=sum(row.volume * row.close for row in hours),
        )


def _present(row: Kline | None) -> tuple[Kline, ...]:
    return () if row is None else (row,)


def _trim(rows: list[Bar] | list[Kline], kept: int) -> None:
    # Not at every append: a list is cut at its head once in a while.
    if len(rows) > kept + kept // 4:
        del rows[:-kept]


class HistoryWorld(ABC):
    """Assets, prices, tickers and candles of a `World`."""

    _rows: tuple[AssetRow, ...]

    @abstractmethod
    def _history(self, symbol: str, now_ms: int) -> PriceHistory:
        """Return an asset's history up to `now_ms`; UnknownAssetError for an unknown one."""

    def assets(self) -> tuple[AssetRow, ...]:
        """Return the assets, the largest first, roughly."""
        return self._rows

    def price(self, symbol: str, now_ms: int) -> float:
        """Return the price in USDT."""
        return self._history(symbol, now_ms).price(now_ms)

    def ticker(self, symbol: str, now_ms: int) -> Ticker:
        """Return price, and range and volume of 24 hours."""
        return self._history(symbol, now_ms).ticker(now_ms)

    def candles(
        self, symbol: str, timeframe: str, start_ms: int | None, limit: int, now_ms: int
    ) -> list[Kline]:
        """Return up to `limit` candles, oldest first, the open one last."""
        return self._history(symbol, now_ms).candles(timeframe, start_ms, limit, now_ms)
