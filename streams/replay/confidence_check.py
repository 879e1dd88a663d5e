"""The confidence agent of a recorded run: the recorded decisions in, what it wrote compared.

That the decisions themselves are right is compared where fusion is replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from schemas.codec import BadEventError
from schemas.partitioning import partition_for, partition_of
from schemas.signals import Signal
from schemas.topics import BY_NAME, DECISIONS, EQUITY, SIGNALS, TOP, TRADES
from streams.confidence.confidence_stage import ConfidenceStage
from streams.replay.letters import Letters
from streams.replay.logs import Logs
from streams.replay.parity import Comparison
from streams.replay.per_key_reader import Keyed
from streams.replay.recorded_decisions import recorded_decisions
from streams.replay.recorded_outputs import RecordedOutputs
from streams.runner import Produced, StageRunner
from streams.stage import UnusableEventError
from streams.topology import stage

_SLOTS: dict[str, Callable[[Any], Hashable]] = {
    SIGNALS.name: lambda signal: signal.signal_id,
    TOP.name: lambda top: top.cycle,
    TRADES.name: lambda trade: trade.trade_id,
    EQUITY.name: lambda equity: (equity.kind, equity.as_of, equity.cycle),
}
"""What the agent writes, and what tells one output of a strategy from another."""


class ConfidenceCheck:
    """The agent over some partitions of signals.decisions, side by side."""

    def __init__(self, logs: Logs, partitions: tuple[int, ...], comparison: Comparison) -> None:
        self._logs, self._comparison = logs, comparison
        self._mine = partitions
        self._count = logs.archive.partitions[DECISIONS.name]
        agent = stage(ConfidenceStage.name)
        self._letters = {
            number: Letters(logs, number, comparison, frozenset({agent.name}))
            for number in partitions
        }
        self._runners = {
            number: StageRunner(agent, self._count, given_up=letters.given_up_check(agent.name))
            for number, letters in self._letters.items()
        }
        known = logs.archive.partitions
        self._expected = {
            (topic, number): self._recorded(topic, number)
            for topic in _SLOTS
            if topic in known
            for number in (range(known[topic]) if BY_NAME[topic].key == "asset" else partitions)
        }

    def run(self, on_progress: Callable[[int], None] | None = None) -> None:
        """Replay every decision, and compare what comes out."""
        for _, number, one in recorded_decisions(self._logs, self._mine):
            if on_progress is not None:
                on_progress(1)
            self._apply(number, one)
        for expected in self._expected.values():
            expected.finish(self._is_ahead)
        for letters in self._letters.values():
            letters.finish()

    def _apply(self, number: int, one: Keyed) -> None:
        record, event = one
        runner, key = self._runners[number], record.key
        try:
            outputs = runner.apply(DECISIONS.name, number, record.offset, key, event)
        except BadEventError as error:
            self._letters[number].refuse(runner.stage.name, DECISIONS.name, record, error)
            return
        except UnusableEventError:
            return
        if event.kind != "decision":
            self._comparison.result.decisions[DECISIONS.name] += 1
        for output in outputs:
            target = partition_for(output.key.encode(), key, number, self._count)
            produced = Produced(
                output.topic, target, -1, output.key, record.timestamp_ms, output.event
            )
            expected = self._expected.get((output.topic, target))
            if expected is not None:
                expected.match(_key_of(output.event), produced)

    def _recorded(self, topic: str, number: int) -> RecordedOutputs:
        mine = frozenset(self._mine)

        def key_of(one: Keyed) -> str | None:
            owner = partition_of(one.event.strategy_id.encode(), self._count)
            return _key_of(one.event) if owner in mine else None

        records = (
            one
            for one in self._logs.read(topic, number)
            if not isinstance(one.event, BadEventError)
        )
        return RecordedOutputs(topic, number, records, key_of, _SLOTS[topic], self._comparison)

    def _is_ahead(self, output: Any) -> bool:
        """Say whether an output needs decisions that were not recorded any more.

        Every recorded decision has been applied: what they do not lead to came of later ones. Of
        a signal it is known which one.
        """
        if not isinstance(output, Signal):
            return True
        return any(
            place.topic == DECISIONS.name
            and place.offset > self._logs.last(DECISIONS.name, place.partition)
            for place in output.inputs
        )


def _key_of(event: Any) -> str:
    """Return whose outputs come in the order of the log: signals of an asset, all else together."""
    return f"{event.strategy_id} {event.asset}" if isinstance(event, Signal) else event.strategy_id
