"""From signal_explanations to signals.explanations: each explanation once, after it is stored.

One process publishes at a time: the one that holds an advisory lock in PostgreSQL. What it has
sent and the broker has acknowledged is marked in `published_at`. A process that dies between the
two leaves records on the topic that are not marked; so whoever gets the lock first reads the topic
from the last known positions to its end, and marks what it finds there.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import asyncpg
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from schemas.explanations import Explanation
from schemas.redact import conceal
from schemas.times import ms
from sinks.explanations.topic import ExplanationTopic, Positions
from sinks.postgres.errors import translate
from sinks.postgres.table import Connection

_log = logging.getLogger(__name__)

_LOCK = 0x71756578706C6E73  # "quexplns"
_PAGE = 500
_RETRY_S = 1.0
_SETTLE_S = 1.0
"""What a process had sent when it died is on the topic by then."""
_POLL_S = 1.0
_UNPUBLISHED = (
    "SELECT signal_id, asset, strategy_id, cycle, explained_at, status, text, model, input_hash,"
    " error, prompt_tokens, completion_tokens, cost_usd FROM signal_explanations"
    " WHERE published_at IS NULL AND status IN ('done', 'failed', 'skipped')"
    " ORDER BY explained_at, signal_id LIMIT $1"
)
_MARK = (
    "UPDATE signal_explanations SET published_at = clock_timestamp()"
    " WHERE signal_id = ANY($1::text[]) AND published_at IS NULL"
)
_POSITION = (
    "INSERT INTO explanation_positions AS stored (topic, partition, next_offset)"
    " SELECT $1, * FROM unnest($2::integer[], $3::bigint[])"
    " ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset"
)


class Outbox:
    """Publishes what is stored, in one task; `tally["published"]` counts."""

    def __init__(self, dsn: str, log: ExplanationTopic, tally: Counter[str]) -> None:
        self._dsn = dsn
        self._log = log
        self._tally = tally
        self._stopping = asyncio.Event()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the task."""
        self._task = asyncio.create_task(self._run())

    def wake(self) -> None:
        """Note that there is something to publish, and return at once."""
        self._wake.set()

    async def stop(self, within_s: float) -> None:
        """Publish what is there, then end; cut it off after `within_s`."""
        self._stopping.set()
        self._wake.set()
        if self._task is not None:
            _, late = await asyncio.wait({self._task}, timeout=within_s)
            for task in late:
                task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._log.close()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            connection: Connection | None = None
            try:
                connection = await asyncpg.connect(self._dsn, timeout=10, command_timeout=60)
                await self._publish_while_locked(connection)
            except (KafkaError, OSError, TimeoutError, asyncpg.InterfaceError) as error:
                _log.warning("explanations are published later: %s", conceal(str(error), self._dsn))
            except asyncpg.PostgresError as error:
                _log.warning("%s", translate(error, connection, self._dsn))
            except Exception:  # a task that ends would publish nothing more, and nobody would see
                _log.exception("explanations are published later: a defect")
            finally:
                if connection is not None:
                    connection.terminate()  # ends the lock with it, whatever state it is in
            await self._rest(_RETRY_S)

    async def _publish_while_locked(self, connection: Connection) -> None:
        """Publish until we stop; return where another process has the lock."""
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
            return
        await self._read_back(connection)
        while True:
            self._wake.clear()
            if await self._publish_page(connection):
                continue
            if self._stopping.is_set():
                return
            await self._idle()

    async def _read_back(self, connection: Connection) -> None:
        """Mark what is on the topic and was not marked."""
        await asyncio.sleep(_SETTLE_S)
        rows = await connection.fetch(
            "SELECT partition, next_offset FROM explanation_positions WHERE topic = $1",
            self._log.topic,
        )
        starts = {row["partition"]: row["next_offset"] for row in rows}
        async for signal_ids, positions in self._log.read(starts):
            await self._mark(connection, signal_ids, positions)

    async def _publish_page(self, connection: Connection) -> bool:
        """Publish the oldest that are not; False when there are none."""
        rows = await connection.fetch(_UNPUBLISHED, _PAGE)
        await self._publish_rows(connection, rows)
        return bool(rows)

    async def _publish_rows(self, connection: Connection, rows: Sequence[Any]) -> None:
        """Publish; a row that can never be published is named in the log, and passed over."""
        if not rows:
            return
        try:
            await self._publish(connection, rows)
        except (MessageSizeTooLargeError, TypeError, ValueError) as error:
            if len(rows) > 1:
                for row in rows:
                    await self._publish_rows(connection, [row])
                return
            # All that came after it would wait behind it for ever.
            signal_id = rows[0]["signal_id"]
            _log.error("the explanation of %s cannot be published: %s", signal_id, error)
            await self._mark(connection, [signal_id], {})

    async def _publish(self, connection: Connection, rows: Sequence[Any]) -> None:
        positions = await self._log.send([explanation(row) for row in rows])
        await self._mark(connection, [row["signal_id"] for row in rows], positions)
        self._tally["published"] += len(rows)

    async def _mark(
        self, connection: Connection, signal_ids: Sequence[str], positions: Positions
    ) -> None:
        async with connection.transaction():
            await connection.execute(_MARK, list(signal_ids))
            await connection.execute(
                _POSITION, self._log.topic, list(positions), list(positions.values())
            )

    async def _idle(self) -> None:
        """Wait until there is something to publish, or it is time to look."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_POLL_S):
                await self._wake.wait()

    async def _rest(self, seconds: float) -> None:
        """Do nothing for so long, whatever there is to publish; end at once when we stop."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()


def explanation(row: Any) -> Explanation:
    """Return the event of a row that has its outcome."""
    return Explanation(
        signal_id=row["signal_id"],
        asset=row["asset"],
        strategy_id=row["strategy_id"],
        cycle=ms(row["cycle"]),
        explained_at=ms(row["explained_at"]),
        status=row["status"],
        text=row["text"],
        model=row["model"],
        input_hash=row["input_hash"] or "",
        reason=row["error"] or "",
        prompt_tokens=row["prompt_tokens"],
        completion_tokens=row["completion_tokens"],
        cost_usd=float(row["cost_usd"]),
    )
