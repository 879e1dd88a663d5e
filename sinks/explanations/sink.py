"""The sink behind the runner: tops become pending rows, and the rest happens beside the stream.

`flush` only inserts rows, so offsets are committed at the pace of the database, whatever the model
does. What is to be explained is in PostgreSQL from then on, and a restart goes on from there.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import asyncpg

from schemas.redact import shown
from schemas.signals import TopSignals
from schemas.topics import TOP
from sinks.base import Flushed, Rejected, Sink, SinkRecord
from sinks.explanations.outbox import Outbox
from sinks.explanations.settings import ExplanationSettings
from sinks.explanations.topic import ExplanationTopic
from sinks.explanations.worker import Workers
from sinks.postgres import migrate
from sinks.postgres.errors import is_of_records, rejection, translate
from sinks.postgres.top import SIGNAL_EXPLANATIONS, explanation_rows
from transport.circuit_breaker import BreakerSettings

_STOP_WITHIN_S = 4.0
_CONNECT_TIMEOUT_S, _STATEMENT_TIMEOUT_S = 10.0, 60.0


class ExplanationsSink:
    """Explains the signals of signals.top. The signals themselves are read from PostgreSQL.

    `tally` counts since the start: done, failed, skipped, refused (asked, not served), published.
    """

    name = "explanations"
    topics = (TOP.name,)

    def __init__(
        self,
        dsn: str,
        settings: ExplanationSettings,
        topic: ExplanationTopic,
        *,
        breaker_settings: BreakerSettings | None = None,
    ) -> None:
        self._dsn = dsn
        self._settings = settings
        self._topic = topic
        self._breaker_settings = breaker_settings or BreakerSettings(first_pause_s=30.0)
        self._pool: asyncpg.Pool[Any] | None = None
        self._workers: Workers | None = None
        self._outbox: Outbox | None = None
        self._added: list[SinkRecord] = []
        self.tally: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"ExplanationsSink({shown(self._dsn)!r})"

    async def setup(self) -> None:
        """Bring the schema up to date, connect, start the workers; see Sink.setup."""
        if self._pool is not None:
            return
        await migrate(self._dsn)
        try:
            pool = await asyncpg.create_pool(
                self._dsn,
                min_size=1,
                max_size=self._settings.concurrency + 2,  # one sweeps, one flushes
                timeout=_CONNECT_TIMEOUT_S,
                command_timeout=_STATEMENT_TIMEOUT_S,
                server_settings={"application_name": "quantiva-explanations"},
            )
        except Exception as error:
            raise translate(error, None, self._dsn) from error
        self._pool = pool
        self._outbox = Outbox(self._dsn, self._topic, self.tally)
        self._workers = Workers(
            self._settings, pool, self._dsn, self._outbox.wake, self._breaker_settings, self.tally
        )
        self._outbox.start()
        self._workers.start()

    def add(self, records: Sequence[SinkRecord]) -> None:
        """Keep records for the next flush."""
        self._added.extend(records)

    async def flush(self) -> Flushed:
        """Insert the pending rows, one statement a ranking; see Sink.flush.

        One at a time, for the PostgreSQL sink inserts the same rows: two statements that each
        hold some of them in another order would wait for each other.
        """
        if not self._added:
            return Flushed()
        assert self._workers is not None  # noqa: S101 - the runner calls setup first
        count, rejected = await self._workers.within(self._insert)
        self._added = []
        self._workers.wake()
        rows = {SIGNAL_EXPLANATIONS.name: count} if count else {}
        return Flushed(rows, tuple(rejected))

    def discard(self) -> None:
        """Forget what was added and not flushed."""
        self._added = []

    async def close(self) -> None:
        """End the workers after what they are at, publish what is stored, close everything."""
        self._added = []
        workers, self._workers = self._workers, None
        outbox, self._outbox = self._outbox, None
        pool, self._pool = self._pool, None
        if workers is not None:
            await workers.stop(_STOP_WITHIN_S)
        if outbox is not None:
            await outbox.stop(_STOP_WITHIN_S)
        if pool is not None:
            try:
                async with asyncio.timeout(1.0):
                    await pool.close()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                pool.terminate()

    async def _insert(self, connection: Any) -> tuple[int, list[Rejected]]:
        count = 0
        rejected: list[Rejected] = []
        for record in self._added:
            event: TopSignals = record.event
            try:
                count += await SIGNAL_EXPLANATIONS.write(connection, explanation_rows(event))
            except Exception as error:
                if not is_of_records(error, connection):
                    raise
                rejected.append(rejection(record, error))
        return count, rejected


_: type[Sink] = ExplanationsSink  # mypy checks the contract here
