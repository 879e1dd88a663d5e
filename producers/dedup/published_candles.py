"""Which candles of one asset and timeframe are in the log: the newest, and a bit for each before.

128 bytes for the last 1,024 candles, so that 50 assets in three timeframes take 20 kB. Pure.
"""

from __future__ import annotations

import msgspec

KEPT = 1_024
"""Candles remembered, the newest included: a back-fill's 300, and a week of 1h ones missed."""
_ALL = (1 << KEPT) - 1


class PublishedCandles(msgspec.Struct, frozen=True, array_like=True):
    """The open time of the newest candle, ms, and the bits: little-endian, bit n is n before it."""

    newest_ms: int
    bits: bytes


def with_candle(window: PublishedCandles | None, open_ms: int, length_ms: int) -> PublishedCandles:
    """Return the window after one more candle; what falls out at the old end is forgotten."""
    if window is None:
        return PublishedCandles(open_ms, _packed(1))
    age = _age(window, open_ms, length_ms)
    bits = _unpacked(window)
    if age >= 0:
        return PublishedCandles(window.newest_ms, _packed(bits | 1 << age if age < KEPT else bits))
    return PublishedCandles(open_ms, _packed((bits << min(-age, KEPT) | 1) & _ALL))


def holds(window: PublishedCandles | None, open_ms: int, length_ms: int) -> bool:
    """Say whether a candle is in the log, or so old that it counts as being there."""
    if window is None:
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
