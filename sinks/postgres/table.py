"""A table that takes batches: one statement of unnested columns, whatever the number of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import asyncpg

from sinks.postgres.values import json, time_or_none

Row = tuple[Any, ...]
Connection: TypeAlias = "asyncpg.Connection[Any]"


@dataclass(frozen=True, slots=True)
class Table:
    """Where rows go, and what happens when the key is there already.

    `columns` are (name, SQL type) in the order of the row; `key` is the primary key.
    `newer` is an SQL condition on `stored` and `excluded` under which the new row replaces the
    stored one; None: what is stored stays.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]
    newer: str | None = None

    def row(self, event: Any) -> Row:
        """Return the row of an event that has a field of the name of every column."""
        return row(event, self.columns)

    async def write(self, connection: Connection, rows: Sequence[Row]) -> int:
        """Insert or replace rows with different keys; return how many were new or replaced.

        Raises asyncpg.PostgresError; the same key twice in `rows` is such an error if rows may be
        replaced.
        """
        if not rows:
            return 0
        columns = zip(*rows, strict=True)
        return affected(await connection.execute(upsert(self), *columns))


def row(event: Any, columns: Sequence[tuple[str, str]]) -> Row:
    """Return the event's fields by the names of columns, as asyncpg takes them.

    OverflowError for a time beyond the year 9999.
    """
    convert = {"timestamptz": time_or_none, "jsonb": json}
    return tuple(
        convert[kind](getattr(event, name)) if kind in convert else getattr(event, name)
        for name, kind in columns
    )


@cache
def upsert(table: Table) -> str:
    """Return the statement that writes a batch: one array parameter a column."""
    names = [name for name, _ in table.columns]
    arrays = ", ".join(f"${n}::{kind}[]" for n, (_, kind) in enumerate(table.columns, start=1))
    if table.newer is None:
        conflict = "DO NOTHING"
    else:
        assignments = ", ".join(f"{n} = excluded.{n}" for n in names if n not in table.key)
        conflict = f"DO UPDATE SET {assignments} WHERE {table.newer}"
    return (
        f"INSERT INTO {table.name} AS stored ({', '.join(names)}) "  # noqa: S608 - our own names
        f"SELECT * FROM unnest({arrays}) ON CONFLICT ({', '.join(table.key)}) {conflict}"
    )


def affected(status: str) -> int:
    """Return the number of rows in a command's status, "INSERT 0 17" or "UPDATE 3"."""
    return int(status.rpartition(" ")[2])
