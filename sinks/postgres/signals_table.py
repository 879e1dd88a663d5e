"""signals -> strategy_signals: the document as published. A signal never changes.

The columns are computed by PostgreSQL (migrations/0007.signal_document.sql), and signal_details is
a view: no field of a signal is listed here.
"""

from __future__ import annotations

from schemas.topics import SIGNALS
from sinks.postgres.row_writer import RowWriter
from sinks.postgres.table import Table
from sinks.postgres.values import json

STRATEGY_SIGNALS = Table("strategy_signals", columns=(("body", "jsonb"),), key=("signal_id",))

WRITER = RowWriter(SIGNALS.name, STRATEGY_SIGNALS, lambda event: [(json(event),)])
