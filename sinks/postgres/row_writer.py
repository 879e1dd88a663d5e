"""What the sink needs of a topic family, and the plain kind of it: events become rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sinks.base import SinkRecord
from sinks.identity import newest
from sinks.postgres.table import Connection, Row, Table


class Writer(Protocol):
    """Writes the records of one topic, inside the caller's transaction."""

    @property
    def topic(self) -> str:
        """Logical topic."""

    async def write(self, connection: Connection, records: Sequence[SinkRecord]) -> Counter[str]:
        """Write a batch and return the rows that were new or changed, by table.

        Raises anything when a record of the batch cannot be written; then nothing of the batch
        counts, and the caller rolls back and tries parts of it.
        """


@dataclass(frozen=True, slots=True)
class RowWriter:
    """Writes one table; `rows` maps an event to its rows, None: one row of its fields."""

    topic: str
    table: Table
    rows: Callable[[Any], Iterable[Row]] | None = None

    async def write(self, connection: Connection, records: Sequence[SinkRecord]) -> Counter[str]:
        """Write one row set of each event; of the same thing twice, the newer one."""
        events = [record.event for record in newest(records)]
        if self.rows is None:
            batch = [self.table.row(event) for event in events]
        else:
            batch = [row for event in events for row in self.rows(event)]
        return Counter({self.table.name: await self.table.write(connection, batch)})
