"""portfolio.trades -> portfolio_trades, portfolio.equity -> portfolio_equity: as published.

The columns are computed by PostgreSQL (migrations/0011.portfolios.sql). Both tables have a
partition a month: made when its first row comes, dropped when table_retention no longer keeps it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.topics import EQUITY, TRADES
from sinks.base import SinkRecord
from sinks.identity import newest
from sinks.postgres.table import Connection, Table
from sinks.postgres.values import json, time

PORTFOLIO_TRADES = Table(
    "portfolio_trades",
    columns=(("body", "jsonb"), ("filled_at", "timestamptz")),
    key=("trade_id", "filled_at"),
)
PORTFOLIO_EQUITY = Table(
    "portfolio_equity",
    columns=(("body", "jsonb"), ("as_of", "timestamptz")),
    key=("strategy_id", "as_of", "kind"),
)


@dataclass(frozen=True, slots=True)
class MonthsWriter:
    """Writes a table that has a partition a month of the time that is its last column."""

    topic: str
    table: Table

    async def write(self, connection: Connection, records: Sequence[SinkRecord]) -> Counter[str]:
        """Make the months that are missing, then write one row of each event."""
        at = self.table.columns[-1][0]
        events = [record.event for record in newest(records)]
        rows = [(json(event), time(getattr(event, at))) for event in events]
        months = [moment for _, moment in rows]
        await connection.execute("SELECT make_months($1, $2)", self.table.name, months)
        return Counter({self.table.name: await self.table.write(connection, rows)})


TRADES_WRITER = MonthsWriter(TRADES.name, PORTFOLIO_TRADES)
EQUITY_WRITER = MonthsWriter(EQUITY.name, PORTFOLIO_EQUITY)
