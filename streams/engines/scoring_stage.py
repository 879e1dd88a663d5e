"""A scoring engine as a stage: when a score goes out, and what an EngineScore carries."""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.market import TrendingAsset
from schemas.scores import EngineScore
from schemas.topics import SCORES, TRENDING
from streams.engines.base import Engine
from streams.engines.indicators.library import is_loaded
from streams.engines.wanted import NOTHING, WantedIndicators
from streams.stage import Output, Position, Tables

_SCORES = SCORES.name


class ScoringState(msgspec.Struct, frozen=True, gc=False):
    """The engine's state, the score it last published (None: none yet), and its clock.

    `clock_ms` is the newest observed_at applied: records of two topics may come in either order,
    but a score is never older than the newest record behind it.
    """

    engine: Any
    last_score: float | None = None
    clock_ms: int = 0


class ScoringStage:
    """Publishes a score at every tick; in between when it has moved by `engine.min_change`.

    `settings` is the version of the constants, which each score names.
    """

    def __init__(self, engine: Engine[Any, Any], settings: str | None = None) -> None:
        self.engine = engine
        self._wanted = WantedIndicators()
        self.settings = settings
        self.name = engine.name
        self.inputs = tuple(dict.fromkeys((TRENDING.name, engine.topic)))
        self.state_type: Any = msgspec.defstruct(
            f"{engine.name}_state",
            [
                ("engine", engine.state_type),
                ("last_score", float | None, None),
                ("clock_ms", int, 0),
            ],
            bases=(ScoringState,),
            frozen=True,
            gc=False,
        )

    def initial(self) -> ScoringState:
        """Return the state of an asset never seen."""
        state: ScoringState = self.state_type(self.engine.initial(self.engine.config))
        return state

    def must_load(self, tables: Tables) -> bool:
        """Return whether the next step imports the library of indicators, half a second long."""
        return self.engine.want is not None and self._wanted.is_any(tables) and not is_loaded()

    def step(
        self, state: ScoringState, event: Any, position: Position, tables: Tables
    ) -> tuple[ScoringState, tuple[Output, ...]]:
        """Apply a market event or a tick; the score is as of the newest event applied."""
        engine, before, clock_ms = self.engine, state.engine, state.clock_ms
        core = engine.update(engine.config, before, event, position.offset)
        wanted = NOTHING
        if engine.want is not None:
            wanted = self._wanted.of(tables, event.asset)
            core = engine.want(engine.config, core, wanted, event)
        is_tick = type(event) is TrendingAsset
        if core is before and not is_tick:
            return state, ()
        now = event.observed_at
        now = max(now, clock_ms)
        reading = engine.read(engine.config, core, now)
        last, value = state.last_score, reading.score
        if (
            last is not None
            and not is_tick
            and -engine.min_change < value - last < engine.min_change
        ):
            return self.state_type(core, last, now), ()
        asset, inputs = event.asset, position.inputs()
        if wanted.place is not None:  # the features depend on the strategies
            inputs = (*inputs, wanted.place)
        score = EngineScore(
            asset=asset,
            engine=self.name,
            status="ok",
            cycle=event.cycle if is_tick else None,
            cycle_size=event.cycle_size if is_tick else 0,
            as_of=now,
            sequence=position.sequence(),
            score=value,
            confidence=reading.confidence,
            freshness=reading.freshness,
            data_time=reading.data_time,
            price_usd=reading.price_usd,
            features=reading.features,
            evidence=reading.evidence,
            detail=reading.detail,
            settings=self.settings,
            inputs=inputs,
            daily_returns=reading.daily_returns,
            returns_until=reading.returns_until,
            price_at=reading.price_at,
        )
        return self.state_type(core, value, now), (Output(_SCORES, asset, score),)
