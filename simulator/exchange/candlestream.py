"""What a stream of candles has to say: the one under way, and each once more when it closes."""

from __future__ import annotations

from simulator.exchange.bars import bars, floor_ms
from simulator.exchange.market import Market
from simulator.shapes import Kline

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
