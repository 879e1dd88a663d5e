"""The last closed candles of one timeframe as bytes: five little-endian doubles each.

They are open, high, low, close in the quote currency and volume in the asset. 300 candles are
12,000 bytes of a state; what reads them all does so when a rule names an indicator.
"""

from __future__ import annotations

from functools import cache
from math import nan
from struct import Struct, iter_unpack

KEPT = 300
"""Candles of a full window: as many as a back-fill brings."""
BLOCK = 20
"""Candles after which `older` moves. One at a time it was a third of the time of an advance."""
CANDLE = Struct("<5d")
SIZE = CANDLE.size

Ohlcv = tuple[float, float, float, float, float]


def moved(older: bytes, newer: bytes) -> bytes:
    """Return both as one, cut to KEPT candles."""
    surplus = len(older) + len(newer) - KEPT * SIZE
    return b"".join((memoryview(older)[surplus:], newer)) if surplus > 0 else older + newer


def latest(window: bytes, lag: int = 0) -> Ohlcv:
    """Return the candle `lag` before the last one, NaN where there is none."""
    begin = len(window) - (lag + 1) * SIZE
    return CANDLE.unpack_from(window, begin) if begin >= 0 else (nan, nan, nan, nan, nan)


def closes(window: bytes, count: int) -> tuple[float, ...]:
    """Return the last `count` closes, or as many as there are, oldest first."""
    known = min(count, len(window) // SIZE)
    return _closes_of(known).unpack_from(window, len(window) - known * SIZE)


@cache
def _closes_of(candles: int) -> Struct:
    return Struct("<" + candles * "24xd8x")


def of_closes(doubles: bytes) -> bytes:
    """Return candles of which the closes alone are known, out of closes as little-endian doubles.

    So they stood in states from before candles were kept; 0 where there was none.
    """
    return b"".join(
        [
            CANDLE.pack(nan, nan, nan, close, nan)
            for (close,) in iter_unpack("<d", doubles)
            if close > 0.0
        ]
    )
