"""Fusion: joins the engines' scores of an asset into one decision per strategy.

When decisions go out
* **cycle**: all engines have answered the asset's tick, or were written off as missing.
  Then the strategies that watch the asset are looked up again and pinned.
* **change**: a score between cycles, or one that came after its cycle was out, turns the action of
  a pinned strategy into another than the one last sent. All others pass in silence.
  A stop, a target, a trailing stop or the age of a position turns it at once, also amid the answers
  to a cycle.
  A new version of a pinned strategy rules from the next score between cycles on, and its first
  decision goes out whatever it is; so does the last one of a strategy that watches the asset no
  more. The log alone then shows which version ruled at each score (input in control.strategies).
* **request**: at once, with the strategy as it is now. It changes no position and no hysteresis.
* **dry_run**: likewise, with the strategy that the request brings.

Cycles may overlap. A cycle waits until its last answer or missing record comes; when a newer cycle
is complete first, the older one is overtaken and never goes out (its cycle_end closes it), and
so is the oldest of more than `max_pending` waiting ones.

Repetitions: a score whose `sequence` is not above the engine's last one changes nothing; neither
does a missing record of an engine that has answered, or of a cycle that is out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter, is_not
from typing import Any

from msgspec.structs import replace

from schemas.control import SignalRequest
from schemas.scores import EngineScore, InputPosition
from schemas.topics import DECISIONS, REQUESTS, SCORES
from streams.confidence import position_sizing
from streams.constants import Count
from streams.fusion.choice import LEAVES, Choice, choose, looked, settled, unwatched, watched
from streams.fusion.decision_builder import DecisionContext, Trigger, atr_of, build, moment
from streams.fusion.state import (
    ALL_ANSWERED,
    ENGINE_INDEX,
    FusionState,
    PendingCycle,
    Pinned,
    as_it_stands,
    cycle_size,
    latest_missing,
    latest_score,
    migrate_state,
    next_as_of,
    pending_cycle,
    renewed,
    strategies_for,
    with_held,
    with_parts,
)
from streams.fusion.view import EVENT_RISK, View, view
from streams.stage import NOWHERE, Output, Position, StrategyAt, Tables, UnusableEventError

_cycle = attrgetter("cycle")
_GONE = -1  # in place of the place of a strategy that stays

Step = tuple[FusionState, tuple[Output, ...]]


class BadRequestError(UnusableEventError):
    """A request that names no active strategy; it goes to the dead letters with this text."""


@dataclass(frozen=True, slots=True)
class Config:
    """Constants of fusion."""

    stale_after_ms: Count = 1_200_000
    """A score whose as_of is older than this counts as stale: two cycles."""
    max_pending: Count = 3
    """Cycles of one asset that may wait for answers at the same time."""


class FusionStage:
    """Fusion as a stage; its state is that of one asset.

    `settings` is the version of the constants, which each decision names.
    """

    name = "fusion"
    inputs = (SCORES.name, REQUESTS.name)
    state_type = FusionState

    def __init__(
        self,
        config: Config | None = None,
        sizing: position_sizing.Config | None = None,
        settings: str | None = None,
    ) -> None:
        self.settings = settings
        self.config = config or Config()
        self.sizing = sizing or position_sizing.Config()

    def initial(self) -> FusionState:
        """Return the state of an asset never seen."""
        return FusionState()

    def step(self, state: FusionState, event: Any, position: Position, tables: Tables) -> Step:
        """Apply a score or a request.

        Raises BadRequestError for a request that names no active strategy.
        """
        if len(state.held) < len(ENGINE_INDEX):
            state = migrate_state(state)
        if type(event) is SignalRequest:
            return self._request(state, event, position, tables)
        score: EngineScore = event
        index = ENGINE_INDEX[score.engine]
        before = state.held[index]
        if score.status == "missing":
            return self._missing(state, score, position, tables)
        if before is not None and score.sequence <= before.sequence:
            return state, ()
        moved = with_held(state, index, latest_score(score, position.offset, before))
        asset, partition, cycle = score.asset, position.partition, score.cycle
        if cycle is None:
            return self._look(moved, asset, partition, tables.strategies)
        if cycle <= state.emitted:
            return self._look(moved, asset, partition)
        return self._answer(moved, index, asset, partition, cycle, score.cycle_size, tables)

    def _missing(
        self, state: FusionState, score: EngineScore, position: Position, tables: Tables
    ) -> Step:
        """Write an engine off for a cycle, unless it has answered or the cycle is out."""
        index, cycle = ENGINE_INDEX[score.engine], score.cycle
        if cycle is None or cycle <= state.emitted:
            return state, ()
        waiting = pending_cycle(state, cycle)
        if waiting is not None and waiting.answered >> index & 1:
            return state, ()
        before = state.held[index]
        if before is None or before.cycle < cycle:
            if index == EVENT_RISK and before is not None and not before.missing:
                state = replace(state, last_risk=before)
            state = with_held(state, index, latest_missing(score, position.offset, before))
        asset, partition, size = score.asset, position.partition, score.cycle_size
        return self._answer(state, index, asset, partition, cycle, size, tables)

    def _answer(
        self,
        state: FusionState,
        index: int,
        asset: str,
        partition: int,
        cycle: int,
        size: int,
        tables: Tables,
    ) -> Step:
        """Count an answer to a cycle; the last one sends the cycle's decisions."""
        before = pending_cycle(state, cycle) or PendingCycle(cycle, 0, 0)
        waiting = PendingCycle(cycle, max(before.size, size), before.answered | 1 << index)
        if waiting.answered == ALL_ANSWERED:
            return self._emit(state, waiting, asset, partition, tables)
        pending = [one for one in state.pending if one.cycle != cycle]
        pending.append(waiting)
        pending.sort(key=_cycle)
        state = with_parts(state, pending=tuple(pending[-self.config.max_pending :]))
        return self._look(state, asset, partition, leaving=True)

    def _emit(
        self, state: FusionState, done: PendingCycle, asset: str, partition: int, tables: Tables
    ) -> Step:
        """Pin the strategies of now and send one decision for each.

        The last one of a strategy that does not watch the asset any more goes first.
        """
        as_of = next_as_of(state, state.clock_ms)
        seen = self._view(state, state.clock_ms)
        before = {one.strategy.strategy_id: one for one in state.pinned}
        watching = strategies_for(tables.strategies, asset)
        ids = {at.strategy.strategy_id for at in watching}
        left = [one for name, one in before.items() if name not in ids]
        outputs = []
        if left:
            now = moment(Trigger(asset, as_of, "change", partition), seen)
            outputs = [self._sent(now, one, unwatched(one, seen))[0] for one in left]
        cycle = Trigger(asset, as_of, "cycle", partition, done.cycle, is_brief=tables.is_brief)
        now = moment(cycle, seen)
        pinned = []
        for at in watching:
            one = as_it_stands(at, before.get(at.strategy.strategy_id))
            choice, size = choose(one, seen, self.sizing), cycle_size(at.strategy, done.size)
            sent, after = self._sent(now, one, choice, size)
            outputs.append(sent)
            pinned.append(after)
        return FusionState(
            state.held,
            tuple(one for one in state.pending if one.cycle > done.cycle),
            done.cycle,
            tuple(pinned),
            state.clock_ms,
            as_of if outputs else state.decided_ms,
            state.last_risk,
        ), tuple(outputs)

    def _view(self, state: FusionState, now_ms: int) -> View:
        return view(state.held, now_ms, self.config.stale_after_ms, state.last_risk)

    def _sent(
        self, now: DecisionContext, one: Pinned, choice: Choice, cycle_size: int = 0
    ) -> tuple[Output, Pinned]:
        """Return the decision on its way, and where the strategy stands after it."""
        atr_usd = atr_of(now.seen, one.strategy.timeframe)
        after = settled(one, choice, now.seen, now.occasion.as_of, atr_usd)
        decision = build(now, one, choice, after, self.sizing, self.settings, cycle_size)
        return Output(DECISIONS.name, decision.strategy_id, decision), after.pinned

    def _look(
        self,
        state: FusionState,
        asset: str,
        partition: int,
        strategies: Mapping[str, StrategyAt] | None = None,
        *,
        leaving: bool = False,
    ) -> Step:
        """Fuse again at once; return decisions only where a strategy or its action changed.

        Without `strategies` these stay as they are pinned. With `leaving`, amid a cycle's answers:
        only where a stop, a target or the age says so.
        """
        pinned = state.pinned
        if not pinned or (leaving and all(one.holding is None for one in pinned)):
            return state, ()
        seen = self._view(state, state.clock_ms)
        after: list[Pinned] = []
        changed: list[tuple[Pinned, Choice, int]] = []
        for before in pinned:
            one = before if strategies is None else renewed(before, strategies, asset)
            if one is None:
                changed.append((before, unwatched(before, seen), _GONE))
                continue
            choice = choose(one, seen, self.sizing)
            turns = choice.action != one.action and (not leaving or choice.override in LEAVES)
            if turns or one is not before:
                changed.append((one, choice, len(after)))
            after.append(watched(one, seen) if leaving else looked(one, choice, seen))
        if not changed:
            moved = any(map(is_not, after, pinned))
            return (with_parts(state, pinned=after) if moved else state), ()
        as_of = next_as_of(state, state.clock_ms)
        now = moment(Trigger(asset, as_of, "change", partition), seen)
        outputs = []
        for one, choice, place in changed:
            sent, stands = self._sent(now, one, choice)
            outputs.append(sent)
            if place != _GONE:
                after[place] = stands
        return with_parts(state, pinned=after, decided_ms=as_of), tuple(outputs)

    def _request(
        self, state: FusionState, request: SignalRequest, position: Position, tables: Tables
    ) -> Step:
        """Answer with the strategy as it is now, and the scores as they are when it was asked.

        An asset without any score gets a HOLD whose detail names all engines as missing. Position
        and hysteresis are shown as they would stand, and stay as they are.
        """
        at = _asked_for(request, tables)
        now_ms = max(state.clock_ms, request.requested_at)
        as_of = next_as_of(state, now_ms)
        seen = self._view(state, now_ms)
        known = (one for one in state.pinned if one.strategy.strategy_id == request.strategy_id)
        asked = as_it_stands(at, next(known, None))
        choice = choose(asked, seen, self.sizing)
        place = InputPosition(position.topic, position.partition, position.offset)
        occasion = Trigger(
            request.asset,
            as_of,
            "request" if request.strategy is None else "dry_run",
            position.partition,
            request_id=request.request_id,
            extra=(place,),
        )
        sent, _ = self._sent(moment(occasion, seen), asked, choice)
        return with_parts(state, decided_ms=as_of), (sent,)


def _asked_for(request: SignalRequest, tables: Tables) -> StrategyAt:
    """Return the strategy that a request brings, else the stored one that it names."""
    own = request.own_strategy()
    if own is not None:
        return StrategyAt(own, NOWHERE)
    at = tables.strategies.get(request.strategy_id)
    if at is None or not at.strategy.active:
        active = sorted(key for key, one in tables.strategies.items() if one.strategy.active)
        msg = (
            f"request {request.request_id} asks for strategy {request.strategy_id!r}, which is "
            f"{'not active' if at is not None else 'unknown'}; active are {active}"
        )
        raise BadRequestError(msg)
    return at
