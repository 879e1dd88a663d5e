"""signals -> strategy_signals: the document as published. A signal never changes.

The columns are computed by PostgreSQL (migrations/0007.signal_document.sql), and signal_details is
a view: no field of a signal is listed here. What is its asker's alone is not stored. The answer to
a request is to be explained, like what is in a ranking.
"""

from __future__ import annotations

from schemas.signals import Signal, is_of_record
from schemas.topics import SIGNALS
from sinks.postgres.row_writer import RowWriter
from sinks.postgres.table import Row, Table
from sinks.postgres.top import SIGNAL_EXPLANATIONS
from sinks.postgres.values import json, time

STRATEGY_SIGNALS = Table("strategy_signals", columns=(("body", "jsonb"),), key=("signal_id",))


def _signal_rows(event: Signal) -> list[Row]:
    return [(json(event),)] if is_of_record(event) else []


def _asked_rows(event: Signal) -> list[Row]:
    """Return the row of an answer to a request: no rank, and in place of a cycle its own time."""
    if event.trigger != "request" or not is_of_record(event):
        return []
    at = time(event.as_of)
    return [(event.signal_id, event.strategy_id, event.asset, at, None, "pending")]


WRITER = RowWriter(SIGNALS.name, STRATEGY_SIGNALS, _signal_rows)
ASKED_WRITER = RowWriter(SIGNALS.name, SIGNAL_EXPLANATIONS, _asked_rows)
