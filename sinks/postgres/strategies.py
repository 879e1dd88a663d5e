"""control.strategies -> strategies and strategy_versions.

Of the states of a strategy the newer version wins, and a tombstone marks it as deleted. Every
version and every deletion stays as a row of strategy_versions: one that comes late or again changes
nothing.

A strategy may be deleted and created again under its id, with version 1. So within a batch each
id has up to three steps, in this order: a deletion, a state, another deletion.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from schemas.control import Strategy
from schemas.topics import STRATEGIES as TOPIC
from sinks.base import SinkRecord
from sinks.identity import supersedes
from sinks.postgres.table import Connection, Row, Table, affected, row
from sinks.postgres.values import json, time

_FIELDS = (
    ("strategy_id", "text"),
    ("version", "integer"),
    ("owner", "text"),
    ("user_id", "text"),
    ("name", "text"),
    ("active", "boolean"),
    ("timeframe", "text"),
    ("entry_rule", "text"),
    ("exit_rule", "text"),
    ("buy_threshold", "double precision"),
    ("sell_threshold", "double precision"),
    ("portfolio_value_usd", "double precision"),
    ("assets", "jsonb"),
    ("updated_at", "timestamptz"),
)
STRATEGIES = Table(
    name="strategies",
    columns=(*_FIELDS, ("definition", "jsonb"), ("deleted_at", "timestamptz")),
    key=("strategy_id",),
    newer=(
        "(stored.deleted_at IS NULL AND "
        "(stored.version, stored.updated_at) < (excluded.version, excluded.updated_at)) "
        "OR stored.deleted_at < excluded.updated_at"
    ),
)
VERSIONS = Table(
    name="strategy_versions",
    columns=(
        ("strategy_id", "text"),
        ("changed_at", "timestamptz"),
        ("version", "integer"),
        ("author", "text"),
        ("definition", "jsonb"),
    ),
    key=("strategy_id", "changed_at", "version"),
)
HISTORY = """
    SELECT changed_at, version, author, definition FROM strategy_versions
    WHERE strategy_id = $1
      AND ($2::timestamptz IS NULL OR (changed_at, version) < ($2::timestamptz, $3::integer))
    ORDER BY changed_at DESC, version DESC LIMIT $4
"""
"""The versions of a strategy before a time and version, or all; the newest first."""
DELETED = 0
"""The version of a deletion."""
# A deletion reaches only what was stored before it, so that an old one read again does no harm.
_DELETE = """
    UPDATE strategies SET active = false, deleted_at = gone.at
    FROM unnest($1::text[], $2::timestamptz[]) AS gone (strategy_id, at)
    WHERE strategies.strategy_id = gone.strategy_id AND strategies.updated_at <= gone.at
      AND (strategies.deleted_at IS NULL OR strategies.deleted_at < gone.at)
"""


@dataclass(slots=True)
class Steps:
    """The effect of a batch on one id: times of deletions in ms, and the state in between."""

    deleted_first_ms: int | None = None
    state: Strategy | None = None
    deleted_last_ms: int | None = None

    def put(self, strategy: Strategy) -> None:
        """Take a state; it replaces the one before if it is newer, or if that one was deleted."""
        if self.deleted_last_ms is not None:
            self.deleted_first_ms, self.deleted_last_ms = self.deleted_last_ms, None
            self.state = strategy
        elif self.state is None or supersedes(strategy, self.state):
            self.state = strategy


def steps(records: Iterable[SinkRecord]) -> dict[str, Steps]:
    """Return what a batch does to each strategy id, in the order of first appearance."""
    by_id: dict[str, Steps] = {}
    for record in records:
        if record.event is None:
            strategy_id = (record.key or b"").decode()
            by_id.setdefault(strategy_id, Steps()).deleted_last_ms = record.timestamp_ms
        else:
            by_id.setdefault(record.event.strategy_id, Steps()).put(_dated(record))
    return by_id


def _dated(record: SinkRecord) -> Strategy:
    """Return the strategy with the record's time where it has no `updated_at`."""
    strategy: Strategy = record.event
    if strategy.updated_at:
        return strategy
    return msgspec.structs.replace(strategy, updated_at=record.timestamp_ms)


def strategy_row(event: Strategy) -> Row:
    """Return the row of strategies."""
    return (*row(event, _FIELDS), json(event), None)


def version_rows(records: Iterable[SinkRecord]) -> list[Row]:
    """Return a row of strategy_versions for each version and deletion, each once."""
    rows: dict[Row, Row] = {}
    for record in records:
        if record.event is None:
            name, at_ms = (record.key or b"").decode(), record.timestamp_ms
            made: Row = (name, time(at_ms), DELETED, None, None)
        else:
            one = _dated(record)
            at = time(one.updated_at)
            made = (one.strategy_id, at, one.version, one.author, json(one))
        rows.setdefault(made[:3], made)
    return list(rows.values())


class StrategyWriter:
    """Writes states, deletions and versions of strategies."""

    topic = TOPIC.name

    async def write(self, connection: Connection, records: Sequence[SinkRecord]) -> Counter[str]:
        """Write a batch; see the module's docstring for the order."""
        by_id = steps(records)
        rows = [strategy_row(step.state) for step in by_id.values() if step.state is not None]
        first = {key: s.deleted_first_ms for key, s in by_id.items()}
        last = {key: s.deleted_last_ms for key, s in by_id.items()}
        written = await _delete(connection, first)
        written += await STRATEGIES.write(connection, rows)
        written += await _delete(connection, last)
        versions = await VERSIONS.write(connection, version_rows(records))
        return Counter({STRATEGIES.name: written, VERSIONS.name: versions})


async def _delete(connection: Connection, deleted_ms: Mapping[str, int | None]) -> int:
    gone = [(key, time(ms)) for key, ms in deleted_ms.items() if ms is not None]
    if not gone:
        return 0
    return affected(await connection.execute(_DELETE, *zip(*gone, strict=True)))


WRITER = StrategyWriter()
