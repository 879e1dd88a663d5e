"""A sink that keeps events in a list: for tests, notebooks and looking at a stream."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from sinks.base import Flushed, Rejected, Sink, SinkRecord, SinkUnavailableError
from sinks.identity import identity, supersedes


def _accept_all(_record: SinkRecord) -> str | None:
    return None


class MemorySink:
    """Keeps one record of each thing, in the order in which the things came first.

    `refuse` returns why a record cannot be kept, or None: a stand-in for a database's refusal.
    `available` set to False makes `setup` and `flush` fail as an absent database would.
    """

    def __init__(
        self,
        topics: tuple[str, ...],
        *,
        name: str = "memory",
        refuse: Callable[[SinkRecord], str | None] = _accept_all,
    ) -> None:
        self.name = name
        self.topics = topics
        self.available = True
        self._refuse = refuse
        self._pending: list[SinkRecord] = []
        self._kept: dict[Hashable, SinkRecord] = {}

    @property
    def records(self) -> list[SinkRecord]:
        """The flushed records, one of each thing."""
        return list(self._kept.values())

    @property
    def events(self) -> list[Any]:
        """The flushed events, one of each thing."""
        return [record.event for record in self._kept.values()]

    async def setup(self) -> None:
        """Do nothing; SinkUnavailableError while `available` is False."""
        self._check_available()

    def add(self, records: Sequence[SinkRecord]) -> None:
        """Keep records for the next flush."""
        self._pending.extend(records)

    async def flush(self) -> Flushed:
        """Move what was added into `records`; SinkUnavailableError while `available` is False."""
        self._check_available()
        rows: dict[str, int] = {}
        rejected: list[Rejected] = []
        for record in self._pending:
            reason = self._refuse(record)
            if reason is not None:
                rejected.append(Rejected(record, "Refused", reason))
            elif self._keep(record):
                rows[record.topic] = rows.get(record.topic, 0) + 1
        self._pending.clear()
        return Flushed(rows, tuple(rejected))

    def discard(self) -> None:
        """Forget what was added and not flushed."""
        self._pending.clear()

    async def close(self) -> None:
        """Forget what was not flushed; the flushed records stay readable."""
        self._pending.clear()

    def _keep(self, record: SinkRecord) -> bool:
        """Keep or remove one record; return whether anything changed."""
        key = identity(record)
        stored = self._kept.get(key)
        if record.event is None:
            return self._kept.pop(key, None) is not None
        if stored is not None and not supersedes(record.event, stored.event):
            return False
        self._kept[key] = record
        return True

    def _check_available(self) -> None:
        if not self.available:
            message = f"The sink {self.name} was made unavailable: set `available` to True."
            raise SinkUnavailableError(message)


_: type[Sink] = MemorySink  # mypy checks the contract here
