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
from sinks.base import Rejected, SinkError, SinkRecord, SinkUnavailableError

_AWAY_CLASSES = frozenset(
    {
        "08",  # connection
        "25",  # transaction state: read-only until a failover is through, ended by a timeout
        "26",  # a prepared statement that a pooler has forgotten
        "40",  # rolled back: deadlock, serialization
        "53",  # out of resources: disk, memory, connections
        "55",  # not now: lock timeout, object in use
        "57",  # an operator's doing: shutdown, starting up, statement timeout
        "58",  # input and output of the server
    }
)
_SETUP_CLASSES = frozenset({"28", "3D", "3F", "42"})  # rights, database, schema, tables and columns


def is_away(error: BaseException, connection: asyncpg.Connection[Any] | None) -> bool:
    """Return whether waiting helps: the database is down, restarting, full or switching over."""
    if isinstance(error, OSError | TimeoutError | MemoryError | PostgresConnectionError):
        return True
    if isinstance(error, asyncpg.InvalidCachedStatementError):  # after a migration; once
        return True
    if isinstance(error, PostgresError):
        return _class(error) in _AWAY_CLASSES
    if isinstance(error, InternalClientError):
        # A server that dies between two messages can leave asyncpg's protocol in a state that it
        # cannot leave: "cannot switch to state 15". A new connection starts afresh.
        return connection is not None
    # asyncpg says InterfaceError for a lost connection, for wrong use and for a wrong address.
    lost = connection is not None and connection.is_closed()
    return isinstance(error, InterfaceError) and lost


def is_of_records(error: Exception, connection: asyncpg.Connection[Any]) -> bool:
    """Return whether an error can be that of single records: then the others can be written.

    It is, whatever its class, unless it is the connection's, the server's or the setup's: a value
    that no column takes, an index row that is too long, a check, a trigger, a row mapping.
    """
    if isinstance(error, SinkError) or is_away(error, connection):
        return False
    if isinstance(error, PostgresError):
        return _class(error) not in _SETUP_CLASSES
    return not isinstance(error, InterfaceError | InternalClientError)


def _class(error: PostgresError) -> str:
    return (getattr(error, "sqlstate", None) or "")[:2]


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


def rejection(record: SinkRecord, error: Exception) -> Rejected:
    """Return a record that the database will never take, with what it said of it."""
    place = f"{record.topic}, partition {record.partition}, offset {record.offset}"
    said = str(error).partition("\n")[0]  # PostgreSQL's detail repeats the whole row
    name = type(error).__name__.removesuffix("Error")
    return Rejected(record, name, f"PostgreSQL does not take the record at {place}: {said}.")


def _cause(error: BaseException) -> BaseException:
    """Return what went wrong first: after a loss asyncpg complains of the rollback instead."""
    while isinstance(error, InterfaceError) and error.__context__ is not None:
        error = error.__context__
    return error
