"""Which versions of the strategies ruled each decision of a recorded run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.control import SignalRequest
from schemas.scores import EngineScore
from streams.replay.changes import Changes
from streams.replay.logs import Logs
from streams.replay.recorded_decisions import RecordedDecisions
from streams.stage import StrategyAt, Tables


class StrategyResolver(Mapping[str, StrategyAt]):
    """The table of strategies, looked up when fusion asks: then it is known which decision it is.

    It looks them up for a cycle, for a request, and at a score between cycles those that it has
    pinned. The recorded decisions of that very cycle or request, or the last one before the score,
    name the offsets of the versions in their `inputs`.
    """

    def __init__(
        self, logs: Logs, decisions: RecordedDecisions, partition: int, changes: Changes
    ) -> None:
        self._versions = logs.strategies()
        self._decisions, self._partition = decisions, partition
        self._changes = changes
        self._read_to = -1
        self._event: Any = None
        self._place = -1
        self._found: Mapping[str, StrategyAt] | None = None
        self._tables: dict[int, Mapping[str, StrategyAt]] = {}
        self.tables = Tables(self)

    def about(self, event: Any, offset: int) -> None:
        """Say which event fusion takes next, and where it stands."""
        self._event, self._place, self._found = event, offset, None

    def _table(self) -> Mapping[str, StrategyAt]:
        if self._found is None:
            self._found = self._as_of(self._offset())
        return self._found

    def _as_of(self, offset: int) -> Mapping[str, StrategyAt]:
        found = self._tables.get(offset)
        if found is None:
            found = self._tables[offset] = self._changes.table(self._versions.at(offset))
        return found

    def _offset(self) -> int:
        """Return up to which offset the worker had read the strategies."""
        event = self._event
        if isinstance(event, SignalRequest):
            answer = self._decisions.answer(self._partition, self._place)
            return self._versions.last if answer is None else answer.version
        if isinstance(event, EngineScore) and event.cycle is not None:
            wanted = self._decisions.rulers(event.asset, event.cycle)
            found = self._versions.find(event.asset, wanted, self._read_to)
            if wanted:
                self._read_to = found
            return found  # where no strategy decided, one of those that nobody watched it in
        return self._read_to if self._read_to >= 0 else self._versions.last

    def __getitem__(self, strategy_id: str) -> StrategyAt:
        event = self._event
        is_between = isinstance(event, EngineScore) and event.cycle is None
        if is_between and not self._changes.owns(strategy_id):
            version = self._decisions.version(event.asset, strategy_id, self._place)
            if version is not None:
                return self._as_of(version)[strategy_id]
        return self._table()[strategy_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._table())

    def __len__(self) -> int:
        return len(self._table())
