"""The database schema, brought up to date: plain .sql files in migrations/, applied by yoyo."""

from __future__ import annotations

import asyncio
import os
import socket
from datetime import UTC, datetime
from importlib.resources import as_file, files
from typing import Any
from uuid import uuid4

from sinks.base import SinkError, SinkUnavailableError
from sinks.postgres.dsn import conceal, redact, yoyo_uri

_LOCK = 0x7175616E74697661  # "quantiva": the advisory lock that all starts share
_CONNECT_TIMEOUT_S = 10


async def migrate(dsn: str) -> list[str]:
    """Apply the migrations that are missing and return their names; often none.

    Safe to call by many processes at once: the others wait until the first one is through. Each
    migration is one transaction. Migrations of a newer version of this program are left alone.
    Raises SinkUnavailableError when the database is away, SinkError when a migration fails.
    """
    # It blocks, so it runs in a thread. Cancelled, the thread ends what it began, still locked.
    return await asyncio.to_thread(_migrate, dsn)


def _migrate(dsn: str) -> list[str]:
    import psycopg

    try:
        uri = yoyo_uri(dsn)
    except ValueError as error:
        raise SinkError(str(error)) from None
    try:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S) as guard:
            # Not yoyo's own lock: that is a row, which stays when a process dies.
            guard.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
            # yoyo takes its lock for its own tables all the same; a row there is a dead process's.
            guard.execute("DROP TABLE IF EXISTS yoyo_lock")
            return _apply(uri)
    except psycopg.OperationalError as error:
        raise SinkUnavailableError(_away(dsn, error)) from None
    except psycopg.Error as error:
        message = (
            f"A migration of PostgreSQL at {redact(dsn)} failed and was rolled back: "
            f"{conceal(str(error), dsn)}. Mend the schema, then start again."
        )
        raise SinkError(message) from None


def _away(dsn: str, error: Exception) -> str:
    said = conceal(str(error), dsn).strip()
    return f"PostgreSQL at {redact(dsn)} cannot be used now: {said}. It is tried again."


def _apply(uri: str) -> list[str]:
    from yoyo import read_migrations  # type: ignore[import-untyped]

    backend = _backend(uri)
    try:
        with as_file(files("sinks.postgres") / "migrations") as folder:
            missing = backend.to_apply(read_migrations(str(folder)))
            backend.apply_migrations(missing)
        return [str(migration.id) for migration in missing]
    finally:
        backend.connection.close()


def _backend(uri: str) -> Any:
    from yoyo.backends.core.postgresql import (  # type: ignore[import-untyped]
        PostgresqlPsycopgBackend,
    )
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

    backend = Backend(parse_uri(uri), "_yoyo_migration")
    backend.init_database()
    return backend
