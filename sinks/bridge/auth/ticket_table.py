"""The store of tickets that all bridges share: the table bridge_tickets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncpg

from sinks.bridge.auth.tickets import StoreAwayError
from sinks.postgres.table import affected
from sinks.postgres.values import time

if TYPE_CHECKING:
    Pool = asyncpg.Pool[Any]

_NOTE = "INSERT INTO bridge_tickets (nonce, expires_at) VALUES ($1, $2)"
_STRIKE = "DELETE FROM bridge_tickets WHERE nonce = $1"
# By the database's clock, and late: the clocks of bridges differ.
_SWEEP = "DELETE FROM bridge_tickets WHERE expires_at < now() - interval '1 hour'"
_SWEEP_MS = 60_000


class TicketTable:
    """Tickets in PostgreSQL. Waits `wait_s` at most, then StoreAwayError."""

    def __init__(self, pool: Pool, wait_s: float) -> None:
        self._pool = pool
        self._wait_s = wait_s
        self._swept_at_ms = 0

    async def note(self, nonce: str, expires_at_ms: int, now_ms: int) -> None:
        """Insert a ticket; once a minute also remove those that were never used."""
        await self._execute(_NOTE, nonce, time(expires_at_ms))
        if now_ms - self._swept_at_ms > _SWEEP_MS:
            self._swept_at_ms = now_ms
            await self._execute(_SWEEP)

    async def consume(self, nonce: str) -> bool:
        """Delete a ticket: of many that try at the same time, one has success."""
        return affected(await self._execute(_STRIKE, nonce)) == 1

    async def _execute(self, statement: str, *values: Any) -> str:
        try:
            async with self._pool.acquire(timeout=self._wait_s) as connection:
                return str(await connection.execute(statement, *values, timeout=self._wait_s))
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise StoreAwayError(type(error).__name__) from error
