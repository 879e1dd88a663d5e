"""What an error of the database means: a bad record, a database that is away, or a defect."""

from __future__ import annotations

from typing import Any

import asyncpg
from asyncpg.exceptions import (
    InterfaceError,
    InternalClientError,
    PostgresConnectionError,
    PostgresError,
)

from schemas.redact import conceal, shown
from sinks.base import SinkError, SinkUnavailableError

DATA_ERRORS: tuple[type[Exception], ...] = (
    asyncpg.DataError,  # class 22: a NUL byte, a number out of range; also found before sending
    asyncpg.IntegrityConstraintViolationError,  # class 23: a check, a null
    ValueError,  # from the row mapping
    OverflowError,  # from the row mapping: a time beyond the year 9999
)

_AWAY_CLASSES = ("08", "40", "53")  # connection, rolled back (deadlock), out of resources
_AWAY_STATES = frozenset(
    {
        "57P01",  # admin shutdown
        "57P02",  # crash shutdown
        "57P03",  # starting up
        "57014",  # statement timeout
        "55P03",  # lock timeout
        "25006",  # read-only: a replica, until the failover is through
    }
)


def is_away(error: BaseException, connection: asyncpg.Connection[Any] | None) -> bool:
    """Return whether waiting helps: the database is down, restarting, full or switching over."""
    if isinstance(error, OSError | TimeoutError | PostgresConnectionError):
        return True
    if isinstance(error, PostgresError):
        state = getattr(error, "sqlstate", None) or ""
        return state[:2] in _AWAY_CLASSES or state in _AWAY_STATES
    if isinstance(error, InternalClientError):
        # A server that dies between two messages can leave asyncpg's protocol in a state that it
        # cannot leave: "cannot switch to state 15". A new connection starts afresh.
        return connection is not None
    # asyncpg says InterfaceError for a lost connection, for wrong use and for a wrong address.
    lost = connection is not None and connection.is_closed()
    return isinstance(error, InterfaceError) and lost


def translate(
    error: BaseException, connection: asyncpg.Connection[Any] | None, dsn: str
) -> SinkError:
    """Return the sink's error for a database error: SinkUnavailableError when waiting helps."""
    cause = _cause(error)
    said = conceal(str(cause).partition("\n")[0] or type(cause).__name__, dsn)
    where = shown(dsn)
    if is_away(error, connection):
        return SinkUnavailableError(
            f"PostgreSQL at {where} cannot be used now: {said}. It is tried again."
        )
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return SinkError(f"PostgreSQL at {where} refuses us: {said}. Check DATABASE_URL.")
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return SinkError(f"PostgreSQL at {where}: {said}. Create it, or check DATABASE_URL.")
    if isinstance(error, asyncpg.UndefinedTableError | asyncpg.UndefinedColumnError):
        return SinkError(f"PostgreSQL at {where}: {said}. Its schema is old: run the migrations.")
    return SinkError(f"PostgreSQL at {where}: {type(error).__name__}: {said}.")


def _cause(error: BaseException) -> BaseException:
    """Return what went wrong first: after a loss asyncpg complains of the rollback instead."""
    while isinstance(error, InterfaceError) and error.__context__ is not None:
        error = error.__context__
    return error
