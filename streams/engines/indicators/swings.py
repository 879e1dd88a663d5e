"""Swing highs and lows of one market and timeframe, moved by one closed candle."""

from __future__ import annotations

import msgspec

REVERSAL_ATR = 2.0
"""Size of a counter-move that ends a leg, in ATR14: a smaller one is noise of ordinary candles."""


class Swings(msgspec.Struct, frozen=True, gc=False):
    """The last two swing highs and lows, and the leg under way.

    leg      1 rising, -1 falling, 0 before the first ATR14
    extreme  highest high of a rising leg, lowest low of a falling one
    *_last, *_before   swing prices in the quote currency; 0: none yet
    """

    leg: int = 0
    extreme: float = 0.0
    high_last: float = 0.0
    high_before: float = 0.0
    low_last: float = 0.0
    low_before: float = 0.0


def swing(swings: Swings, high: float, low: float, atr: float) -> Swings:
    """Return the swings after a candle: the leg goes on, turns, or (the very same) nothing happens.

    A leg turns when the price comes back from its extreme by REVERSAL_ATR true ranges; the extreme
    is then a swing point. A candle that makes a new extreme does not turn: the order of its high
    and low is not known.
    """
    leg, extreme = swings.leg, swings.extreme
    high_last, high_before = swings.high_last, swings.high_before
    low_last, low_before = swings.low_last, swings.low_before
    if leg > 0:
        if high > extreme:
            return Swings(1, high, high_last, high_before, low_last, low_before)
        if low < extreme - REVERSAL_ATR * atr:
            return Swings(-1, low, extreme, high_last, low_last, low_before)
    elif leg < 0:
        if low < extreme:
            return Swings(-1, low, high_last, high_before, low_last, low_before)
        if high > extreme + REVERSAL_ATR * atr:
            return Swings(1, high, high_last, high_before, extreme, low_last)
    else:
        return Swings(1, high)
    return swings


def structure(swings: Swings) -> float:
    """Return 1 for higher highs and higher lows, -1 for lower ones, halves and 0 in between.

    Highs: the running extreme of a rising leg once it is above the last swing high, else the last
    swing high against the one before. Lows likewise. Without two points to compare a side is 0.
    """
    leg, extreme = swings.leg, swings.extreme
    high, high_before = swings.high_last, swings.high_before
    low, low_before = swings.low_last, swings.low_before
    if leg > 0 and extreme > high > 0.0:
        high, high_before = extreme, high
    elif leg < 0 and extreme < low:
        low, low_before = extreme, low
    side = 0.0
    if high_before > 0.0 and high != high_before:
        side += 0.5 if high > high_before else -0.5
    if low_before > 0.0 and low != low_before:
        side += 0.5 if low > low_before else -0.5
    return side
