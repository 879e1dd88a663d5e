"""Builders of scores and strategies, and a fusion that is fed by hand."""

from __future__ import annotations

from typing import Any

from schemas.control import SignalRequest, Strategy
from schemas.scores import EngineScore
from schemas.signals import Decision, Signal
from streams.confidence.confidence_stage import ConfidenceStage
from streams.fusion.fusion_stage import FusionStage
from streams.stage import Entry, Output, Stage, StrategyAt, Tables, advance
from tests import factories

T0 = 1_700_000_400_000  # the start of a cycle
make_strategy = factories.strategy


def make_tables(*strategies: Strategy) -> Tables:
    """Build tables that hold the strategies, at their versions as offsets."""
    return Tables({one.strategy_id: StrategyAt(one, one.version) for one in strategies})


def make_score(engine: str, score: float = 0.0, **fields: Any) -> EngineScore:
    """Build a fresh score of BTC at T0, between cycles unless `cycle` is given."""
    return factories.score(engine, score, **{"as_of": T0, **fields})


def make_missing(engine: str, cycle: int, **fields: Any) -> EngineScore:
    """Build what the watchdog writes."""
    nothing: dict[str, Any] = {
        "confidence": 0.0,
        "freshness": 0.0,
        "data_time": None,
        "price_usd": None,
        "sequence": 0,
        "as_of": cycle,
    }
    return make_score(engine, status="missing", cycle=cycle, **(nothing | fields))


def answers(
    scores: dict[str, float] | None = None, cycle: int = T0, **fields: Any
) -> list[EngineScore]:
    """Build the answers of all engines to a cycle; engines left out of `scores` say 0."""
    return factories.answers(scores, cycle, **fields)


def make_request(strategy_id: str = "balanced", requested_at: int = T0) -> SignalRequest:
    """Build a request for BTC."""
    return factories.request(strategy_id, requested_at)


class Feed:
    """One key of a stage, fed event by event at growing offsets, as the loop would."""

    def __init__(self, *strategies: Strategy, stage: Stage | None = None) -> None:
        self.stage: Stage = stage or FusionStage()
        self.tables = make_tables(*strategies)
        self.entry: Entry | None = None
        self.offset = -1
        self._agents: dict[str, Entry] = {}
        self._decisions = -1

    def put(self, *events: Any) -> list[Output]:
        """Apply events and return what went out."""
        outputs: list[Output] = []
        for event in events:
            self.offset += 1
            topic = self.stage.inputs[-1 if type(event) is SignalRequest else 0]
            moved = advance(self.stage, self.entry, event, topic, 0, self.offset, self.tables)
            assert moved is not None, "an offset that grows is never a repetition"
            self.entry, sent = moved
            outputs += sent
        return outputs

    def decisions(self, *events: Any) -> list[Decision]:
        """Apply events and return the decisions that went out."""
        return [one.event for one in self.put(*events) if isinstance(one.event, Decision)]

    def signals(self, *events: Any) -> list[Signal]:
        """Apply events and return the signals that the confidence agent makes of the decisions."""
        agent = ConfidenceStage()
        signals = []
        for one in self.decisions(*events):
            self._decisions += 1
            entry = self._agents.get(one.strategy_id)
            moved = advance(agent, entry, one, agent.inputs[0], 0, self._decisions)
            assert moved is not None
            self._agents[one.strategy_id], sent = moved
            signals += [output.event for output in sent if isinstance(output.event, Signal)]
        return signals

    def signal(self, *events: Any) -> Signal:
        """Apply events and return the one signal that went out."""
        (signal,) = self.signals(*events)
        return signal
