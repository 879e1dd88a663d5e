"""Which versions of the strategies ruled each decision of a recorded run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.control import SignalRequest
from schemas.signals import Signal
from schemas.topics import STRATEGIES
from streams.replay.changes import Changes
from streams.replay.logs import Logs
from streams.replay.recorded_outputs import RecordedOutputs
from streams.stage import StrategyAt, Tables


class StrategyResolver(Mapping[str, StrategyAt]):
    """The table of strategies, looked up when fusion asks: then it is known which decision it is.

    Fusion looks up strategies for a cycle and for a request, and never else. The recorded signals
    of that very cycle or request name the offsets of the versions in their `inputs`.
    """

    def __init__(self, logs: Logs, signals: RecordedOutputs, changes: Changes) -> None:
        self._versions = logs.strategies()
        self._signals = signals
        self._changes = changes
        self._read_to = -1
        self._asset = ""
        self._event: Any = None
        self._found: Mapping[str, StrategyAt] | None = None
        self.tables = Tables(self)

    def about(self, asset: str, event: Any) -> None:
        """Say which asset and event fusion takes next."""
        self._asset, self._event, self._found = asset, event, None

    def _table(self) -> Mapping[str, StrategyAt]:
        if self._found is None:
            self._found = self._changes.table(self._versions.at(self._offset()))
        return self._found

    def _offset(self) -> int:
        """Return up to which offset the worker had read the strategies."""
        if isinstance(self._event, SignalRequest):
            signal = self._next("request")
            return self._version(signal) if signal is not None else self._versions.last
        group = self._cycle()
        if group:
            wanted = [(signal.strategy_id, self._version(signal)) for signal in group]
            self._read_to = self._versions.find(self._asset, wanted, self._read_to)
        return self._read_to if self._read_to >= 0 else self._versions.last

    def _cycle(self) -> list[Signal]:
        first = self._next("cycle")
        if first is None:
            return []
        group = [first]
        while True:
            signal = self._signals.following(self._asset, len(group))
            if signal is None or (signal.trigger, signal.as_of) != ("cycle", first.as_of):
                break
            group.append(signal)
        if self._changes:
            for _ in group:
                self._signals.drop(self._asset)
        return group

    def _next(self, trigger: str) -> Signal | None:
        """Return the next recorded signal if it has this trigger.

        With changes the recorded signals are not matched, so those in between are passed over.
        """
        while True:
            signal: Signal | None = self._signals.next(self._asset)
            if signal is None or signal.trigger == trigger:
                return signal
            if not self._changes:
                return None
            self._signals.drop(self._asset)

    def _version(self, signal: Signal) -> int:
        offsets = [place.offset for place in signal.inputs if place.topic == STRATEGIES.name]
        return offsets[0] if offsets else -1

    def __getitem__(self, strategy_id: str) -> StrategyAt:
        return self._table()[strategy_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._table())

    def __len__(self) -> int:
        return len(self._table())
