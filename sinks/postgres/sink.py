"""The PostgreSQL sink: everything of a flush in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import asyncpg

from schemas.redact import shown
from sinks.base import Flushed, Rejected, Sink, SinkError, SinkRecord
from sinks.postgres import news, outcomes, portfolios, signals_table, strategies, top, trending
from sinks.postgres.errors import is_of_records, rejection, translate
from sinks.postgres.migrate import migrate
from sinks.postgres.row_writer import Writer
from sinks.postgres.table import Connection

WRITERS: tuple[Writer, ...] = (
    strategies.WRITER,
    trending.WRITER,
    news.WRITER,
    news.SCORES_WRITER,
    signals_table.WRITER,
    signals_table.ASKED_WRITER,
    top.WRITER,
    portfolios.TRADES_WRITER,
    portfolios.EQUITY_WRITER,
    outcomes.WRITER,
)


class PostgresSink:
    """Writes trending assets, news and its scores, strategies, signals, portfolios and outcomes.

    `dsn` is a postgresql:// URL. `run_migrations=False` leaves the schema as it is.
    A statement that takes longer than `statement_timeout_s`, or a connection that does, counts as
    a database that is away. One connection; opened again whenever it was lost.
    """

    name = "postgres"
    topics = tuple(dict.fromkeys(writer.topic for writer in WRITERS))

    def __init__(
        self,
        dsn: str,
        *,
        run_migrations: bool = True,
        connect_timeout_s: float = 10.0,
        statement_timeout_s: float = 60.0,
    ) -> None:
        self._dsn = dsn
        self._run_migrations = run_migrations
        self._connect_timeout_s = connect_timeout_s
        self._statement_timeout_s = statement_timeout_s
        self._connection: Connection | None = None
        self._pending: list[SinkRecord] = []

    def __repr__(self) -> str:
        return f"PostgresSink({shown(self._dsn)!r})"

    async def setup(self) -> None:
        """Apply the missing migrations and connect.

        Raises SinkUnavailableError while the database is away, SinkError when it refuses us or a
        migration fails.
        """
        if self._run_migrations:
            await migrate(self._dsn)
        try:
            await self._connected()
        except Exception as error:
            raise translate(error, None, self._dsn) from error

    def add(self, records: Sequence[SinkRecord]) -> None:
        """Keep records for the next flush."""
        self._pending.extend(records)

    async def flush(self) -> Flushed:
        """Write all that was added in one transaction; see Sink.flush."""
        records = self._pending
        if not records:
            return Flushed()
        by_topic = _by_topic(records)
        try:
            flushed = await _write_all(await self._connected(), by_topic)
        except BaseException as error:
            lost = self._connection
            failure = translate(error, lost, self._dsn) if isinstance(error, Exception) else None
            self._disconnect()
            if failure is None:  # cancelled: the transaction is rolled back with its connection
                raise
            raise failure from error
        self._pending = []
        return flushed

    def discard(self) -> None:
        """Forget what was added and not flushed."""
        self._pending = []

    async def close(self) -> None:
        """Close the connection, and drop what was not flushed."""
        self._pending = []
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            await connection.close(timeout=2)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            connection.terminate()

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                self._dsn,
                timeout=self._connect_timeout_s,
                command_timeout=self._statement_timeout_s,
                server_settings={"application_name": "quantiva-sink"},
            )
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


def _by_topic(records: Sequence[SinkRecord]) -> dict[str, list[SinkRecord]]:
    by_topic: dict[str, list[SinkRecord]] = {}
    for record in records:
        by_topic.setdefault(record.topic, []).append(record)
    unknown = by_topic.keys() - set(PostgresSink.topics)
    if unknown:
        message = f"The PostgreSQL sink has no table for {', '.join(sorted(unknown))}."
        raise SinkError(message)
    return by_topic


async def _write_all(
    connection: Connection, by_topic: Mapping[str, Sequence[SinkRecord]]
) -> Flushed:
    """Write a flush; nothing of it stays when this raises."""
    rows: Counter[str] = Counter()
    rejected: list[Rejected] = []
    async with connection.transaction():
        for writer in WRITERS:
            await _isolate(connection, writer, by_topic.get(writer.topic, ()), rows, rejected)
    return Flushed({table: count for table, count in rows.items() if count}, tuple(rejected))


async def _isolate(
    connection: Connection,
    writer: Writer,
    records: Sequence[SinkRecord],
    rows: Counter[str],
    rejected: list[Rejected],
) -> None:
    """Write records; halve them until each one that cannot be written stands alone."""
    if not records:
        return
    try:
        async with connection.transaction():  # a savepoint
            written = await writer.write(connection, records)
    except Exception as error:
        if not is_of_records(error, connection):
            raise
        if len(records) == 1:
            rejected.append(rejection(records[0], error))
            return
        middle = len(records) // 2
        await _isolate(connection, writer, records[:middle], rows, rejected)
        await _isolate(connection, writer, records[middle:], rows, rejected)
    else:
        rows.update(written)


_: type[Sink] = PostgresSink  # mypy checks the contract here
