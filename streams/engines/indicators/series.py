"""MA, RSI, MACD and ATR of one market and timeframe, moved by one closed candle in constant time.

    series = advance(series, high, low, close)      the next candle
    values(series)                                  the ten numbers named in NAMES

Fed the same candles from the first one on, the values equal pandas-ta-classic's `sma`, `rsi`,
`macd` and `atr` (defaults, no TA-Lib). Wilder's and exponential averages start from the plain mean
of their first `length` inputs, as there. Two differences: where the price never moved RSI is 50
(there NaN), and pandas-ta adds 2e-16 to all ranges of a series that has one flat candle.

When a value can be relied on. `given` is the first candle with a value. From `settled` on, the
value no longer depends on where the data began: exactly for MA, for the others the weight of
everything before is below 1e-6 (`(1 - alpha)^n`). A back-fill of 300 candles leaves RSI30 a weight
of 1e-4, which is about 0.01 points.

    value          MA20  MA50  MA200  RSI14  RSI30  MACD  MACD_SIGNAL  MACD_HIST  ATR14  swings
    given            20    50    200     15     31    26           34         34     15     15
    settled          20    50    200    202    439   206          220        220    202      -
"""

from __future__ import annotations

from itertools import pairwise
from math import fsum, log, sqrt
from struct import Struct

import msgspec

from streams.engines.indicators.swings import Swings, swing
from streams.engines.indicators.window import BLOCK, CANDLE, SIZE, closes, moved, of_closes

NAMES = (
    "MA20",
    "MA50",
    "MA200",
    "RSI14",
    "RSI30",
    "MACD",
    "MACD_SIGNAL",
    "MACD_HIST",
    "ATR14",
    "CLOSE",
)
GIVEN_AT = (20, 50, 200, 15, 31, 26, 34, 34, 15, 1)
"""Number of candles from which each of NAMES has a value."""

WARM_AT = max(GIVEN_AT)
"""Number of candles from which all of them have one."""
YOUNG_AT = sorted(GIVEN_AT)[-2]
"""Number of candles from which all but MA200 have one."""

Values = tuple[float, float, float, float, float, float, float, float, float, float]
"""In the order of NAMES; prices in the quote currency, RSI 0 to 100."""

_RESUM_EVERY = 100
"""Candles after which the running sums are made anew from the window: rounding cannot grow."""

_SUMMED_BYTES = 200 * SIZE
_LEAVING = Struct("<24xd5992xd1192xd")
"""The closes that leave the windows of 200, 50 and 20: places 0, 150 and 180 from where it reads.

A block of 20 is the longest with which all three are in the window at every candle of the block.
"""


class Series(msgspec.Struct, frozen=True, gc=False):
    """State of the indicators of one timeframe.

    count    candles seen
    close    the last close
    older    the last 300 candles up to the last one whose number is a multiple of 20, or as many as
             there are, oldest first; see `window`
    newer    the candles after these
    sum*     of the last 20, 50, 200 closes
    others   running averages: gains, losses and true range (Wilder), closes and MACD (exponential)
    window, recent   what a state of an earlier version has in place of older and newer: closes
    """

    count: int = 0
    close: float = 0.0
    older: bytes = b""
    newer: bytes = b""
    sum20: float = 0.0
    sum50: float = 0.0
    sum200: float = 0.0
    gain14: float = 0.0
    loss14: float = 0.0
    gain30: float = 0.0
    loss30: float = 0.0
    ema12: float = 0.0
    ema26: float = 0.0
    signal: float = 0.0
    atr14: float = 0.0
    swings: Swings = Swings()
    window: bytes = b""
    recent: bytes = b""


def candles(series: Series) -> bytes:
    """Return the last 300 candles, or as many as there are, as `window` has them."""
    return moved(series.older, series.newer)


def _alpha(settled: float, length: int, inputs: int) -> float:
    """Return 0 before the first input, 1/n for the mean of the first `length`, then `settled`."""
    if inputs <= 0:
        return 0.0
    return 1.0 / inputs if inputs <= length else settled


def _alphas(count: int) -> tuple[float, float, float, float, float]:
    """Return what share the newest input has in EMA12, EMA26, signal, Wilder's 14 and 30.

    `count` is the candle's number; changes begin at candle 2, MACD at candle 26.
    """
    return (
        _alpha(2.0 / 13.0, 12, count),
        _alpha(2.0 / 27.0, 26, count),
        _alpha(2.0 / 10.0, 9, count - 25),
        _alpha(1.0 / 14.0, 14, count - 1),
        _alpha(1.0 / 30.0, 30, count - 1),
    )


_SEEDED = 35
_ALPHAS = tuple(_alphas(count) for count in range(_SEEDED + 1))
"""By candle; from candle 35 on they stay the same."""


def advance(
    series: Series, open_: float, high: float, low: float, close: float, volume: float
) -> Series:
    """Return the series with one more closed candle."""
    older, newer = series.older, series.newer
    surplus = len(older) - _SUMMED_BYTES
    if surplus >= 0:
        leaving200, leaving50, leaving20 = _LEAVING.unpack_from(older, surplus + len(newer))
    else:
        older, newer = _with_candles(series)
        summed = older[-_SUMMED_BYTES:].rjust(_SUMMED_BYTES, b"\0")
        leaving200, leaving50, leaving20 = _LEAVING.unpack_from(summed, len(newer))
    count = series.count + 1
    fast, slow, smooth, wilder14, wilder30 = _ALPHAS[count if count < _SEEDED else _SEEDED]
    last, atr14, ema12, ema26 = series.close, series.atr14, series.ema12, series.ema26
    change = close - last
    gain, loss = (change, 0.0) if change > 0.0 else (0.0, -change)
    true_range = (high if high > last else last) - (low if low < last else last)
    atr14 += wilder14 * (true_range - atr14)
    ema12 += fast * (close - ema12)
    ema26 += slow * (close - ema26)
    gain14, loss14, gain30, loss30 = series.gain14, series.loss14, series.gain30, series.loss30
    newer += CANDLE.pack(open_, high, low, close, volume)
    if count % BLOCK == 0:
        older, newer = moved(older, newer), b""
    if count % _RESUM_EVERY:
        sum20 = series.sum20 + (close - leaving20)
        sum50 = series.sum50 + (close - leaving50)
        sum200 = series.sum200 + (close - leaving200)
    else:
        sum20, sum50, sum200 = _sums(older)
    signal, swings = series.signal, series.swings
    return Series(
        count,
        close,
        older,
        newer,
        sum20,
        sum50,
        sum200,
        gain14 + wilder14 * (gain - gain14),
        loss14 + wilder14 * (loss - loss14),
        gain30 + wilder30 * (gain - gain30),
        loss30 + wilder30 * (loss - loss30),
        ema12,
        ema26,
        signal + smooth * (ema12 - ema26 - signal),
        atr14,
        swings if count < GIVEN_AT[8] else swing(swings, high, low, atr14),
    )


def _with_candles(series: Series) -> tuple[bytes, bytes]:
    """Return older and newer, also of a state from before candles were kept."""
    if series.window:
        return of_closes(series.window), of_closes(series.recent)
    return series.older, series.newer


def _sums(older: bytes) -> tuple[float, float, float]:
    prices = closes(older, 200)
    return fsum(prices[-20:]), fsum(prices[-50:]), fsum(prices)


BREAK_FACTOR = 3.0
"""Change from a close to the next candle that no trading makes: a new unit, or another coin."""
_HOLE_FACTORS = 1.5, 10.0
"""Change over a hole that any market may make, and that is too much for all of them."""


def is_break(series: Series, open_: float, close: float, missing: int) -> bool:
    """Return whether the next candle, after `missing` ones, is of another coin than those before.

    It opens and closes beyond what the price ever did: the largest change from close to close that
    is remembered, times the root of the hole's length, for prices stray by that.
    """
    last = series.close
    if series.count == 0 or min(last, open_, close) <= 0.0:
        return False
    at_open, at_close = log(open_ / last), log(close / last)
    if at_open * at_close <= 0.0:
        return False
    jump = min(abs(at_open), abs(at_close))
    if not missing:
        return jump >= log(BREAK_FACTOR)
    least, most = map(log, _HOLE_FACTORS)
    return jump > max(least, min(most, _largest_change(series) * sqrt(missing + 1)))


def last_closes(series: Series, count: int) -> tuple[float, ...]:
    """Return the last `count` closes, or as many as there are, oldest first."""
    return closes(b"".join(_with_candles(series)), count)


def _largest_change(series: Series) -> float:
    """Return the largest change from close to close among the last 200, as a logarithm."""
    prices = last_closes(series, 200)
    changes = (abs(log(b / a)) for a, b in pairwise(prices) if a > 0.0 < b)
    return max(changes, default=0.0)


def values(series: Series) -> Values:
    """Return the ten numbers of NAMES; one is without meaning before its candle of GIVEN_AT."""
    gain14, gain30 = series.gain14, series.gain30
    moved14, moved30 = gain14 + series.loss14, gain30 + series.loss30
    macd = series.ema12 - series.ema26
    return (
        series.sum20 / 20.0,
        series.sum50 / 50.0,
        series.sum200 / 200.0,
        100.0 * gain14 / moved14 if moved14 > 0.0 else 50.0,
        100.0 * gain30 / moved30 if moved30 > 0.0 else 50.0,
        macd,
        series.signal,
        macd - series.signal,
        series.atr14,
        series.close,
    )
