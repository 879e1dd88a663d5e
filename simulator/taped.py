"""What every world answers out of the tapes of its assets."""

from __future__ import annotations

from abc import ABC, abstractmethod

from simulator.price_history import Tape
from simulator.shapes import AssetRow, Kline, Ticker


class Taped(ABC):
    """Assets, prices, tickers and candles of a `World`."""

    _rows: tuple[AssetRow, ...]

    @abstractmethod
    def _tape(self, symbol: str, now_ms: int) -> Tape:
        """Return an asset's tape, which knows `now_ms`; UnknownAssetError for an unknown one."""

    def assets(self) -> tuple[AssetRow, ...]:
        """Return the assets, the largest first, roughly."""
        return self._rows

    def price(self, symbol: str, now_ms: int) -> float:
        """Return the price in USDT."""
        return self._tape(symbol, now_ms).price(now_ms)

    def ticker(self, symbol: str, now_ms: int) -> Ticker:
        """Return price, and range and volume of 24 hours."""
        return self._tape(symbol, now_ms).ticker(now_ms)

    def candles(
        self, symbol: str, timeframe: str, start_ms: int | None, limit: int, now_ms: int
    ) -> list[Kline]:
        """Return up to `limit` candles, oldest first, the open one last."""
        return self._tape(symbol, now_ms).candles(timeframe, start_ms, limit, now_ms)
