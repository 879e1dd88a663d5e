"""The database schema, brought up to date: plain .sql files in migrations/, applied by yoyo."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from datetime import UTC, datetime
from importlib.resources import as_file, files
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import asyncpg

from schemas.redact import conceal, shown
from sinks.base import SinkError, SinkUnavailableError
from sinks.postgres.errors import translate

_log = logging.getLogger(__name__)
_LOCK = 0x7175616E74697661  # "quantiva": the advisory lock that all starts share
_CONNECT_TIMEOUT_S = 10


async def migrate(dsn: str) -> list[str]:
    """Apply the migrations that are missing and return their names; often none.

    Safe to call by many processes at once: the others wait until the first one is through. Each
    migration is one transaction. Migrations of a newer version of this program are left alone.
    Raises SinkUnavailableError when the database is away, SinkError when a migration fails.
    """
    try:
        uri = yoyo_uri(dsn)
    except ValueError as error:
        raise SinkError(str(error)) from None
    await _check(dsn)
    # It blocks, so it runs in a thread. Cancelled, the thread ends what it began, still locked.
    return await asyncio.to_thread(_migrate, dsn, uri)


def yoyo_uri(dsn: str) -> str:
    """Return the address as yoyo wants it: with the driver in the scheme.

    ValueError, without the address in its text, when it is not a postgresql:// URL.
    """
    scheme, separator, rest = dsn.partition("://")
    if not separator or scheme not in {"postgres", "postgresql"}:
        message = "The database address must look like postgresql://user:password@host:port/name."
        raise ValueError(message)
    return f"postgresql+psycopg://{rest}"


async def _check(dsn: str) -> None:
    """Connect once with asyncpg: its errors set a wrong address apart from an absent database."""
    try:
        connection = await asyncpg.connect(dsn, timeout=_CONNECT_TIMEOUT_S)
        await connection.close(timeout=_CONNECT_TIMEOUT_S)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise translate(error, None, dsn) from error


def _migrate(dsn: str, uri: str) -> list[str]:
    import psycopg

    try:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S) as guard:
            # Not yoyo's own lock: that is a row, which stays when a process dies.
            guard.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
            # yoyo takes its lock for its own tables all the same; a row there is a dead process's.
            guard.execute("DROP TABLE IF EXISTS yoyo_lock")
            names = _apply(uri)
    except psycopg.OperationalError as error:
        raise SinkUnavailableError(_away(dsn, error)) from None
    except psycopg.Error as error:
        message = (
            f"A migration of PostgreSQL at {shown(dsn)} failed and was rolled back: "
            f"{_said(error, dsn)}. Mend the schema, then start again."
        )
        raise SinkError(message) from None
    if names:
        _log.info("PostgreSQL at %s: applied %s", shown(dsn), ", ".join(names))
    return names


def _away(dsn: str, error: Exception) -> str:
    return f"PostgreSQL at {shown(dsn)} cannot be used now: {_said(error, dsn)}. It is tried again."


def _said(error: Exception, dsn: str) -> str:
    return conceal(str(error).partition("\n")[0], dsn)


def _apply(uri: str) -> list[str]:
    from yoyo import read_migrations  # type: ignore[import-untyped]

    logging.getLogger("yoyo").setLevel(logging.WARNING)  # else a line for every statement
    backend = _backend(uri)
    try:
        with as_file(files("sinks.postgres") / "migrations") as folder:
            missing = backend.to_apply(read_migrations(str(folder)))
            backend.apply_migrations(missing)
        return [str(migration.id) for migration in missing]
    finally:
        backend.connection.close()


def _backend(uri: str) -> Any:
    from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend  # type: ignore[import-untyped]
    from yoyo.connections import parse_uri  # type: ignore[import-untyped]

    class Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]
        def get_log_data(self, migration: Any = None, operation: str = "apply") -> dict[str, Any]:
            """Return yoyo's log row; yoyo's own asks for the user's name and the name server.

            Neither need exist in a container: the first then raises, the second blocks for long.
            """
            return {
                "id": str(uuid4()),
                "migration_id": migration.id if migration else None,
                "migration_hash": migration.hash if migration else None,
                "username": str(os.getuid()),
                "hostname": socket.gethostname(),
                "created_at_utc": datetime.now(UTC).replace(tzinfo=None),
                "operation": operation,
            }

    # A socket's folder stands in place of the host; yoyo leaves it encoded, in small letters.
    host = unquote(urlsplit(uri).netloc.rpartition("@")[2])
    parsed = parse_uri(uri)
    backend = Backend(
        parsed._replace(hostname=host) if host.startswith("/") else parsed, "_yoyo_migration"
    )
    backend.init_database()
    return backend
