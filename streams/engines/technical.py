"""Technical score in [-1, 1] from the closed candles of three timeframes.

    score = 0.40 trend(1d) + 0.35 trend(4h) + 0.25 trend(1h)                          (SPEC 2)

Each trend is in [-1, 1] (`indicators.trend`). A young timeframe counts from 50 candles on, with all
but MA200, which joins at 200; with fewer it adds nothing. Only closed candles move the score, each
once.

After a hole of 50 candles or more (MA50's window), or a jump that the asset never made, a timeframe
begins anew: another coin may trade under its ticker, and nothing from before counts.

Candles of 5m and 15m, which come while a strategy wants them, make features alone, until three of
them are missing.

What the rules of active strategies name besides (`technical_wanted`) is added to the features.

confidence  sum of the weights of the timeframes that count, each times its completeness: of a young
            one its candles / 200; a hole of n candles takes n / 50 of it away, and 50 candles later
            all of it is back
freshness   by the same weights, over the timeframes with any candle: 1 until a quarter of a candle
            after the next one was due, 0 when the next two are missing
price_usd   the last close, or the tick's price when that is newer; price_at is the time of that
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from schemas.market import Candle, TrendingAsset
from schemas.topics import CANDLES
from streams.engines.base import Engine, EngineReading, clamp, freshness
from streams.engines.indicators import WARM_AT
from streams.engines.technical_frame import (
    LENGTH_MS,
    PLACE,
    SHORT,
    TIMEFRAMES,
    Config,
    Frame,
    daily_returns,
    is_elsewhere,
    moved,
    timeframe_of,
)
from streams.engines.technical_wanted import clear, failures, renew
from streams.engines.wanted import Wanted

_DAY = PLACE["1d"]
_STALE = tuple(f"stale_{timeframe}" for timeframe in TIMEFRAMES)


class State(msgspec.Struct, frozen=True, gc=False):
    """The three timeframes, and the reading, computed when a candle closes.

    frames       in the order of TIMEFRAMES
    reading      result of `read` up to `fresh_until`, freshness 1
    fresh_until  moment up to which every timeframe with a candle is fresh, ms
    short        the timeframes of no score, in the order of SHORT
    wanted       names of the features that rules want, each computed unless its timeframe is `due`
    due          timeframes with a candle since then: bit i is place i
    """

    frames: tuple[Frame, Frame, Frame]
    reading: EngineReading
    fresh_until: int = 0
    short: tuple[Frame, Frame] = (Frame(), Frame())
    wanted: tuple[str, ...] = ()
    due: int = 0


def initial(config: Config) -> State:
    """Return the state of an asset without any candle."""
    return State(
        (Frame(), Frame(), Frame()), EngineReading(0.0, 0.0, 1.0, detail={"candles": "none"})
    )


def update(config: Config, state: State, event: Any, offset: int) -> State:
    """Apply a closed candle or a tick's price; anything else leaves the state as it is."""
    if type(event) is Candle:
        if not event.closed:
            return state
        place = PLACE[event.timeframe]
        is_short = place >= len(TIMEFRAMES)
        before = state.short[place - len(TIMEFRAMES)] if is_short else state.frames[place]
        if event.open_time <= before.open_time and not is_elsewhere(before, event):
            return state
        apply = _with_short if is_short else _with_candle
        return apply(config, state, place, event, offset)
    if type(event) is TrendingAsset and event.observed_at > (state.reading.price_at or 0):
        said = state.reading
        reading = replace(said, price_usd=event.price_usd, price_at=event.observed_at)
        return replace(state, reading=reading)
    return state


def _with_candle(config: Config, state: State, place: int, candle: Candle, offset: int) -> State:
    before = state.frames[place]
    said = state.reading
    features = said.features.copy()
    frame = moved(config, before, place, candle, offset, features)
    hour, four_hours, day = state.frames
    if place == 0:
        hour = frame
    elif place == 1:
        four_hours = frame
    else:
        day = frame
    frames = (hour, four_hours, day)
    share_1h, share_4h, share_1d = config.weights
    score = share_1h * hour.trend + share_4h * four_hours.trend + share_1d * day.trend
    if before.quality == frame.quality == 1.0:  # warm and whole, before and now: the same is said
        confidence, detail = said.confidence, said.detail
    else:
        confidence, detail = _confidence(config, frames), _detail(frames) | failures(said.detail)
    close_time, price_at, price_usd = candle.close_time, said.price_at, said.price_usd
    if price_at is None or close_time >= price_at:
        price_at, price_usd = close_time, candle.close
    data_time = said.data_time
    if data_time is None or candle.observed_at > data_time:
        data_time = candle.observed_at
    evidence = _renewed(said.evidence, before.offset, offset)
    five, fifteen = state.short
    fresh_until = min(
        hour.fresh_until,
        four_hours.fresh_until,
        day.fresh_until,
        five.fresh_until,
        fifteen.fresh_until,
    )
    returns, until = said.daily_returns, said.returns_until
    if place == _DAY:
        returns = daily_returns(day, before.series.close, returns)
        until = close_time if returns else None
    reading = EngineReading(
        clamp(score),
        confidence,
        1.0,
        data_time,
        price_usd,
        features,
        evidence,
        detail,
        returns,
        until,
        price_at,
    )
    due = state.due | 1 << place
    return State(frames, reading, fresh_until, state.short, state.wanted, due)


def _with_short(config: Config, state: State, place: int, candle: Candle, offset: int) -> State:
    """Apply a candle of which no score is made: its timeframe's features are new, that is all."""
    number, said = place - len(TIMEFRAMES), state.reading
    features, before = said.features.copy(), state.short[number]
    frame = moved(config, before, place, candle, offset, features)
    five, fifteen = state.short
    short = (five, frame) if number else (frame, fifteen)
    evidence = _renewed(said.evidence, before.offset, offset)
    fresh_until = min(one.fresh_until for one in (*state.frames, *short))
    reading = replace(said, features=features, evidence=evidence)
    due = state.due | 1 << place
    return replace(state, reading=reading, fresh_until=fresh_until, short=short, due=due)


def _renewed(evidence: tuple[int, ...], before: int, offset: int) -> tuple[int, ...]:
    """Put a timeframe's new offset last and take its old one out, which is mostly the last one."""
    if evidence and evidence[-1] == before:
        return (*evidence[:-1], offset)
    return (*[kept for kept in evidence if kept != before], offset)


def _confidence(config: Config, frames: tuple[Frame, Frame, Frame]) -> float:
    hour, four_hours, day = frames
    share_1h, share_4h, share_1d = config.weights
    if hour.quality == four_hours.quality == day.quality == 1.0:
        return 1.0  # which a sum of other weights may miss by a rounding
    weighted = share_1h * hour.quality + share_4h * four_hours.quality + share_1d * day.quality
    return clamp(weighted, 0.0)


def _detail(frames: tuple[Frame, ...]) -> dict[str, str]:
    detail = {}
    for timeframe, frame in zip(TIMEFRAMES, frames, strict=True):
        count = frame.series.count
        if count < WARM_AT:
            detail[f"warming_{timeframe}"] = f"{count} of {WARM_AT} candles"
        if frame.broken:
            detail[f"new_series_{timeframe}"] = frame.broken
        if frame.missing:
            candles = "candle" if frame.missing == 1 else "candles"
            detail[f"gap_{timeframe}"] = f"{frame.missing} {candles} missing"
    return detail


def read(config: Config, state: State, now: int) -> EngineReading:
    """Return the score as of `now`, on which only the freshness and its detail depend."""
    said = state.reading
    if now <= state.fresh_until:
        return said
    fresh, stale = _aged(config, state, now)
    gone = _gone(config, state, now)
    features = {
        name: value
        for name, value in said.features.items()
        if not gone or timeframe_of(name) not in gone
    }
    return replace(said, freshness=fresh, detail=said.detail | stale, features=features)


def _gone(config: Config, state: State, now: int) -> list[str]:
    """Return the timeframes of no use any more: a rule must not go by an old candle of 5m."""
    return [
        SHORT[place - len(TIMEFRAMES)]
        for place, frame in enumerate(state.short, start=len(TIMEFRAMES))
        if frame.offset >= 0 and now - frame.close_time >= config.stale_candles * LENGTH_MS[place]
    ]


def _aged(config: Config, state: State, now: int) -> tuple[float, dict[str, str]]:
    """Return the freshness over the timeframes that have candles, and what is stale of them."""
    fresh = present = 0.0
    stale = {}
    for place, frame in enumerate(state.frames):
        if frame.offset < 0:
            continue
        age_candles, weight = (now - frame.close_time) / LENGTH_MS[place], config.weights[place]
        present += weight
        fresh += weight * freshness(age_candles, config.fresh_candles, config.stale_candles)
        if age_candles > config.fresh_candles:
            stale[_STALE[place]] = f"last closed {age_candles:.1f} candles ago"
    return (fresh / present if present else 0.0), stale


def want(config: Config, state: State, wanted: Wanted, event: Any) -> State:
    """Return the state with the features that rules want, computed where they are not yet.

    A candle of the past is one of many that come at once: it takes away what was of the candle
    before it, and the next event that is none computes what is due.
    """
    is_known = wanted.names == state.wanted
    if is_known and not (state.due and wanted.names):
        return state
    features, detail = state.reading.features.copy(), state.reading.detail.copy()
    is_past, is_changed = _is_past(config, event), False
    frames = zip(PLACE, (*state.frames, *state.short), strict=True)
    for place, (timeframe, frame) in enumerate(frames):
        is_due = bool(state.due >> place & 1)
        if is_due or not (is_known or is_past):
            is_changed |= clear(features, detail, timeframe, state.wanted)
            if not is_past:
                renew(features, detail, frame, timeframe, wanted)
    if is_past and not is_changed:
        return state
    reading = replace(state.reading, features=features, detail=detail)
    if is_past:
        return replace(state, reading=reading)
    return replace(state, reading=reading, wanted=wanted.names, due=0)


def _is_past(config: Config, event: Any) -> bool:
    if type(event) is not Candle or not event.closed:
        return False
    return bool(event.observed_at - event.close_time > config.fresh_ms[PLACE[event.timeframe]])


ENGINE: Engine[Config, State] = Engine(
    name="technical",
    topic=CANDLES.name,
    config=Config(),
    state_type=State,
    initial=initial,
    update=update,
    read=read,
    min_change=0.0,
    want=want,
)
