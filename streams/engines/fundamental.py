"""Fundamental, 0 to 1: size, trade, code, community and chain of an asset.

Nine parts, each in [0, 1] and rising with what is good; the score is the mean of those present,
the confidence is their share of those that such an asset can have: only a coin that is mined has a
hash rate. With L(x) = 1 / (1 + e^-x), full(x, top) = ln(1+x) / ln(1+top) held
in [0, 1], and growth(x) = L(ln(x / baseline) / scale):

    market_cap_rank        1 - ln(rank) / ln(1000)
    volume_trend           r / (1 + r), r = volume 24 h / its 30-day mean
    turnover               t / (t + 0.05), t = volume 24 h / market cap
    github_activity        mean of full(commits in 4 weeks), full(merged pull requests)
    developer_engagement   mean of full(contributors), full(stars), full(forks), issues closed
    community_growth       mean of growth(followers), growth(subscribers), growth(members)
    transactions           mean of full and growth
    active_addresses       mean of full and growth
    hash_rate              growth alone: hashes of different chains do not compare

A field counts for 24 hours after it was last given, and for 8 days after it was measured; what is
older than a day says so in `detail`. It sticks with the source that gave it for 24 hours, so that
two sources that count differently make no growth. A baseline is the exponential mean of the
logarithm, by the time of measuring, of what came before; the same measure told again is no news.
"""

from __future__ import annotations

from math import exp2, log1p
from typing import Any

import msgspec
from msgspec.structs import replace

from schemas.market import MEASURES, Fundamentals, TrendingAsset
from schemas.times import DAY_MS
from schemas.topics import FUNDAMENTALS
from streams.engines.base import Engine, EngineReading, clamp, freshness
from streams.engines.fundamental_parts import (
    GROWING,
    PARTS,
    Config,
    Facts,
    Point,
    can_have,
    measured_at,
)


class State(msgspec.Struct, frozen=True, gc=False):
    """The fields that were given, the newest record and the newest tick (0 and -1: none)."""

    points: dict[str, Point] = {}
    record_at: int = 0
    record_offset: int = -1
    tick_at: int = 0
    price_usd: float | None = None
    tick_volume_usd: float | None = None
    tick_market_cap_usd: float | None = None
    asset: str = ""


def initial(config: Config) -> State:
    """Return the state of an asset never seen."""
    return State()


def update(config: Config, state: State, event: Any, offset: int) -> State:
    """Apply a fundamentals record or a tick; late and repeated ones change nothing."""
    if isinstance(event, Fundamentals):
        return _apply_record(config, state, event, offset)
    if isinstance(event, TrendingAsset) and event.observed_at > state.tick_at:
        return msgspec.structs.replace(
            state,
            tick_at=event.observed_at,
            price_usd=event.price_usd,
            tick_volume_usd=event.volume_24h_usd,
            tick_market_cap_usd=event.market_cap_usd,
            asset=event.asset,
        )
    return state


def _apply_record(config: Config, state: State, record: Fundamentals, offset: int) -> State:
    changed: dict[str, Point] = {}
    for name in MEASURES:
        value = getattr(record, name)
        if value is None:
            continue
        of_ms = (record.measured_at or {}).get(name, record.event_time)
        new = Point(float(value), record.observed_at, record.source, None, of_ms)
        point = _moved(config, state.points.get(name), new, is_growing=name in GROWING)
        if point is not None:
            changed[name] = point
    if not changed:
        return state
    is_newest = record.observed_at >= state.record_at
    return msgspec.structs.replace(
        state,
        points={**state.points, **changed},
        record_at=max(state.record_at, record.observed_at),
        record_offset=offset if is_newest else state.record_offset,
        asset=record.asset,
    )


def _moved(config: Config, last: Point | None, new: Point, *, is_growing: bool) -> Point | None:
    """Return a field's point after a record; None keeps the last: late, or another source's.

    Two records of one moment have no order: of one source the larger value counts, of two sources
    that begin together the first by name.
    """
    if last is None:
        return new
    age_ms = new.observed_at - last.observed_at
    if age_ms < 0:
        return None
    if age_ms == 0:
        if last.source == new.source:
            return replace(last, value=new.value) if new.value > last.value else None
        return new if last.baseline is None and new.source < last.source else None
    if new.source != last.source:
        return new if age_ms >= config.stale_ms else None
    if not is_growing:
        return new
    if new.measured_at <= measured_at(last) and new.value == last.value:
        return replace(new, baseline=last.baseline, measured_at=measured_at(last))
    return replace(new, baseline=_baseline(config, last, new))


def _baseline(config: Config, last: Point, new: Point) -> float:
    """Return the baseline before a new value: the last one, moved towards the last value."""
    value = log1p(last.value)
    if last.baseline is None:
        return value
    elapsed_ms = max(0, measured_at(new) - measured_at(last))
    return value + (last.baseline - value) * exp2(-elapsed_ms / config.baseline_half_life_ms)


def read(config: Config, state: State, now: int) -> EngineReading:
    """Return the reading at `now` (ms), or at the newest record seen if that is later."""
    now = max(now, state.record_at, state.tick_at)
    is_ticking = state.tick_at > 0 and now - state.tick_at < config.stale_ms
    volume_usd = state.tick_volume_usd if is_ticking else None
    cap_usd = state.tick_market_cap_usd if is_ticking else None
    facts = Facts(config, state.points, volume_usd, cap_usd, now)
    parts = facts.parts()
    possible = [one for one in PARTS if one in parts or can_have(config, state.asset, one)]
    has_record = state.record_offset >= 0 and now - state.record_at < config.stale_ms
    data_time = (state.record_at if has_record else state.tick_at) or None
    return EngineReading(
        score=clamp(sum(parts.values()) / len(parts), 0.0) if parts else 0.0,
        confidence=len(parts) / len(possible),
        freshness=freshness(
            None if data_time is None else now - data_time, config.fresh_ms, config.stale_ms
        ),
        data_time=data_time,
        price_usd=state.price_usd,
        price_at=state.tick_at or None,
        features=parts,
        evidence=(state.record_offset,) if has_record else (),
        detail=_detail(possible, facts, parts, state, has_record),
    )


def _detail(
    possible: list[str],
    facts: Facts,
    parts: dict[str, float],
    state: State,
    has_record: bool,
) -> dict[str, str]:
    detail: dict[str, str] = {}
    if not has_record:
        detail["fundamentals"] = "no record yet" if state.record_offset < 0 else "none in 24 h"
    missing = [name for name in possible if name not in parts]
    if missing:
        detail["missing"] = ", ".join(missing)
    old = [f"{name} {age_ms / DAY_MS:.1f} d" for name, age_ms in facts.old().items()]
    if old:
        detail["old"] = ", ".join(old)
    return detail


ENGINE = Engine(
    name="fundamental",
    topic=FUNDAMENTALS.name,
    config=Config(),
    state_type=State,
    initial=initial,
    update=update,
    read=read,
    min_change=0.01,
)
