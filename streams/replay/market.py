"""Replay of raw market data: the topology in one pass over merged records.

Every engine answers at once, so a cycle is complete with its tick, and no watchdog is needed but
for the engines that are left out on purpose. Offsets of what comes out count from 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from schemas.codec import BadEventError
from schemas.topics import (
    DECISIONS,
    MARKET_TOPICS,
    NEWS_SCORES,
    OUTCOMES,
    REQUESTS,
    SCORES,
    TRENDING,
)
from streams.confidence.confidence_stage import ConfidenceStage
from streams.fusion.fusion_stage import FusionStage
from streams.fusion.watchdog import missing_score
from streams.headlines.probabilities import ModelTexts
from streams.headlines.stage import HeadlinesStage
from streams.outcomes.outcomes_stage import OutcomesStage
from streams.replay.changes import NO_CHANGES, Changes
from streams.replay.headline_scores import ON_THE_FLY
from streams.replay.replay_record import ReplayRecord
from streams.runner import Produced, Refused, TopologyRunner
from streams.stage import StrategyAt
from streams.topology import stages

_KEPT = 20
_APPLIED = frozenset((*(one.name for one in MARKET_TOPICS), NEWS_SCORES.name, REQUESTS.name))
LEFT_OUT = "left out of this replay"


class MarketReplay:
    """Engines and fusion of some partitions. `emit` gets every output but the decisions.

    `emit_decision` gets (clock_ms, timestamp_ms, decision). `refused` counts
    the records that a stage could not use, `first_refused` holds the first 20 of them. `texts` is
    what a model said of the headlines; None where their scores are among the records. `is_brief`
    as in `Tables`; without `decides` fusion is left out. `emit_outcome` gets outcomes of scores,
    like decisions; None: none are made.
    """

    def __init__(
        self,
        partitions: int,
        strategies: Mapping[str, StrategyAt],
        emit: Callable[[Produced], None],
        emit_decision: Callable[[int, int, Any], None],
        changes: Changes = NO_CHANGES,
        texts: ModelTexts | None = ON_THE_FLY,
        *,
        is_brief: bool = False,
        decides: bool = True,
        emit_outcome: Callable[[int, int, Any], None] | None = None,
    ) -> None:
        self._emit_outcome = emit_outcome
        self._emit, self._emit_decision = emit, emit_decision
        self._changes = changes
        self._strategies = dict(strategies)
        left_out = {*changes.without, ConfidenceStage.name}
        if not decides:
            left_out.add(FusionStage.name)
        if emit_outcome is None:
            left_out.add(OutcomesStage.name)
        if texts is None:
            left_out.add(HeadlinesStage.name)
        self._runner = TopologyRunner(
            [one for one in stages() if one.name not in left_out],
            partitions,
            changes.table(strategies),
            self._take,
            self._refuse,
        )
        tables = self._runner.tables._replace(is_brief=is_brief)
        self._runner.tables = tables if texts is None else tables._replace(texts=texts)
        self.arrived: Counter[str] = Counter()
        self.refused = 0
        self.first_refused: list[Refused] = []
        self.clock_ms = 0

    def apply(self, record: ReplayRecord) -> None:
        """Take one record through the topology."""
        self.clock_ms = record.clock_ms
        topic, event, timestamp_ms = record.topic, record.event, record.timestamp_ms
        if topic not in _APPLIED:
            self._strategy(record.key, event, record.offset)
            return
        if topic == REQUESTS.name and not self._changes.wants(getattr(event, "strategy_id", "")):
            return
        self.arrived[topic] += 1
        self._runner.feed(topic, record.partition, record.offset, timestamp_ms, record.key, event)
        if topic == TRENDING.name and self._changes.without:
            self._write_off(event, timestamp_ms)

    def _write_off(self, tick: Any, timestamp_ms: int) -> None:
        """Answer a tick as the watchdog does for engines that are not there."""
        if isinstance(tick, BadEventError):
            return
        for engine in self._changes.without:
            score = missing_score(
                tick.asset, engine, tick.cycle, tick.cycle_size, tick.observed_at, LEFT_OUT
            )
            self._runner.append(SCORES.name, tick.asset, score, timestamp_ms)

    def _strategy(self, key: bytes | None, event: Any, offset: int) -> None:
        if event is None:
            self._strategies.pop((key or b"").decode(), None)
        elif not isinstance(event, BadEventError):
            self._strategies[event.strategy_id] = StrategyAt(event, offset)
        ordered = {name: self._strategies[name] for name in sorted(self._strategies)}
        strategies = self._changes.table(ordered)
        self._runner.tables = self._runner.tables._replace(strategies=strategies, read_to=offset)

    def _take(self, one: Produced) -> None:
        if one.topic == DECISIONS.name:
            self._emit_decision(self.clock_ms, one.timestamp_ms, one.event)
        elif one.topic == OUTCOMES.name and self._emit_outcome is not None:
            self._emit_outcome(self.clock_ms, one.timestamp_ms, one.event)
        else:
            self._emit(one)

    def _refuse(self, one: Refused) -> None:
        self.refused += 1
        if len(self.first_refused) < _KEPT:
            self.first_refused.append(one)
