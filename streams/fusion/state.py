"""What fusion remembers of one asset between two records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from schemas.control import Strategy, effective_weights
from schemas.engines import ENGINES
from schemas.scores import EngineScore
from streams.fusion.position import Holding
from streams.stage import StrategyAt

ENGINE_INDEX = {engine: index for index, engine in enumerate(ENGINES)}
ALL_ANSWERED = (1 << len(ENGINES)) - 1


class LatestScore(msgspec.Struct, frozen=True, gc=False):
    """The newest score of one engine: what fusion needs of it, and where it stands in the log.

    `missing` when the watchdog's record was the last; `sequence` is then still that of the last
    real score (-1: none yet): a repetition of it stays one. `cycle` is the last one answered.
    `daily_returns` and `returns_until` are those of the score.
    """

    missing: bool
    offset: int
    sequence: int
    cycle: int
    as_of: int
    score: float
    confidence: float
    freshness: float
    data_time: int | None
    price_usd: float | None
    features: dict[str, float]
    detail: dict[str, str]
    daily_returns: tuple[float, ...] = ()
    returns_until: int | None = None
    price_at: int = 0


class PendingCycle(msgspec.Struct, frozen=True, gc=False):
    """A cycle that some engines have answered: bit i of `answered` is engine i."""

    cycle: int
    size: int
    answered: int


class Pinned(msgspec.Struct, frozen=True, gc=False):
    """A version of a strategy, and where it stands in the asset.

    weights     in engine order
    action      the last one decided; "": none yet
    since_ms    when that became its action
    waiting     an action that the thresholds say and hysteresis keeps back; "": none
    waiting_ms  since when they say it
    holding     its position, None: not in the asset
    """

    strategy: Strategy
    offset: int
    weights: tuple[float, ...]
    action: str
    since_ms: int = 0
    waiting: str = ""
    waiting_ms: int = 0
    holding: Holding | None = None


class FusionState(msgspec.Struct, frozen=True, gc=False):
    """All that fusion knows of an asset.

    held        newest score by engine, in the order of the engines; None: none yet
    pending     cycles that wait for answers, oldest first
    emitted     the newest cycle whose decisions went out, -1: none
    pinned      the strategies of that cycle, by id, in their newest version seen since
    clock_ms    the newest as_of of any score
    decided_ms  as_of of the last decisions, -1: none; the next ones are later
    last_risk   event risk's last score before the watchdog's record took its place
    """

    held: tuple[LatestScore | None, ...] = (None,) * len(ENGINES)
    pending: tuple[PendingCycle, ...] = ()
    emitted: int = -1
    pinned: tuple[Pinned, ...] = ()
    clock_ms: int = 0
    decided_ms: int = -1
    last_risk: LatestScore | None = None


def pending_cycle(state: FusionState, cycle: int) -> PendingCycle | None:
    """Return a cycle that waits for answers; None: it does not."""
    for one in state.pending:
        if one.cycle == cycle:
            return one
    return None


def with_held(state: FusionState, index: int, held: LatestScore) -> FusionState:
    """Return the state with an engine's newest score, and the clock that goes with it."""
    after = list(state.held)
    after[index] = held
    return FusionState(
        tuple(after),
        state.pending,
        state.emitted,
        state.pinned,
        held.as_of if held.as_of > state.clock_ms else state.clock_ms,
        state.decided_ms,
        state.last_risk,
    )


def with_parts(
    state: FusionState,
    *,
    pending: tuple[PendingCycle, ...] | None = None,
    pinned: Sequence[Pinned] | None = None,
    decided_ms: int | None = None,
) -> FusionState:
    """Return the state with some parts in place of its own; None: its own."""
    return FusionState(
        state.held,
        state.pending if pending is None else pending,
        state.emitted,
        state.pinned if pinned is None else tuple(pinned),
        state.clock_ms,
        state.decided_ms if decided_ms is None else decided_ms,
        state.last_risk,
    )


def next_as_of(state: FusionState, now_ms: int) -> int:
    """Return the moment, or 1 ms after the last decisions of the asset: ids must never collide."""
    return max(now_ms, state.decided_ms + 1)


def latest_score(score: EngineScore, offset: int, before: LatestScore | None) -> LatestScore:
    """Return what is kept of a score that was just read."""
    cycle = score.cycle
    if cycle is None:
        cycle = -1 if before is None else before.cycle
    return LatestScore(
        False,
        offset,
        score.sequence,
        cycle,
        score.as_of,
        score.score,
        score.confidence,
        score.freshness,
        score.data_time,
        score.price_usd,
        score.features,
        score.detail,
        score.daily_returns,
        score.returns_until,
        score.as_of if score.price_at is None else score.price_at,
    )


def latest_missing(score: EngineScore, offset: int, before: LatestScore | None) -> LatestScore:
    """Return what is kept when an engine was written off for a cycle."""
    sequence = -1 if before is None else before.sequence
    cycle = -1 if score.cycle is None else score.cycle
    return LatestScore(
        True, offset, sequence, cycle, score.as_of, 0.0, 0.0, 0.0, None, None, {}, score.detail
    )


def pin(at: StrategyAt, action: str) -> Pinned:
    """Return a strategy with its weights spelled out."""
    weights = tuple(effective_weights(at.strategy).values())
    return Pinned(at.strategy, at.offset, weights, action)


def as_it_stands(at: StrategyAt, before: Pinned | None) -> Pinned:
    """Return a strategy where it stood before; the same object if nothing about it changed."""
    if before is not None and before.strategy is at.strategy and before.offset == at.offset:
        return before
    return carried(pin(at, ""), before)


def carried(fresh: Pinned, before: Pinned | None) -> Pinned:
    """Return a version of a strategy that stands where an earlier one stood; None: nowhere yet."""
    if before is None:
        return fresh
    return Pinned(
        fresh.strategy,
        fresh.offset,
        fresh.weights,
        before.action,
        before.since_ms,
        before.waiting,
        before.waiting_ms,
        before.holding,
    )


def renewed(before: Pinned, strategies: Mapping[str, StrategyAt], asset: str) -> Pinned | None:
    """Return a strategy in its newest version; the same object where nothing about it changed.

    None: it does not watch the asset any more.
    """
    at = strategies.get(before.strategy.strategy_id)
    if at is None:
        return None
    if at.offset <= before.offset or at.strategy == before.strategy:
        return before
    return carried(pin(at, ""), before) if watches(at.strategy, asset) else None


def migrate_state(state: FusionState) -> FusionState:
    """Return a state that was stored when there were fewer engines, with room for the new ones."""
    lacking = len(ENGINES) - len(state.held)
    if lacking <= 0:
        return state
    return msgspec.structs.replace(
        state,
        held=(*state.held, *(None,) * lacking),
        pinned=tuple(
            carried(pin(StrategyAt(one.strategy, one.offset), ""), one) for one in state.pinned
        ),
    )


def strategies_for(strategies: Mapping[str, StrategyAt], asset: str) -> list[StrategyAt]:
    """Return the active strategies that watch an asset, by id."""
    return [at for _, at in sorted(strategies.items()) if watches(at.strategy, asset)]


def watches(strategy: Strategy, asset: str) -> bool:
    """Return whether a strategy is active and watches an asset."""
    return strategy.active and (not strategy.assets or asset in strategy.assets)


def cycle_size(strategy: Strategy, size: int) -> int:
    """Return how many decisions a strategy may expect of a cycle of `size` assets.

    A strategy with a list expects as many as it lists. One listed asset that is not trending never
    comes; such a cycle of the strategy is closed by its cycle_end.
    """
    return min(len(set(strategy.assets)), size) if strategy.assets else size
