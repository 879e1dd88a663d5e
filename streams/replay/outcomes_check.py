"""The outcomes of a recorded run: the recorded scores and signals in, what was written compared.

That the scores and the signals themselves are right is compared where they are replayed.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from typing import Any

from schemas.codec import BadEventError
from schemas.outcomes import Outcome
from schemas.topics import OUTCOMES
from streams.outcomes.outcomes_stage import OutcomesStage
from streams.replay.letters import Letters
from streams.replay.logs import Logs
from streams.replay.parity import Comparison
from streams.replay.per_key_reader import Keyed
from streams.replay.recorded_outputs import RecordedOutputs
from streams.runner import Produced, StageRunner
from streams.stage import UnusableEventError
from streams.topology import stage

_EVERY = 500


class OutcomesCheck:
    """One asset partition; a recording from before there were outcomes has nothing to compare."""

    def __init__(self, logs: Logs, partition: int, comparison: Comparison) -> None:
        self._logs, self._partition = logs, partition
        own = stage(OutcomesStage.name)
        self._inputs = own.inputs
        self._is_recorded = OUTCOMES.name in logs.archive.partitions
        self._letters = Letters(logs, partition, comparison, frozenset({own.name}))
        self._runner = StageRunner(
            own,
            logs.archive.partitions.get(own.inputs[0], partition + 1),
            given_up=self._letters.given_up_check(own.name),
        )
        self._newest: dict[str, int] = {}
        if self._is_recorded:
            self._expected = RecordedOutputs(
                OUTCOMES.name,
                partition,
                logs.read(OUTCOMES.name, partition),
                lambda one: _subject(one.event),
                lambda outcome: outcome.outcome_id,
                comparison,
            )

    def run(self, on_progress: Callable[[int], None] | None = None) -> None:
        """Replay all scores and signals of the partition, and compare what comes out."""
        if not self._is_recorded:
            return
        known = [name for name in self._inputs if name in self._logs.archive.partitions]
        records = heapq.merge(*map(self._read, known), key=lambda one: one[1].record.timestamp_ms)
        for number, (topic, one) in enumerate(records, start=1):
            self._apply(topic, one)
            if on_progress is not None and not number % _EVERY:
                on_progress(_EVERY)
        self._expected.finish(self._is_ahead)
        self._letters.finish()

    def _read(self, topic: str) -> Iterator[tuple[str, Keyed]]:
        for one in self._logs.read(topic, self._partition):
            yield topic, one

    def _apply(self, topic: str, one: Keyed) -> None:
        record, event = one
        try:
            outputs = self._runner.apply(topic, self._partition, record.offset, record.key, event)
        except BadEventError as error:
            self._letters.refuse(OutcomesStage.name, topic, record, error)
            return
        except UnusableEventError:
            return
        who = f"{event.asset}|{topic}"
        self._newest[who] = max(self._newest.get(who, 0), event.as_of)
        for output in outputs:
            produced = Produced(
                *(OUTCOMES.name, self._partition, -1, output.key),
                *(record.timestamp_ms, output.event),
            )
            self._expected.match(_subject(output.event) or "", produced)

    def _is_ahead(self, outcome: Any) -> bool:
        """Say whether an outcome needs records that were not recorded any more."""
        topic = self._inputs[outcome.kind == "signal"]
        return bool(outcome.as_of > self._newest.get(f"{outcome.asset}|{topic}", -1))


def _subject(event: Any) -> str | None:
    """Return whose order an outcome belongs to: that of an engine or strategy in an asset."""
    if not isinstance(event, Outcome):
        return None
    return f"{event.asset}|{event.kind}|{event.engine}{event.strategy_id}"
