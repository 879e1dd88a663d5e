"""One timeframe of the technical score: its series, its holes, and when it begins anew.

A coin is halted, and another one trades under its ticker; or the exchange counts in new units. What
was before is of no use then: after a hole as long as MA50's window, or a change that the price
never made, the series begins with the next candle, and says why until it is warm. So it does with
the first candle of another exchange, which brings its own past with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from schemas.market import Candle
from schemas.validation import CANDLE_MS
from streams.constants import Count, Positive, Share
from streams.engines.indicators import (
    BREAK_FACTOR,
    GIVEN_AT,
    NAMES,
    WARM_AT,
    YOUNG_AT,
    Series,
    TrendConfig,
    Values,
    advance,
    is_break,
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
    series, missing, since_gap = before.series, before.missing, before.since_gap
    last, hole, broken = series.close, 0, ""
    # Most candles follow the one before, at its price: these are not looked at any further.
    if (
        open_time - before.open_time != LENGTH_MS[place]
        or not last < BREAK_FACTOR * candle.open < _FACTOR_SQUARED * last
    ):
        hole = _missing_before(before, open_time, LENGTH_MS[place])
        if hole >= config.gap_memory_candles or is_break(series, candle.open, candle.close, hole):
            broken = _broken(series, candle, hole)
            series, missing, hole = Series(), 0, 0
            forget(features, place)
    series = advance(series, candle.high, candle.low, candle.close)
    trend_now = quality = 0.0
    if series.count >= WARM_AT:
        numbers = values(series)
        trend_now, quality = trend(config.trend, numbers, structure(series.swings)), 1.0
        _set(features, FEATURES[place], numbers, trend_now)
    else:
        broken = broken or before.broken
        _add_known(features, place, series)
        if series.count >= YOUNG_AT:
            way = structure(series.swings)
            trend_now = trend(config.trend, values(series), way, is_young=True)
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
    )


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


def _add_known(features: dict[str, float], place: int, series: Series) -> None:
    count = series.count
    for name, value, given in zip(FEATURES[place], values(series), GIVEN_AT, strict=False):
        if count >= given:
            features[name] = value
