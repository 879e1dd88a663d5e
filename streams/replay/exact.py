"""Replay of a recorded live run: every engine in the interleaving that it had.

One asset partition at a time. The order in `engine.scores` is the order that fusion saw. Each
score's `inputs` say up to which offsets its engine had read; every tick is answered, so between
two scores of an asset there is at most one tick, the last record: the interleaving is known.
Missing answers are decisions of the edge; they are read from the log. So are the strategies that
ruled a cycle: the offsets in its decisions' `inputs`. It ends at fusion: what becomes of the
decisions is compared by `confidence_check`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from schemas.codec import BadEventError
from schemas.engines import ENGINES
from schemas.partitioning import partition_for
from schemas.scores import EngineScore
from schemas.topics import DECISIONS, REQUESTS, SCORES, STRATEGIES, evidence_topic
from streams.confidence.confidence_stage import ConfidenceStage
from streams.fusion.fusion_stage import FusionStage
from streams.fusion.state import FusionState
from streams.fusion.watchdog import missing_score
from streams.outcomes.outcomes_stage import OutcomesStage
from streams.replay.changes import NO_CHANGES, Changes
from streams.replay.engine_run import EngineRun, RecordedTables, tick_sources
from streams.replay.headline_scores import check_news_scores, former_names
from streams.replay.letters import Letters
from streams.replay.logs import Logs, asset_of
from streams.replay.market import LEFT_OUT
from streams.replay.parity import Comparison
from streams.replay.per_key_reader import Keyed
from streams.replay.recorded_decisions import RecordedDecisions
from streams.replay.recorded_outputs import RecordedOutputs
from streams.replay.requests import Requests
from streams.replay.strategy_resolver import StrategyResolver
from streams.runner import Produced, StageRunner
from streams.stage import UnusableEventError
from streams.topology import stage, stage_names

Emit = Callable[[Produced], None]
_EVERY = 500
_ELSEWHERE = frozenset({ConfidenceStage.name, OutcomesStage.name})
"""Stages that `confidence_check` and `outcomes_check` compare."""


class ExactReplay:
    """Replays one asset partition; see the module's docstring.

    `emit` gets every output, also missing answers and repetitions in engine.scores, so that the
    offsets are the recorded ones there. With `comparison` outputs are compared as they come.
    """

    def __init__(
        self,
        logs: Logs,
        decisions: RecordedDecisions,
        partition: int,
        emit: Emit,
        comparison: Comparison | None = None,
        changes: Changes = NO_CHANGES,
        on_progress: Callable[[int], None] | None = None,
    ) -> None:
        self._logs, self._partition = logs, partition
        self._emit, self._comparison, self._changes = emit, comparison, changes
        self._on_progress = on_progress
        partitions = logs.archive.partitions[SCORES.name]
        self._partitions = partitions
        self._letters = Letters(logs, partition, comparison, frozenset(stage_names()) - _ELSEWHERE)
        former = former_names(logs.archive)
        stands_in = {now: before for before, now in former.items()}
        tables = RecordedTables(logs, changes)
        self._engines = {
            name: EngineRun(
                stage(name),
                source,
                self._letters,
                {
                    topic: logs.last(stands_in.get(topic, topic), partition)
                    for topic in stage(name).inputs
                }
                | {STRATEGIES.name: logs.last(STRATEGIES.name, 0)},
                partitions,
                partition,
                former,
                tables,
            )
            for name, source in tick_sources(
                logs, partition, [name for name in ENGINES if name not in changes.without]
            )
        }
        self._fusion = StageRunner(
            stage(FusionStage.name),
            partitions,
            given_up=self._letters.given_up_check(FusionStage.name),
        )
        self._decisions = _expected(decisions, partition, comparison)
        self._rulings = StrategyResolver(logs, decisions, partition, changes)
        self._requests = Requests(logs, decisions, partition)
        self._next: Counter[tuple[str, int]] = Counter()
        self._offset = -1
        self.clock_ms = 0

    @property
    def arrived(self) -> Counter[str]:
        """Records applied so far, by topic; a tick counts once, a headline by its score."""
        counts: Counter[str] = Counter()
        for engine in self._engines.values():
            for topic, records in engine.read.items():
                name = evidence_topic(topic)
                counts[name] = max(counts[name], records)
        return counts

    def run(self) -> None:
        """Replay it all; with a comparison also what no recorded score accounts for."""
        for _ in self.steps():
            pass
        self._tail()

    def steps(self) -> Iterator[int]:
        """Yield the clock of the next record, then apply it: partitions can go side by side."""
        for read, one in enumerate(self._logs.read(SCORES.name, self._partition), start=1):
            self.clock_ms = max(self.clock_ms, one.record.timestamp_ms)
            yield self.clock_ms
            self._score(one)
            if self._on_progress is not None and not read % _EVERY:
                self._on_progress(_EVERY)
        self._answer_requests(None)

    def _score(self, one: Keyed) -> None:
        record, event = one
        try:
            self._fusion.check(SCORES.name, self._partition, record.offset, record.key, event)
        except BadEventError as error:
            self._letters.refuse(FusionStage.name, SCORES.name, record, error)
            return
        except UnusableEventError:
            return
        self._answer_requests(event.asset)
        self._offset = record.offset
        said = self._said(one)
        if said is None:
            return
        self._emit(
            Produced(
                SCORES.name,
                self._partition,
                record.offset,
                said.asset,
                record.timestamp_ms,
                said,
            )
        )
        self._fuse(said.asset, said, SCORES.name, record.offset, record.timestamp_ms)

    def _said(self, one: Keyed) -> EngineScore | None:
        """Return what stands at a score's place in the replay; None: nothing."""
        score: EngineScore = one.event
        if score.engine in self._changes.without:
            return _left_out(score)
        if score.status == "missing":
            if self._comparison is not None:
                self._comparison.result.decisions[SCORES.name] += 1
            return score
        return self._engines[score.engine].say(one, score, self._comparison)

    def _fuse(self, asset: str, event: Any, topic: str, offset: int, timestamp_ms: int) -> None:
        self._rulings.about(event, offset)
        name = asset.encode()
        try:
            outputs = self._fusion.apply(
                topic, self._partition, offset, name, event, self._rulings.tables
            )
        except (BadEventError, UnusableEventError):
            return  # a request: the letters are compared where it is read
        for output in outputs:
            target = partition_for(output.key.encode(), name, self._partition, self._partitions)
            place = self._next[output.topic, target]
            self._next[output.topic, target] = place + 1
            produced = Produced(output.topic, target, place, output.key, timestamp_ms, output.event)
            self._emit(produced)
            if not self._changes:
                self._decisions[target].match(asset, produced)

    def _answer_requests(self, asset: str | None) -> None:
        """Apply the requests that were answered before the next score of an asset (None: any)."""
        for request in self._requests.due(asset, self._offset):
            self._fuse(
                request.event.asset,
                request.event,
                REQUESTS.name,
                request.record.offset,
                request.record.timestamp_ms,
            )

    def _is_ahead(self, output: Any) -> bool:
        """Say whether a decision needs scores that were not recorded any more.

        All recorded scores have been applied: what fusion has not come to, they do not lead to.
        """
        last = self._logs.last(SCORES.name, self._partition)
        if any(place.topic == SCORES.name and place.offset > last for place in output.inputs):
            return True
        entry = self._fusion.entries.get(output.asset.encode())
        if entry is None:
            return True
        state: FusionState = entry.state
        if output.cycle is not None:
            return bool(output.cycle > state.emitted)
        return bool(output.as_of > state.clock_ms)

    def _tail(self) -> None:
        """Look at what no recorded score accounts for: answers lost, or still to come."""
        if self._comparison is None or self._changes:
            return
        for engine in self._engines.values():
            for _ in engine.rest():
                self._comparison.result.unanswered[SCORES.name] += 1
        check_news_scores(self._logs, self._partition, self._letters, self._comparison)
        for expected in self._decisions:
            expected.finish(self._is_ahead)
        self._letters.finish()


def _left_out(score: EngineScore) -> EngineScore | None:
    """Return what stands in place of a score of an engine that is left out."""
    if score.cycle is None:
        return None
    return missing_score(
        score.asset, score.engine, score.cycle, score.cycle_size, score.as_of, LEFT_OUT
    )


def _expected(
    decisions: RecordedDecisions, partition: int, comparison: Comparison | None
) -> tuple[RecordedOutputs, ...]:
    """Return what fusion wrote of an asset partition, by partition of signals.decisions."""
    return tuple(
        RecordedOutputs(
            DECISIONS.name,
            number,
            decisions.read(number, partition),
            asset_of,
            lambda decision: (
                decision.strategy_id,
                decision.trigger,
                decision.cycle or decision.request_id or decision.as_of,
            ),
            comparison,
        )
        for number in range(decisions.partitions)
    )
