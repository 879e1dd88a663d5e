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

        Raises one of DATA_ERRORS when a record of the batch cannot be written; then nothing of the
        batch counts, and the caller rolls back and tries parts of it.
        """


@dataclass(frozen=True, slots=True)
class RowWriter:
    """Writes one or more tables from the same events; `rows` maps one event to its rows."""

    topic: str
    tables: tuple[tuple[Table, Callable[[Any], Iterable[Row]]], ...]

    async def write(self, connection: Connection, records: Sequence[SinkRecord]) -> Counter[str]:
        """Write one row set of each event; of the same thing twice, the newer one."""
        records = newest(records)
        written: Counter[str] = Counter()
        for table, rows in self.tables:
            batch = [row for record in records for row in rows(record.event)]
            written[table.name] += await table.write(connection, batch)
        return written
