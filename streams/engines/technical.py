"""Technical score in [-1, 1] from the closed candles of three timeframes.

    score = 0.40 trend(1d) + 0.35 trend(4h) + 0.25 trend(1h)                          (SPEC 2)

Each trend is in [-1, 1] (`indicators.trend`). A timeframe with fewer than 200 candles adds nothing
to the score and nothing to the confidence. Only closed candles move the score, each once.

confidence  sum of the weights of the warm timeframes, each times its completeness: a hole of n
            candles takes n / 50 of it away, and 50 candles later all of it is back
freshness   by the same weights, over the timeframes with any candle: 1 until a quarter of a candle
            after the next one was due, 0 when the next two are missing
price_usd   the last close, or the tick's price when that is newer
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec.structs import replace

from schemas.market import Candle, TrendingAsset
from schemas.validation import TIMEFRAME_MS
from streams.engines.base import Engine, Reading, clamp, freshness
from streams.engines.indicators import (
    NAMES,
    WARM_AT,
    Series,
    TrendConfig,
    Values,
    advance,
    known,
    structure,
    trend,
    values,
)
from streams.topics import CANDLES

TIMEFRAMES = ("1h", "4h", "1d")
_PLACE = {timeframe: place for place, timeframe in enumerate(TIMEFRAMES)}
_LENGTH_MS = tuple(TIMEFRAME_MS[timeframe] for timeframe in TIMEFRAMES)
_NEVER_MS = 253_402_300_800_000  # the year 10000
_FEATURES = tuple(
    tuple(f"{name}@{timeframe}" for name in (*NAMES, "TREND")) for timeframe in TIMEFRAMES
)


@dataclass(frozen=True, slots=True)
class Config:
    """Constants of the score.

    weights             of the timeframes' trends in the score, in the order of TIMEFRAMES (SPEC)
    trend               constants of one timeframe's trend
    gap_memory_candles  candles until a hole is forgotten: MA50 is free of it then
    fresh_candles       age of the last close up to which a timeframe is fresh, in its candles
    stale_candles       age of the last close from which it is stale, in its candles
    """

    weights: tuple[float, float, float] = (0.25, 0.35, 0.40)
    trend: TrendConfig = field(default_factory=TrendConfig)
    gap_memory_candles: int = 50
    fresh_candles: float = 1.25
    stale_candles: float = 3.0


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One timeframe.

    open_time, close_time, offset   of the last closed candle; -1 before the first
    missing      candles that are missing in holes not yet forgotten
    since_gap    closed candles since the last such hole
    fresh_until  moment up to which this timeframe is fresh, ms
    trend        -1 to 1; 0 until warm
    quality      share of its weight that the confidence gets, 0 to 1
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


class State(msgspec.Struct, frozen=True, gc=False):
    """The three timeframes, and everything that `read` says, made when a candle closes.

    frames        in the order of TIMEFRAMES
    price_time    when `price_usd` was the price: the candle's close or the tick's observed_at, ms
    fresh_until   moment up to which every timeframe with a candle is fresh, ms
    the others    as in `Reading`
    """

    frames: tuple[Frame, ...]
    score: float = 0.0
    confidence: float = 0.0
    data_time: int | None = None
    fresh_until: int = 0
    price_usd: float | None = None
    price_time: int = 0
    features: dict[str, float] = {}
    evidence: tuple[int, ...] = ()
    detail: dict[str, str] = {}


def initial(config: Config) -> State:
    """Return the state of an asset without any candle."""
    return State((Frame(),) * len(TIMEFRAMES), detail={"candles": "none"})


def update(config: Config, state: State, event: Any, offset: int) -> State:
    """Apply a closed candle or a tick's price; anything else leaves the state as it is."""
    if type(event) is Candle:
        if not event.closed:
            return state
        place = _PLACE[event.timeframe]
        if event.open_time <= state.frames[place].open_time:
            return state
        return _with_candle(config, state, place, event, offset)
    if type(event) is TrendingAsset and event.observed_at > state.price_time:
        return replace(state, price_usd=event.price_usd, price_time=event.observed_at)
    return state


def _with_candle(config: Config, state: State, place: int, candle: Candle, offset: int) -> State:
    frames = state.frames
    before = frames[place]
    series = advance(before.series, candle.high, candle.low, candle.close)
    features = state.features.copy()
    trend_now = 0.0
    if series.count >= WARM_AT:
        numbers = values(series)
        trend_now = trend(config.trend, numbers, structure(series.swings))
        _set(features, _FEATURES[place], numbers, trend_now)
    else:
        _add_known(features, place, series)
    frame = _frame(config, before, series, trend_now, place, candle, offset)
    frames = (*frames[:place], frame, *frames[place + 1 :])
    hour, four_hours, day = frames
    share_1h, share_4h, share_1d = config.weights
    newest = candle.close_time >= state.price_time
    seen, data_time = candle.observed_at, state.data_time
    complete = hour.quality == four_hours.quality == day.quality == 1.0
    confidence = share_1h * hour.quality + share_4h * four_hours.quality + share_1d * day.quality
    return State(
        frames,
        clamp(share_1h * hour.trend + share_4h * four_hours.trend + share_1d * day.trend),
        1.0 if complete else clamp(confidence, 0.0),
        seen if data_time is None or seen > data_time else data_time,
        min(hour.fresh_until, four_hours.fresh_until, day.fresh_until),
        candle.close if newest else state.price_usd,
        candle.close_time if newest else state.price_time,
        features,
        (*[kept for kept in state.evidence if kept != before.offset], offset),
        {} if complete else _detail(frames),
    )


def _frame(
    config: Config,
    before: Frame,
    series: Series,
    trend_now: float,
    place: int,
    candle: Candle,
    offset: int,
) -> Frame:
    length_ms = _LENGTH_MS[place]
    missing, since_gap = before.missing, 0
    hole = (candle.open_time - before.open_time) // length_ms - 1 if before.offset >= 0 else 0
    if hole > 0:
        missing += hole
    elif missing:
        since_gap = before.since_gap + 1
        if since_gap >= config.gap_memory_candles:
            missing = since_gap = 0
    quality = 0.0 if series.count < WARM_AT else 1.0
    if missing:
        memory = config.gap_memory_candles
        quality *= 1.0 - min(1.0, missing / memory) * (1.0 - since_gap / memory)
    return Frame(
        series,
        candle.open_time,
        candle.close_time,
        offset,
        missing,
        since_gap,
        candle.close_time + int(config.fresh_candles * length_ms),
        trend_now,
        quality,
    )


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
    for name, value in zip(_FEATURES[place], known(series).values(), strict=False):
        if value is not None:
            features[name] = value


def _detail(frames: tuple[Frame, ...]) -> dict[str, str]:
    detail = {}
    for timeframe, frame in zip(TIMEFRAMES, frames, strict=True):
        count = frame.series.count
        if count < WARM_AT:
            detail[f"warming_{timeframe}"] = f"{count} of {WARM_AT} candles"
        if frame.missing:
            candles = "candle" if frame.missing == 1 else "candles"
            detail[f"gap_{timeframe}"] = f"{frame.missing} {candles} missing"
    return detail


def read(config: Config, state: State, now: int) -> Reading:
    """Return the score as of `now`, on which only the freshness and its detail depend."""
    fresh, detail = 1.0, state.detail
    if now > state.fresh_until:
        fresh, detail = _aged(config, state, now)
    return Reading(
        state.score,
        state.confidence,
        fresh,
        state.data_time,
        state.price_usd,
        state.features,
        state.evidence,
        detail,
    )


def _aged(config: Config, state: State, now: int) -> tuple[float, dict[str, str]]:
    """Return the freshness over the timeframes that have candles, and the detail with it."""
    fresh = present = 0.0
    detail = state.detail
    for place, frame in enumerate(state.frames):
        if frame.offset < 0:
            continue
        length_ms, weight = _LENGTH_MS[place], config.weights[place]
        age_candles = (now - frame.close_time) / length_ms
        present += weight
        fresh += weight * freshness(age_candles, config.fresh_candles, config.stale_candles)
        if age_candles > config.fresh_candles:
            age = f"last closed {age_candles:.1f} candles ago"
            detail = {**detail, f"stale_{TIMEFRAMES[place]}": age}
    return (fresh / present if present else 0.0), detail


ENGINE: Engine[Config, State] = Engine(
    name="technical",
    topic=CANDLES.name,
    config=Config(),
    state_type=State,
    initial=initial,
    update=update,
    read=read,
    min_change=0.0,
)
