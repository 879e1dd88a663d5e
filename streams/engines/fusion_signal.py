"""The signal of one decision, with everything that led to it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from schemas.engines import ENGINES
from schemas.scores import InputPosition
from schemas.signals import Contribution, RankEntry, Signal
from streams.engines import confidence
from streams.engines.fusion_decision import (
    Decision,
    View,
    data_freshness,
    features,
    price_usd,
)
from streams.engines.fusion_state import ENGINE_INDEX, Held, Pinned
from streams.topics import SCORES, STRATEGIES

_SENTIMENT, _TECHNICAL = ENGINE_INDEX["sentiment"], ENGINE_INDEX["technical"]
_STRATEGY_PARTITION = 0


@dataclass(frozen=True, slots=True)
class Occasion:
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


def signal_id(strategy_id: str, asset: str, as_of: int) -> str:
    """Return 32 hex digits that are a function of strategy, asset and time."""
    return blake2b(f"{strategy_id}|{asset}|{as_of}".encode(), digest_size=16).hexdigest()


def build(
    occasion: Occasion, pinned: Pinned, seen: View, decision: Decision, sizing: confidence.Config
) -> Signal:
    """Return the signal of a strategy's decision."""
    strategy = pinned.strategy
    entry_price_usd = price_usd(seen)
    known = features(seen)
    conviction = confidence.Conviction(
        _confidence_of(seen, _SENTIMENT), abs(seen.values[_TECHNICAL]), data_freshness(pinned, seen)
    )
    sized = confidence.size(
        sizing, strategy, occasion.asset, decision.action, entry_price_usd, conviction, known
    )
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
        contributions=_contributions(occasion.as_of, pinned, seen),
        entry_price_usd=entry_price_usd,
        position_size=sized.size,
        position_value_usd=sized.value_usd,
        stop_loss_usd=sized.stop_loss_usd,
        take_profit_usd=sized.take_profit_usd,
        sizing=sized.terms,
        features=known,
        detail=dict(sorted((_detail(seen) | sized.detail).items())),
        inputs=_inputs(occasion, pinned, seen),
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


def _contributions(as_of: int, pinned: Pinned, seen: View) -> tuple[Contribution, ...]:
    parts = []
    for index, engine in enumerate(ENGINES):
        one, weight = seen.held[index], pinned.weights[index]
        if one is None:
            parts.append(Contribution(engine, "missing", 0.0, 0.0, weight, 0.0))
            continue
        parts.append(
            Contribution(
                engine,
                _status(one, usable=seen.usable[index]),
                one.score,
                one.confidence,
                weight,
                weight * seen.values[index],
                None if one.data_time is None else as_of - one.data_time,
                one.offset,
            )
        )
    return tuple(parts)


def _status(one: Held, *, usable: bool) -> str:
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
    return detail


def _inputs(occasion: Occasion, pinned: Pinned, seen: View) -> tuple[InputPosition, ...]:
    """Return every position behind the signal: topic, partition and offset, in that order."""
    places = {(SCORES.name, occasion.partition, one.offset) for one in seen.held if one is not None}
    places.add((STRATEGIES.name, _STRATEGY_PARTITION, pinned.offset))
    places |= {(place.topic, place.partition, place.offset) for place in occasion.extra}
    return tuple(InputPosition(*place) for place in sorted(places))
