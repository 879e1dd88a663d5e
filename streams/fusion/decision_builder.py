"""The decision of one strategy and asset, with everything that led to it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import msgspec

from schemas.engines import ENGINES
from schemas.scores import InputPosition
from schemas.signals import Contribution, Decision
from schemas.times import HOUR_MS
from schemas.topics import SCORES, STRATEGIES
from streams.confidence import position_sizing
from streams.fusion.choice import Choice, Settled, trace
from streams.fusion.state import ENGINE_INDEX, LatestScore, Pinned
from streams.fusion.view import EVENT_RISK, View, data_freshness, features, freshness, risk_ends_ms
from streams.stage import NOWHERE

_SENTIMENT, _TECHNICAL = ENGINE_INDEX["sentiment"], ENGINE_INDEX["technical"]
_LIQUIDITY = ENGINE_INDEX["liquidity"]
_STRATEGY_PARTITION = 0


@dataclass(frozen=True, slots=True)
class Trigger:
    """Why decisions go out, and what all decisions of one moment have in common.

    trigger    cycle, change or request
    partition  of the asset, in engine.scores
    extra      a further input: the request
    is_brief   as in `Tables`
    """

    asset: str
    as_of: int
    trigger: str
    partition: int
    cycle: int | None = None
    request_id: str | None = None
    extra: tuple[InputPosition, ...] = ()
    is_brief: bool = False


class EnginePart(msgspec.Struct, frozen=True, gc=False):
    """An engine's part in all decisions of one moment.

    `value` is its score where it counts, else 0.
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


class DecisionContext(msgspec.Struct, frozen=True, gc=False):
    """The common part of all decisions of one moment, computed once for all strategies.

    fresh          each engine's freshness, 0 where it does not count
    before, after  inputs that stand before and after the strategy's own
    """

    occasion: Trigger
    seen: View
    parts: tuple[EnginePart, ...]
    price_usd: float | None
    price_at: int | None
    spread_bps: float | None
    features: dict[str, float]
    detail: dict[str, str]
    sentiment_confidence: float
    trend_strength: float
    fresh: tuple[float, ...]
    daily_returns: tuple[float, ...]
    returns_until: int | None
    before: tuple[InputPosition, ...]
    after: tuple[InputPosition, ...]


def moment(occasion: Trigger, seen: View) -> DecisionContext:
    """Work out what the strategies' decisions have in common."""
    inputs = _inputs(occasion, seen)
    newest, technical = seen.newest, seen.held[_TECHNICAL]
    return DecisionContext(
        occasion,
        seen,
        tuple([_part(occasion.as_of, seen, index, engine) for index, engine in enumerate(ENGINES)]),
        None if newest is None else newest.price_usd,
        None if newest is None else newest.price_at,
        _feature_of(seen, _LIQUIDITY, "spread_bps"),
        _of_the_book(seen) if occasion.is_brief else features(seen),
        {} if occasion.is_brief else dict(sorted(_detail(seen).items())),
        _confidence_of(seen, _SENTIMENT),
        abs(seen.values[_TECHNICAL]),
        freshness(seen),
        () if technical is None else technical.daily_returns,
        None if technical is None else technical.returns_until,
        tuple([place for place in inputs if place.topic < STRATEGIES.name]),
        tuple([place for place in inputs if place.topic > STRATEGIES.name]),
    )


def decision_id(strategy_id: str, asset: str, as_of: int) -> str:
    """Return 32 hex digits that are a function of strategy, asset and time."""
    return blake2b(f"{strategy_id}|{asset}|{as_of}".encode(), digest_size=16).hexdigest()


def build(
    now: DecisionContext,
    pinned: Pinned,
    choice: Choice,
    after: Settled,
    sizing: position_sizing.Config,
    settings: str | None = None,
    cycle_size: int = 0,
) -> Decision:
    """Return the decision of a strategy that stood at `pinned` and stands at `after`.

    `settings` is the version of the constants, `cycle_size` how many decisions the strategy may
    expect of the cycle.
    """
    strategy, occasion, is_brief = pinned.strategy, now.occasion, now.occasion.is_brief
    lacking = {} if is_brief else after.lacking
    said: tuple[Contribution, ...] = ()
    if not is_brief or choice.action == "BUY" or after.shown is not None:
        said = tuple(map(_contribution, now.parts, pinned.weights))
    return Decision(
        decision_id=decision_id(strategy.strategy_id, occasion.asset, occasion.as_of),
        strategy_id=strategy.strategy_id,
        user_id=strategy.user_id,
        strategy_version=strategy.version,
        asset=occasion.asset,
        as_of=occasion.as_of,
        cycle=occasion.cycle,
        cycle_size=cycle_size,
        trigger=occasion.trigger,
        request_id=occasion.request_id,
        final_score=choice.final_score,
        action=choice.action,
        fused_action=choice.fused_action,
        override=choice.override,
        trace=() if is_brief else trace(pinned, now.seen, choice, sizing),
        contributions=said,
        price_usd=now.price_usd,
        price_at=now.price_at,
        spread_bps=now.spread_bps,
        position=after.shown,
        sentiment_confidence=now.sentiment_confidence,
        trend_strength=now.trend_strength,
        data_freshness=data_freshness(pinned, now.fresh),
        daily_returns=now.daily_returns,
        returns_until=now.returns_until,
        portfolio_value_usd=strategy.portfolio_value_usd,
        kelly=strategy.kelly,
        kelly_share=strategy.kelly_share,
        features=now.features,
        detail=dict(sorted({**now.detail, **lacking}.items())) if lacking else now.detail,
        settings=settings,
        inputs=(*now.before, *_place(pinned), *now.after),
    )


def _place(pinned: Pinned) -> tuple[InputPosition, ...]:
    """Return where the strategy stands in the log; the one that a request brings stands there."""
    if pinned.offset == NOWHERE:
        return ()
    return (InputPosition(STRATEGIES.name, _STRATEGY_PARTITION, pinned.offset),)


def _of_the_book(seen: View) -> dict[str, float]:
    """Return what fills ask for: the features of the liquidity engine."""
    one = seen.held[_LIQUIDITY]
    return one.features if one is not None and seen.usable[_LIQUIDITY] else {}


def atr_of(seen: View, timeframe: str) -> float | None:
    """Return ATR 14 of a timeframe in USD; None where it is not known."""
    return _feature_of(seen, _TECHNICAL, f"ATR14@{timeframe}")


def _feature_of(seen: View, index: int, name: str) -> float | None:
    one = seen.held[index]
    return one.features.get(name) if one is not None and seen.usable[index] else None


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
