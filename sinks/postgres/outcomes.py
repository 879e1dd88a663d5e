"""signals.outcomes -> outcomes: a row each, in a partition a month of scored_at, kept a while."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import asyncpg

from schemas.outcomes import Outcome
from schemas.times import ms
from schemas.topics import OUTCOMES
from sinks.base import SinkRecord
from sinks.identity import newest
from sinks.postgres.table import Connection, Table
from sinks.postgres.values import time, time_or_none

OUTCOMES_TABLE = Table(
    name="outcomes",
    columns=(
        ("outcome_id", "uuid"),
        ("kind", "text"),
        ("asset", "text"),
        ("engine", "text"),
        ("strategy_id", "text"),
        ("strategy_version", "integer"),
        ("scored_at", "timestamptz"),
        ("cycle", "timestamptz"),
        ("horizon", "text"),
        ("score", "double precision"),
        ("confidence", "double precision"),
        ("action", "text"),
        ("price_usd", "double precision"),
        ("price_at", "timestamptz"),
        ("later_price_usd", "double precision"),
        ("later_price_at", "timestamptz"),
        ("return_pct", "double precision"),
        ("no_return", "text"),
        ("as_of", "timestamptz"),
        ("settings", "text"),
    ),
    key=("outcome_id", "scored_at"),
)
_NAMES = tuple(name for name, _ in OUTCOMES_TABLE.columns)
_TIMES = frozenset(name for name, kind in OUTCOMES_TABLE.columns if kind == "timestamptz")
_SELECT = (
    f"SELECT {', '.join(_NAMES)} FROM outcomes "  # noqa: S608 - our own names
    "WHERE ($1::timestamptz IS NULL OR scored_at >= $1) "
    "AND ($2::timestamptz IS NULL OR scored_at < $2)"
)
_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class OutcomesWriter:
    """Writes outcomes; makes the months that are missing."""

    topic: str = OUTCOMES.name

    async def write(self, connection: Connection, records: Sequence[SinkRecord]) -> Counter[str]:
        """Write one row of each outcome; one that is there stays."""
        events = [record.event for record in newest(records)]
        rows = [OUTCOMES_TABLE.row(event) for event in events]
        months = [time(event.scored_at) for event in events]
        await connection.execute("SELECT make_months($1, $2)", OUTCOMES_TABLE.name, months)
        return Counter({OUTCOMES_TABLE.name: await OUTCOMES_TABLE.write(connection, rows)})


WRITER = OutcomesWriter()


async def stored_outcomes(
    dsn: str, from_ms: int | None = None, until_ms: int | None = None
) -> AsyncIterator[Outcome]:
    """Yield the stored outcomes of scores from a time on and before another, in no order.

    Raises OSError or asyncpg.PostgresError when the database is away or has no such table.
    """
    connection = await asyncpg.connect(dsn, timeout=10.0)
    try:
        async with connection.transaction(readonly=True):
            bounds = time_or_none(from_ms), time_or_none(until_ms)
            async for row in connection.cursor(_SELECT, *bounds, prefetch=_AT_ONCE):
                yield _outcome(row)
    finally:
        await connection.close()


def _outcome(row: asyncpg.Record) -> Outcome:
    fields = dict(row)
    for name in _TIMES:
        if fields[name] is not None:
            fields[name] = ms(fields[name])
    fields["outcome_id"] = row["outcome_id"].hex
    return Outcome(**fields)
