"""Fusion in a replay that keeps no scores: readings go in, signals come out.

A reading that cannot turn an action waits; the asset's state hears of it together with the next
record that matters. What comes out is the same as if each had been heard at once.
"""

from __future__ import annotations

from typing import Any

import msgspec

from streams.engines.base import EngineReading
from streams.fusion.no_change_band import Calm, calm_of
from streams.fusion.stage import FusionStage, with_held
from streams.fusion.state import FusionState, LatestScore, hold_reading
from streams.stage import Output, Position, Tables


class Spoken(msgspec.Struct, frozen=True, gc=False):
    """What an engine said of an asset: its place among the engines, when, and as which score.

    `cycle` and `size` are those of the tick that it answers, None and 0 between ticks.
    """

    engine: int
    reading: EngineReading
    as_of: int
    partition: int
    offset: int
    cycle: int | None
    size: int


class Fused:
    """Fusion's states by asset."""

    def __init__(self, stage: FusionStage) -> None:
        self._stage = stage
        self._states: dict[str, FusionState] = {}
        self._calm: dict[str, Calm] = {}
        self._waiting: dict[str, Spoken] = {}
        self._last: dict[str, int] = {}

    def step(self, asset: str, event: Any, place: Position, tables: Tables) -> tuple[Output, ...]:
        """Apply a score or a request; raises UnusableEventError as the stage does."""
        state = self._state(asset)
        self._states[asset], outputs = self._stage.step(state, event, place, tables)
        return outputs

    def hear(self, asset: str, spoken: Spoken, tables: Tables) -> tuple[Output, ...]:
        """Apply a reading; of two that wait for each other's sake only the newer one counts."""
        index, reading, cycle = spoken.engine, spoken.reading, spoken.cycle
        calm = self._calm.get(asset)
        if (
            calm is not None
            and calm.index == index
            and cycle is None
            and calm.low < reading.score < calm.high
            and spoken.as_of <= calm.until_ms
            and reading.freshness > 0.0
        ):
            self._waiting[asset] = spoken
            return ()
        state = self._state(asset)
        state, outputs = self._stage.apply_score(
            state,
            _held(spoken, state),
            index,
            asset,
            spoken.partition,
            cycle,
            spoken.size,
            tables,
        )
        self._states[asset] = state
        if cycle is None:
            self._settle(asset, state, index)
        return outputs

    def _settle(self, asset: str, state: FusionState, index: int) -> None:
        """Look how calm it is, once an engine has spoken twice: it will go on alone."""
        if self._last.get(asset) == index:
            calm = calm_of(state, index, self._stage.config.stale_after_ms)
            if calm is not None:
                self._calm[asset] = calm
        self._last[asset] = index

    def _state(self, asset: str) -> FusionState:
        """Return the state with what waited; whatever comes now may end the calm."""
        state = self._states.get(asset) or self._stage.initial()
        self._calm.pop(asset, None)
        waiting = self._waiting.pop(asset, None)
        if waiting is None:
            return state
        return with_held(state, waiting.engine, _held(waiting, state))


def _held(spoken: Spoken, state: FusionState) -> LatestScore:
    before = state.held[spoken.engine]
    return hold_reading(spoken.reading, spoken.cycle, spoken.as_of, spoken.offset, before)
