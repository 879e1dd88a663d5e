"""Reads from PostgreSQL: parameters only, with limits on every wait."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import asyncpg

from schemas.times import ms
from sinks.bridge.problems import ProblemError
from sinks.bridge.settings import BridgeSettings
from sinks.postgres.errors import is_away

if TYPE_CHECKING:
    from sinks.bridge.api.route_decorator import Api, Pool

_CONNECTIONS = 8


async def open_pool(dsn: str, settings: BridgeSettings) -> Pool:
    """Return a pool that connects when it is used first: the database may be away meanwhile.

    ValueError when the address is none.
    """
    pool = await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=_CONNECTIONS,
        timeout=settings.database_wait_s,
        command_timeout=settings.database_timeout_s,
        max_inactive_connection_lifetime=60.0,
        server_settings={
            "application_name": "quantiva-bridge",
            "statement_timeout": str(round(settings.database_timeout_s * 1000)),
        },
    )
    assert pool is not None  # noqa: S101 - asyncpg's type says that it could be
    return pool


class Where:
    """Conditions with numbered parameters. The texts are ours; the values never enter them."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._parts: list[str] = []

    def add(self, condition: str, *values: Any) -> None:
        """Add a condition with {} for each value; with no value that is not None: nothing."""
        if all(value is None for value in values):
            return
        first = len(self.values) + 1
        self._parts.append(condition.format(*(f"${first + n}" for n in range(len(values)))))
        self.values.extend(values)

    def text(self) -> str:
        """Return the WHERE clause, or an empty text."""
        return f"WHERE {' AND '.join(self._parts)}" if self._parts else ""


async def fetch(api: Api, statement: str, *values: Any) -> Sequence[asyncpg.Record]:
    """Return the rows of a statement; 503 when there is no database or it is away."""
    if api.database is None:
        msg = "This bridge has no database: set DATABASE_URL to read history."
        raise ProblemError(503, msg, retry_after_s=60)
    wait_s = api.settings.database_wait_s
    try:
        async with api.database.acquire(timeout=wait_s) as connection:
            return await connection.fetch(statement, *values)
    except asyncpg.DataError as error:  # a NUL byte in a text, a time out of range
        msg = "The database has no such values: a parameter or the cursor is not one."
        raise ProblemError(400, msg) from error
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        if _waiting_helps(error):
            msg = "The database is away; what the bridge has in memory is still answered."
            raise ProblemError(503, msg, retry_after_s=2) from error
        raise


def _waiting_helps(error: Exception) -> bool:
    # InterfaceError: a connection lost in the middle, or a pool that is closing.
    return is_away(error, None) or isinstance(error, asyncpg.InterfaceError)


def ms_or_none(time: datetime | None) -> int | None:
    """Return ms since 1970 of a time of the database, or None."""
    return None if time is None else ms(time)
