"""signals.top -> signal_explanations: a row for each signal in the top, still without a text."""

from __future__ import annotations

from schemas.signals import TopSignals
from schemas.topics import TOP
from sinks.postgres.row_writer import RowWriter
from sinks.postgres.table import Row, Table
from sinks.postgres.values import time

SIGNAL_EXPLANATIONS = Table(
    name="signal_explanations",
    columns=(
        ("signal_id", "text"),
        ("strategy_id", "text"),
        ("asset", "text"),
        ("cycle", "timestamptz"),
        ("rank", "integer"),
        ("status", "text"),
    ),
    key=("signal_id",),
    # Nothing replaces a row: the status belongs to the explanations sink from here on.
    newer=None,
)


def explanation_rows(event: TopSignals) -> list[Row]:
    """Return one row of signal_explanations for each place in the ranking."""
    cycle = time(event.cycle)
    return [
        (place.signal_id, event.strategy_id, place.asset, cycle, place.rank, "pending")
        for place in event.ranked
    ]


WRITER = RowWriter(TOP.name, SIGNAL_EXPLANATIONS, explanation_rows)
