"""Stages under test, each with the records that it reads: a scoring stage, fusion, confidence."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from schemas.market import Candle
from streams.confidence.confidence_stage import ConfidenceStage
from streams.engines.base import Engine, EngineReading
from streams.engines.scoring_stage import ScoringStage
from streams.fusion.fusion_stage import FusionStage
from streams.stage import EMPTY_TABLES, Stage, StrategyAt, Tables
from tests import factories
from tests.factories import CYCLE_MS, HOUR_MS, START_MS

ASSETS = ("BTC", "ETH", "SOL")


class Count(msgspec.Struct, frozen=True):
    """How many candles came, and their closes added up: the order does not matter."""

    candles: int = 0
    total_usd: float = 0.0


def _update(config: None, state: Count, event: Any, offset: int) -> Count:
    if type(event) is not Candle:
        return state
    if event.close == 13.0:
        msg = "thirteen"
        raise ZeroDivisionError(msg)
    return Count(state.candles + 1, state.total_usd + event.close)


def _read(config: None, state: Count, now_ms: int) -> EngineReading:
    return EngineReading(state.candles / 100.0, 1.0, 1.0, features={"total": state.total_usd})


COUNTING = ScoringStage(
    Engine("technical", "market.candles", None, Count, lambda _: Count(), _update, _read, 0.0)
)
"""A scoring stage that has an answer to every candle and every tick."""


class Scene(NamedTuple):
    """A stage, what it looks up, and its input in the order of arrival."""

    stage: Stage
    tables: Tables
    events: tuple[msgspec.Struct, ...]


def _market() -> tuple[msgspec.Struct, ...]:
    events: list[msgspec.Struct] = []
    for number in range(4):
        close_ms = START_MS + number * HOUR_MS
        for asset in ASSETS:
            events.append(factories.candle(asset, close_ms, price=float(number + 1)))
            events.append(factories.tick(asset, close_ms + 1))
    return tuple(events)


def _scores() -> tuple[msgspec.Struct, ...]:
    return tuple(
        score
        for number in range(2)
        for asset in ASSETS
        for score in factories.answers(cycle=START_MS + number * CYCLE_MS, asset=asset)
    )


def _decisions() -> tuple[msgspec.Struct, ...]:
    return tuple(
        factories.decision(name, asset, as_of=start_ms, cycle=start_ms, cycle_size=3)
        for start_ms in range(START_MS, START_MS + 3 * CYCLE_MS, CYCLE_MS)
        for asset in ASSETS
        for name in ("balanced", "careful", "bold")
    )


_STRATEGIES = {name: StrategyAt(factories.strategy(name), 0) for name in ("balanced", "careful")}
SCENES = {
    "scoring": Scene(COUNTING, EMPTY_TABLES, _market()),
    "fusion": Scene(FusionStage(), Tables(_STRATEGIES), _scores()),
    "confidence": Scene(ConfidenceStage(), EMPTY_TABLES, _decisions()),
}
