"""The confidence agent: a strategy's decisions in, its signals with sizes and its rankings out.

Its one input, signals.decisions, has in one order all that happens to a strategy. So its state is
a fold over that log, and a replay of it needs nothing else.

* A **decision** becomes a signal of the same id. One of a cycle is also ranked.
* **cycle_end** closes the cycle in the ranking.
* An answer to a request is sized like any other, and changes nothing.

Repetitions: a decision that is not newer than the asset's last one changes nothing, and nothing
goes out: its signal is out. An answer to a request goes out again, as the same signal.
"""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.scores import InputPosition
from schemas.signals import Decision, RankedSignal, Signal
from schemas.times import DAY_MS
from schemas.topics import DECISIONS, SIGNALS, TOP
from streams.confidence import position_sizing, ranking
from streams.confidence.position_sizing import Sizing
from streams.confidence.ranking import OpenCycle, Ranking
from streams.stage import Output, Position, Tables

_REMEMBERED_MS = DAY_MS
"""An asset of which nothing has been decided for so long is forgotten when another one comes."""


class StrategyState(msgspec.Struct, frozen=True, gc=False):
    """All that the agent knows of a strategy.

    ranking  the cycles that are open or were last closed
    decided  as_of of the last decision, by asset
    """

    ranking: Ranking = Ranking()
    decided: dict[str, int] = {}


Step = tuple[StrategyState, tuple[Output, ...]]


class ConfidenceStage:
    """The confidence agent as a stage; its state is that of one strategy.

    `settings` is the version of the constants, which each signal names.
    """

    name = "confidence"
    inputs = (DECISIONS.name,)
    state_type = StrategyState

    def __init__(
        self,
        sizing: position_sizing.Config | None = None,
        places: ranking.Config | None = None,
        settings: str | None = None,
    ) -> None:
        self.sizing = sizing or position_sizing.Config()
        self.ranking = places or ranking.Config()
        self.settings = settings

    def initial(self) -> StrategyState:
        """Return the state of a strategy without decisions."""
        return StrategyState()

    def step(self, state: StrategyState, event: Any, position: Position, tables: Tables) -> Step:
        """Apply a decision, the end of a cycle, or what else happens to the portfolio."""
        decision: Decision = event
        place = InputPosition(position.topic, position.partition, position.offset)
        if decision.kind == "decision":
            return self._decided(state, decision, place)
        if decision.kind == "cycle_end" and decision.cycle is not None:
            ended, closing = ranking.end(self.ranking, state.ranking, decision.cycle)
            after = msgspec.structs.replace(state, ranking=ended)
            return after, _tops(decision.strategy_id, closing)
        return state, ()

    def _decided(self, state: StrategyState, decision: Decision, place: InputPosition) -> Step:
        asset = decision.asset
        if decision.trigger == "request":
            _, signal, _ = self.sized(state, decision, place)
            return state, (Output(SIGNALS.name, asset, signal),)
        if decision.as_of <= state.decided.get(asset, -1):
            return state, ()
        after, signal, outputs = self.sized(state, decision, place)
        sent = (Output(SIGNALS.name, asset, signal), *outputs)
        decided = _with(after.decided, asset, decision.as_of)
        if decision.cycle is None:
            return StrategyState(after.ranking, decided), sent
        ranked, closing = ranking.add(
            self.ranking, after.ranking, decision.cycle, decision.cycle_size, _entry(signal)
        )
        return StrategyState(ranked, decided), (*sent, *_tops(decision.strategy_id, closing))

    def sized(
        self, state: StrategyState, decision: Decision, place: InputPosition
    ) -> tuple[StrategyState, Signal, tuple[Output, ...]]:
        """Return the state with the decision taken, its signal, and what else goes out.

        `place` is where the decision stands in the log.
        """
        sizing = position_sizing.size(self.sizing, decision)
        return state, make_signal(decision, sizing, place, self.settings), ()


def make_signal(
    decision: Decision, sizing: Sizing, place: InputPosition, settings: str | None
) -> Signal:
    """Return the signal of a decision that stands at `place` in the log."""
    held, detail = decision.position, decision.detail
    if sizing.detail:
        detail = dict(sorted({**detail, **sizing.detail}.items()))
    return Signal(
        signal_id=decision.decision_id,
        strategy_id=decision.strategy_id,
        user_id=decision.user_id,
        asset=decision.asset,
        as_of=decision.as_of,
        cycle=decision.cycle,
        trigger=decision.trigger,
        request_id=decision.request_id,
        final_score=decision.final_score,
        action=decision.action,
        fused_action=decision.fused_action,
        override=decision.override,
        confidence=sizing.confidence,
        contributions=decision.contributions,
        entry_price_usd=decision.price_usd,
        position_size=sizing.size,
        position_value_usd=sizing.value_usd,
        stop_loss_usd=None if held is None else held.stop_loss_usd,
        take_profit_usd=None if held is None else held.take_profit_usd,
        sizing=sizing.terms,
        features=decision.features,
        detail=detail,
        settings=settings,
        inputs=(*decision.inputs, place),
        strategy_version=decision.strategy_version,
        trace=decision.trace,
        trailing_stop_usd=None if held is None else held.trailing_stop_usd,
        entered_at=None if held is None else held.entered_at,
    )


def _entry(signal: Signal) -> RankedSignal:
    return RankedSignal(
        0,
        signal.signal_id,
        signal.asset,
        signal.action,
        signal.final_score,
        signal.confidence,
    )


def _tops(strategy_id: str, closing: tuple[OpenCycle, ...]) -> tuple[Output, ...]:
    return tuple(Output(TOP.name, strategy_id, ranking.top(strategy_id, one)) for one in closing)


def _with(decided: dict[str, int], asset: str, as_of: int) -> dict[str, int]:
    """Return the moments with that of an asset; those of a day ago make room for a new asset."""
    if asset not in decided:
        decided = {name: at for name, at in decided.items() if at > as_of - _REMEMBERED_MS}
    return {**decided, asset: as_of}
