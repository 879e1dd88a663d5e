"""The two sinks of the contract's tests, and ways to look at and to take away what is behind."""

from __future__ import annotations

from typing import Any, Protocol

import asyncpg

from embedded.database import Database
from sinks.base import Sink, SinkRecord
from sinks.memory import MemorySink
from sinks.postgres import PostgresSink

NUL = "a\0b"


class Bench(Protocol):
    """A sink, and a way to look at and to take away what is behind it."""

    sink: Sink

    async def stored(self) -> list[str]:
        """Return what lies in the target, one text for each thing, sorted."""

    async def take_away(self) -> None:
        """Make the target unavailable."""

    async def bring_back(self) -> None:
        """Make it available again."""


class MemoryBench:
    def __init__(self) -> None:
        self.sink = MemorySink(PostgresSink.topics, refuse=self._refuse)

    @staticmethod
    def _refuse(record: SinkRecord) -> str | None:
        if record.event is None:
            return None
        return "there is a NUL byte in it." if NUL in repr_text(record.event) else None

    async def stored(self) -> list[str]:
        return sorted(describe(event) for event in self.sink.events)

    async def take_away(self) -> None:
        self.sink.available = False

    async def bring_back(self) -> None:
        self.sink.available = True


class PostgresBench:
    def __init__(self, database: Database, dsn: str) -> None:
        self._database = database
        self._dsn = dsn
        self.sink = PostgresSink(dsn, run_migrations=False)

    async def stored(self) -> list[str]:
        connection = await asyncpg.connect(self._dsn)
        try:
            return sorted([text for (text,) in await connection.fetch(_STORED)])
        finally:
            await connection.close()

    async def take_away(self) -> None:
        await self._database.kill()

    async def bring_back(self) -> None:
        await self._database.start()


_STORED = """
    SELECT 'signal ' || signal_id || ' ' || action || ' ' || position_value_usd
      FROM strategy_signals JOIN signal_details USING (signal_id)
    UNION ALL SELECT 'trending ' || asset || ' ' || price_usd FROM trending_assets
    UNION ALL SELECT 'news ' || source_id || ' ' || asset || ' ' || headline FROM trending_news
    UNION ALL SELECT 'strategy ' || strategy_id || ' ' || version FROM strategies
      WHERE deleted_at IS NULL
    UNION ALL SELECT 'top ' || strategy_id || ' ' || count(*) FROM signal_explanations
      GROUP BY strategy_id
    UNION ALL SELECT 'trade ' || asset || ' ' || side || ' ' || value_usd FROM portfolio_trades
    UNION ALL SELECT 'equity ' || strategy_id || ' ' || kind || ' ' || equity_usd
      FROM portfolio_equity
    UNION ALL SELECT 'outcome ' || asset || ' ' || horizon || ' ' || return_pct FROM outcomes
"""


def describe(event: Any) -> str:
    """Return what PostgreSQL's query above returns for this event."""
    match type(event).__name__:
        case "Signal":
            return f"signal {event.signal_id} {event.action} {event.position_value_usd:g}"
        case "TrendingAsset":
            return f"trending {event.asset} {event.price_usd:g}"
        case "NewsArticle":
            return f"news {event.source_id} {event.asset} {event.headline}"
        case "Strategy":
            return f"strategy {event.strategy_id} {event.version}"
        case "PortfolioTrade":
            return f"trade {event.asset} {event.side} {event.value_usd:g}"
        case "PortfolioEquity":
            return f"equity {event.strategy_id} {event.kind} {event.equity_usd:g}"
        case "Outcome":
            return f"outcome {event.asset} {event.horizon} {event.return_pct:g}"
    return f"top {event.strategy_id} {len(event.ranked)}"


def repr_text(event: Any) -> str:
    return " ".join(str(getattr(event, name)) for name in event.__struct_fields__)


async def execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
