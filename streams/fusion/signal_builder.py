"""The signal of one decision, with everything that led to it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import msgspec

from schemas.engines import ENGINES
from schemas.scores import InputPosition
from schemas.signals import Contribution, RankEntry, Signal
from schemas.times import HOUR_MS
from schemas.topics import SCORES, STRATEGIES
from streams.confidence import position_sizing
from streams.fusion.decision import (
    EVENT_RISK,
    Decision,
    View,
    data_freshness,
    features,
    freshness,
    price_usd,
    risk_ends_ms,
)
from streams.fusion.state import ENGINE_INDEX, LatestScore, Pinned

_SENTIMENT, _TECHNICAL = ENGINE_INDEX["sentiment"], ENGINE_INDEX["technical"]
_STRATEGY_PARTITION = 0


@dataclass(frozen=True, slots=True)
class Trigger:
    """Why signals go out, and what all signals of one moment have in common.

    trigger    cycle, change or request
    partition  of the asset, in engine.scores
    extra      a further input: the request
    """

    asset: str
    as_of: int
    trigger: str
    partition: int
    cycle: int | None = None
    request_id: str | None = None
    extra: tuple[InputPosition, ...] = ()


class EnginePart(msgspec.Struct, frozen=True, gc=False):
    """An engine's part in all signals of one moment; `value` is its score where it counts, else 0.

    `present` False: it has never had a score, and the rest is 0 or None.
    """

    engine: str
    present: bool
    status: str
    score: float
    confidence: float
    value: float
    age_ms: int | None
    offset: int | None


class SignalContext(msgspec.Struct, frozen=True, gc=False):
    """The common part of all signals of one moment, computed once for all strategies.

    fresh          each engine's freshness, 0 where it does not count
    before, after  inputs that stand before and after the strategy's own
    """

    occasion: Trigger
    seen: View
    parts: tuple[EnginePart, ...]
    entry_price_usd: float | None
    features: dict[str, float]
    detail: dict[str, str]
    sentiment_confidence: float
    trend_strength: float
    fresh: tuple[float, ...]
    before: tuple[InputPosition, ...]
    after: tuple[InputPosition, ...]


def moment(occasion: Trigger, seen: View) -> SignalContext:
    """Work out what the strategies' signals have in common."""
    inputs = _inputs(occasion, seen)
    return SignalContext(
        occasion,
        seen,
        tuple([_part(occasion.as_of, seen, index, engine) for index, engine in enumerate(ENGINES)]),
        price_usd(seen),
        features(seen),
        dict(sorted(_detail(seen).items())),
        _confidence_of(seen, _SENTIMENT),
        abs(seen.values[_TECHNICAL]),
        freshness(seen),
        tuple([place for place in inputs if place.topic < STRATEGIES.name]),
        tuple([place for place in inputs if place.topic > STRATEGIES.name]),
    )


def signal_id(strategy_id: str, asset: str, as_of: int) -> str:
    """Return 32 hex digits that are a function of strategy, asset and time."""
    return blake2b(f"{strategy_id}|{asset}|{as_of}".encode(), digest_size=16).hexdigest()


def build(
    now: SignalContext,
    pinned: Pinned,
    decision: Decision,
    sizing: position_sizing.Config,
    settings: str | None = None,
) -> Signal:
    """Return the signal of a strategy's decision; `settings` is the version of the constants."""
    strategy, occasion = pinned.strategy, now.occasion
    conviction = position_sizing.Conviction(
        now.sentiment_confidence, now.trend_strength, data_freshness(pinned, now.fresh)
    )
    sized = position_sizing.size(
        sizing,
        strategy,
        occasion.asset,
        decision.action,
        now.entry_price_usd,
        conviction,
        now.features,
    )
    detail = dict(sorted({**now.detail, **sized.detail}.items())) if sized.detail else now.detail
    strategy_place = InputPosition(STRATEGIES.name, _STRATEGY_PARTITION, pinned.offset)
    return Signal(
        signal_id=signal_id(strategy.strategy_id, occasion.asset, occasion.as_of),
        strategy_id=strategy.strategy_id,
        user_id=strategy.user_id,
        asset=occasion.asset,
        as_of=occasion.as_of,
        cycle=occasion.cycle,
        trigger=occasion.trigger,
        request_id=occasion.request_id,
        final_score=decision.final_score,
        action=decision.action,
        fused_action=decision.fused_action,
        override=decision.override,
        confidence=sized.confidence,
        contributions=tuple(map(_contribution, now.parts, pinned.weights)),
        entry_price_usd=now.entry_price_usd,
        position_size=sized.size,
        position_value_usd=sized.value_usd,
        stop_loss_usd=sized.stop_loss_usd,
        take_profit_usd=sized.take_profit_usd,
        sizing=sized.terms,
        features=now.features,
        detail=detail,
        settings=settings,
        inputs=(*now.before, strategy_place, *now.after),
    )


def rank_entry(signal: Signal, cycle: int, size: int) -> RankEntry:
    """Return the signal's entry in the ranking of its strategy."""
    return RankEntry(
        signal.strategy_id,
        "signal",
        cycle,
        size,
        signal.asset,
        signal.signal_id,
        signal.action,
        signal.final_score,
        signal.confidence,
    )


def _confidence_of(seen: View, index: int) -> float:
    one = seen.held[index]
    return one.confidence if one is not None and seen.usable[index] else 0.0


def _part(as_of: int, seen: View, index: int, engine: str) -> EnginePart:
    one = seen.held[index]
    if one is None:
        return EnginePart(engine, False, "missing", 0.0, 0.0, 0.0, None, None)
    return EnginePart(
        engine,
        True,
        _status(one, usable=seen.usable[index]),
        one.score,
        one.confidence,
        seen.values[index],
        None if one.data_time is None else as_of - one.data_time,
        one.offset,
    )


def _contribution(part: EnginePart, weight: float) -> Contribution:
    share = weight * part.value if part.present else 0.0
    return Contribution(
        part.engine,
        part.status,
        part.score,
        part.confidence,
        weight,
        share,
        part.age_ms,
        part.offset,
    )


def _status(one: LatestScore, *, usable: bool) -> str:
    return "missing" if one.missing else "ok" if usable else "stale"


def _detail(seen: View) -> dict[str, str]:
    """Return what is missing, stale or degraded, keyed `<engine>.<word>`."""
    detail = {}
    for index, engine in enumerate(ENGINES):
        one = seen.held[index]
        if one is None:
            detail[f"{engine}.status"] = "missing: no score yet"
            continue
        for word, text in one.detail.items():
            detail[f"{engine}.{word}"] = text
        if one.missing:
            detail[f"{engine}.status"] = "missing: no answer to the cycle in time"
        elif not seen.usable[index]:
            age_s = (seen.now_ms - one.as_of) // 1000
            detail[f"{engine}.status"] = (
                "stale: it has no fresh data"
                if one.freshness <= 0.0
                else f"stale: its last score is {age_s} s old"
            )
    if seen.known is not None:
        hours = (risk_ends_ms(seen.known) - seen.now_ms) / HOUR_MS
        detail[f"{ENGINES[EVENT_RISK]}.known_risk"] = (
            f"{seen.known.score:+.3f}, as last said, stands until its dates pass in {hours:.1f} h"
        )
    return detail


def _inputs(occasion: Trigger, seen: View) -> list[InputPosition]:
    """Return every position behind the moment: topic, partition and offset, in that order."""
    behind = (*seen.held, seen.known)
    places = {(SCORES.name, occasion.partition, one.offset) for one in behind if one is not None}
    places |= {(place.topic, place.partition, place.offset) for place in occasion.extra}
    return [InputPosition(*place) for place in sorted(places)]
