"""One timeframe of the technical score: its series, its holes, and when it begins anew.

A coin is halted, and another one trades under its ticker; or the exchange counts in new units. What
was before is of no use then: after a hole as long as MA50's window, or a change that the price
never made, the series begins with the next candle, and says why until it is warm. So it does with
the first candle of another exchange, which brings its own past with it.

The last 300 candles are kept: the indicators that rules name are computed from them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import msgspec

from schemas.market import Candle
from schemas.scores import MOST_RETURNS
from schemas.validation import CANDLE_MS
from streams.constants import Count, Positive, Share
from streams.engines.indicators import (
    BREAK_FACTOR,
    GIVEN_AT,
    KEPT,
    NAMES,
    WARM_AT,
    YOUNG_AT,
    Series,
    TrendConfig,
    Values,
    advance,
    is_break,
    last_closes,
    structure,
    trend,
    values,
)

TIMEFRAMES = ("1h", "4h", "1d")
SHORT = ("5m", "15m")
"""Their values are features for rules and stops; no score is made of them."""
PLACE = {timeframe: place for place, timeframe in enumerate((*TIMEFRAMES, *SHORT))}
LENGTH_MS = tuple(CANDLE_MS[timeframe] for timeframe in PLACE)
_NEVER_MS = 253_402_300_800_000  # the year 10000
FEATURES = tuple(tuple(f"{name}@{timeframe}" for name in (*NAMES, "TREND")) for timeframe in PLACE)
_FACTOR_SQUARED = BREAK_FACTOR**2
_GIVEN_AT = (*GIVEN_AT, YOUNG_AT)


@dataclass(frozen=True, slots=True)
class Config:
    """Constants of the score; `fresh_ms` is `fresh_candles` in ms, in the order of PLACE."""

    weights: tuple[Share, Share, Share] = (0.25, 0.35, 0.40)
    """Of the trends of 1h, 4h and 1d in the score (SPEC)."""
    trend: TrendConfig = field(default_factory=TrendConfig)
    """Constants of one timeframe's trend."""
    gap_memory_candles: Count = 50
    """Candles until a hole is forgotten: MA50 is free of it then; one as long ends the series."""
    fresh_candles: Positive = 1.25
    """Age of the last close up to which a timeframe is fresh, in its candles."""
    stale_candles: Positive = 3.0
    """Age of the last close from which it is stale, in its candles."""
    fresh_ms: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        fresh_ms = tuple(int(self.fresh_candles * length_ms) for length_ms in LENGTH_MS)
        object.__setattr__(self, "fresh_ms", fresh_ms)


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One timeframe.

    open_time, close_time, offset   of the last closed candle; -1 before the first
    missing      candles that are missing in holes not yet forgotten
    since_gap    closed candles since the last such hole
    broken       why the series began anew, until it is warm
    exchange     of the candles; empty before the first
    fresh_until  moment up to which this timeframe is fresh, ms
    trend        -1 to 1; 0 before YOUNG_AT candles
    quality      share of its weight that the confidence gets, 0 to 1; of a young series its candles
                 over WARM_AT
    numbers      values of the last candle, in the order of NAMES; () before the first
    earlier, earlier_trend   values and trend of the candle before it
    holes        of the last 300 candles: number of the candle after it, candles missing in it
    """

    series: Series = Series()
    open_time: int = -1
    close_time: int = -1
    offset: int = -1
    missing: int = 0
    since_gap: int = 0
    fresh_until: int = _NEVER_MS
    trend: float = 0.0
    quality: float = 0.0
    broken: str = ""
    exchange: str = ""
    numbers: tuple[float, ...] = ()
    earlier: tuple[float, ...] = ()
    earlier_trend: float = 0.0
    holes: tuple[tuple[int, int], ...] = ()


def moved(
    config: Config,
    before: Frame,
    place: int,
    candle: Candle,
    offset: int,
    features: dict[str, float],
) -> Frame:
    """Return the timeframe after a candle, and set its values in `features`."""
    if is_elsewhere(before, candle):
        before = Frame(broken=f"exchange from {before.exchange} to {candle.exchange}")
        forget(features, place)
    close_time, open_time = candle.close_time, candle.open_time
    last, hole, broken = before.series.close, 0, ""
    # Most candles follow the one before, at its price: these are not looked at any further.
    if (
        open_time - before.open_time != LENGTH_MS[place]
        or not last < BREAK_FACTOR * candle.open < _FACTOR_SQUARED * last
    ):
        hole = _missing_before(before, open_time, LENGTH_MS[place])
        if hole >= config.gap_memory_candles or is_break(
            before.series, candle.open, candle.close, hole
        ):
            before, hole = Frame(broken=_broken(before.series, candle, hole)), 0
            forget(features, place)
    missing, since_gap, holes = before.missing, before.since_gap, before.holes
    if hole or not before.numbers:
        holes = _holes(config, before, hole)
    series = advance(
        before.series, candle.open, candle.high, candle.low, candle.close, candle.volume
    )
    numbers, trend_now, quality = values(series), 0.0, 0.0
    if series.count >= WARM_AT:
        trend_now, quality = trend(config.trend, numbers, structure(series.swings)), 1.0
        _set(features, FEATURES[place], numbers, trend_now)
    else:
        broken = before.broken
        _add_known(features, place, series.count, numbers)
        if series.count >= YOUNG_AT:
            way = structure(series.swings)
            trend_now = trend(config.trend, numbers, way, is_young=True)
            quality = series.count / WARM_AT
            features[FEATURES[place][-1]] = trend_now
    if missing or hole:
        missing, since_gap = _gap(config, missing, since_gap, hole)
        if missing:
            memory = config.gap_memory_candles
            quality *= 1.0 - min(1.0, missing / memory) * (1.0 - since_gap / memory)
    fresh_until = close_time + config.fresh_ms[place]
    return Frame(
        series,
        open_time,
        close_time,
        offset,
        missing,
        since_gap,
        fresh_until,
        trend_now,
        quality,
        broken,
        candle.exchange,
        numbers,
        before.numbers,
        before.trend,
        holes,
    )


def _holes(config: Config, before: Frame, hole: int) -> tuple[tuple[int, int], ...]:
    """Return the holes after one, or after the first candle of all.

    A state from before holes were kept has one where it is not sure any more that there is none.
    """
    count = before.series.count
    known = tuple([one for one in before.holes if one[0] > count - KEPT])
    if count and not before.numbers:
        memory = config.gap_memory_candles
        sure = before.since_gap + 1 if before.missing else min(count, memory)
        known = ((count - sure + 1, 0),)
    return (*known, (count + 1, hole)) if hole else known


def open_times(frame: Frame, place: int, candles: int) -> list[int]:
    """Return when the last candles opened, in ms, oldest first."""
    holes, count, time = dict(frame.holes), frame.series.count, frame.open_time
    times = []
    for number in range(count, count - candles, -1):
        times.append(time)
        time -= LENGTH_MS[place] * (holes.get(number, 0) + 1)
    return times[::-1]


def daily_returns(frame: Frame, last_close: float, before: tuple[float, ...]) -> tuple[float, ...]:
    """Return the changes from one close to the next, as fractions, oldest first.

    At most MOST_RETURNS. They end with the last candle, and begin after the last day that is
    missing. `last_close` and `before` are the close and the returns of the candle before it: all
    but one are the same.
    """
    count = frame.series.count
    unbroken = count - frame.holes[-1][0] + 1 if frame.holes else count
    kept = min(unbroken, MOST_RETURNS + 1) - 2
    if 0 <= kept <= len(before):
        return (*before[len(before) - kept :], frame.series.close / last_close - 1.0)
    closes = last_closes(frame.series, kept + 2)
    return tuple([after / before - 1.0 for before, after in pairwise(closes)])


def timeframe_of(feature: str) -> str:
    """Return the timeframe that a feature's name ends in: 4h of RSI14@4h, and of RSI14@4h[1]."""
    return feature.rpartition("@")[2].partition("[")[0]


def lagged(frame: Frame, place: int) -> dict[str, float]:
    """Return the values of the candle before the last one, by the names of FEATURES."""
    if not frame.earlier:
        return {}
    count, earlier = frame.series.count - 1, (*frame.earlier, frame.earlier_trend)
    return {
        name: value
        for name, value, given in zip(FEATURES[place], earlier, _GIVEN_AT, strict=True)
        if count >= given
    }


def is_elsewhere(before: Frame, candle: Candle) -> bool:
    """Return whether a candle is of another exchange than those before it."""
    return candle.exchange != before.exchange != ""


def forget(features: dict[str, float], place: int) -> None:
    """Take a timeframe's values out of the features."""
    for name in FEATURES[place]:
        features.pop(name, None)


def _missing_before(before: Frame, open_time: int, length_ms: int) -> int:
    return (open_time - before.open_time) // length_ms - 1 if before.offset >= 0 else 0


def _broken(series: Series, candle: Candle, hole: int) -> str:
    said = f"price from {series.close:.6g} to {candle.open:.6g}"
    return f"{said} after {hole} missing candles" if hole else said


def _gap(config: Config, missing: int, since_gap: int, hole: int) -> tuple[int, int]:
    """Return the candles missing in holes not yet forgotten, and those closed since the last."""
    if hole > 0:
        return missing + hole, 0
    if since_gap + 1 >= config.gap_memory_candles:
        return 0, 0
    return missing, since_gap + 1


def _set(
    features: dict[str, float], names: tuple[str, ...], numbers: Values, trend_now: float
) -> None:
    """Set a warm timeframe's features; one by one, for that is three times as fast as `update`."""
    ma20, ma50, ma200, rsi14, rsi30, macd, macd_signal, macd_hist, atr14, close, name = names
    (
        features[ma20],
        features[ma50],
        features[ma200],
        features[rsi14],
        features[rsi30],
        features[macd],
        features[macd_signal],
        features[macd_hist],
        features[atr14],
        features[close],
    ) = numbers
    features[name] = trend_now


def _add_known(features: dict[str, float], place: int, count: int, numbers: Values) -> None:
    for name, value, given in zip(FEATURES[place], numbers, GIVEN_AT, strict=False):
        if count >= given:
            features[name] = value
