"""The confidence agent: a strategy's decisions in, its signals with sizes and its rankings out.

Its one input, signals.decisions, has in one order all that happens to a strategy. So its state is
a fold over that log, and a replay of it needs nothing else.

* A **decision** becomes a signal of the same id, sized by the strategy's model portfolio, which it
  marks and trades with (`trading`). One of a cycle is also ranked.
* **cycle_end** closes the cycle in the ranking. With every cycle that closes the equity goes out.
  A decision of a cycle that is closed, of an asset that came late, has its signal and its trade; it
  is not ranked, and the equity of the next cycle shows it.
* **deposit**, **withdrawal** and **reset** change the portfolio's capital.
* An answer to a request is sized like any other, and trades nothing.

Repetitions: a record that was applied changes nothing, and nothing goes out: its signal is out, and
a size by the portfolio of now would be another one.
"""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.scores import InputPosition
from schemas.signals import Decision, PortfolioTrade, RankedSignal, Signal
from schemas.topics import DECISIONS, EQUITY, SIGNALS, TOP, TRADES
from streams.confidence import ranking, trading
from streams.confidence.portfolio import Portfolio, equity
from streams.confidence.position_sizing import Sizing
from streams.confidence.ranking import OpenCycle, Ranking
from streams.stage import Output, Position, Tables


class StrategyState(msgspec.Struct, frozen=True, gc=False):
    """All that the agent knows of a strategy.

    ranking    the cycles that are open or were last closed
    portfolio  cash, positions and all else of the model portfolio
    """

    ranking: Ranking = Ranking()
    portfolio: Portfolio = Portfolio()


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
        config: trading.Config | None = None,
        places: ranking.Config | None = None,
        settings: str | None = None,
    ) -> None:
        self.trading = config or trading.Config()
        self.ranking = places or ranking.Config()
        self.settings = settings

    def initial(self) -> StrategyState:
        """Return the state of a strategy without decisions."""
        return StrategyState()

    def step(self, state: StrategyState, event: Any, position: Position, tables: Tables) -> Step:
        """Apply a decision, the end of a cycle, or what else happens to the portfolio."""
        record: Decision = event
        place = InputPosition(position.topic, position.partition, position.offset)
        if record.kind == "decision":
            return self._decided(state, record, place)
        if record.kind == "cycle_end":
            ended, closing = ranking.end(self.ranking, state.ranking, record.cycle or 0)
            after = StrategyState(ended, state.portfolio)
            return after, _closed(after.portfolio, record, place, closing)
        changed = trading.change_capital(self.trading, state.portfolio, record, place)
        if changed.equity is None:
            return state, ()
        after = StrategyState(state.ranking, changed.portfolio)
        return after, (
            *_trades(changed.trades),
            Output(EQUITY.name, record.strategy_id, changed.equity),
        )

    def _decided(self, state: StrategyState, decision: Decision, place: InputPosition) -> Step:
        traded = trading.trade(self.trading, state.portfolio, decision, place)
        if traded.sizing is None:
            return state, ()
        signal = make_signal(decision, traded.sizing, place, self.settings)
        sent = (Output(SIGNALS.name, decision.asset, signal), *_trades(traded.trades))
        if decision.cycle is None:
            return StrategyState(state.ranking, traded.portfolio), sent
        ranked, closing = ranking.add(
            self.ranking, state.ranking, decision.cycle, decision.cycle_size, _entry(signal)
        )
        closed = _closed(traded.portfolio, decision, place, closing)
        return StrategyState(ranked, traded.portfolio), (*sent, *closed)


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
        held_size=sizing.held_size,
        price_at=decision.price_at,
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


def _trades(trades: tuple[PortfolioTrade, ...]) -> tuple[Output, ...]:
    return tuple(Output(TRADES.name, one.strategy_id, one) for one in trades)


def _closed(
    portfolio: Portfolio, record: Decision, place: InputPosition, closing: tuple[OpenCycle, ...]
) -> tuple[Output, ...]:
    """Return the ranking of each cycle that closes with a record, and the equity at its end."""
    strategy_id = record.strategy_id
    sent = []
    for one in closing:
        worth = equity(portfolio, strategy_id, "cycle", record.as_of, one.cycle, (place,))
        sent.append(Output(TOP.name, strategy_id, ranking.top(strategy_id, one)))
        sent.append(Output(EQUITY.name, strategy_id, worth))
    return tuple(sent)
