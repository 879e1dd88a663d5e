"""Writes the work of a batch so that all of it counts, or none.

On Apache Kafka: state, outputs and offsets of each partition in one transaction, which no one but
the partition's owner can end. On the embedded broker, which has no transactions: first the
changelog, then the outputs, then the offsets are done, with a look at the clock before each write.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from faust.types import TP

from schemas.topics import physical
from streams.agents.batch import BatchResult
from streams.agents.changelog import Restored
from streams.agents.state_store import StateStore
from transport.record_size import check_size
from transport.records import Outgoing
from transport.transactions import FencedError, PartitionTransactions, send

Row = tuple[int, bytes, bytes]
"""Partition number, key and value of a row of the changelog."""


class PartitionsRevokedError(Exception):
    """The partitions were taken away while the batch was written; it will be read again."""


class Writer:
    """Sends the batches of a stage and waits for the broker's word.

    `transactions` is None on a broker without them; then the app's producer sends.
    """

    def __init__(
        self,
        app: Any,
        store: StateStore,
        changelog: str,
        prefix: str = "",
        transactions: PartitionTransactions | None = None,
        limits: Mapping[str, int] | None = None,
    ) -> None:
        """`limits`: the most bytes of a record by topic on the broker."""
        self._app = app
        self._store = store
        self._changelog = changelog
        self._prefix = prefix
        self._transactions = transactions
        self._limits = limits or {}

    @property
    def in_transactions(self) -> bool:
        """True when a batch is a transaction for each partition."""
        return self._transactions is not None

    async def take_over(self, numbers: Iterable[int]) -> None:
        """Shut earlier owners of these partition numbers out."""
        if self._transactions is not None:
            await self._transactions.fence(numbers)

    async def write(self, work: BatchResult) -> None:
        """Bring one batch to its end.

        Raises PartitionsRevokedError when the partitions are not this process's any more,
        RecordTooLargeError for a row that the changelog does not take, and the broker's error when
        it refuses a record: then nothing of this batch is committed.
        """
        rows = {
            key: (number, self._store.encode(entry, self._kept(work, key), number))
            for key, (number, entry) in work.entries.items()
        }
        written = [(number, key, value) for key, (number, value) in rows.items()]
        for _, key, value in written:
            check_size(self._changelog, key, value, self._limits)
        await self._write(work, written)

    async def _write(self, work: BatchResult, rows: list[Row]) -> None:
        if self._transactions is not None:
            await self._in_transactions(self._transactions, work, rows)
        else:
            await self._in_order(work, rows)
        consumer = self._app.consumer
        for tp, next_offset in work.done.items():
            consumer.done(tp, next_offset)

    async def write_first(self, restored: Restored) -> None:
        """Write what a new owner writes before anything else: a batch without records."""
        work = BatchResult(self._app.assignment_number)
        work.done = {TP(*place): offset for place, offset in restored.rewound.items()}
        rows = [(number, *row) for number, some in restored.rows.items() for row in some]
        await self._write(work, rows)

    def _kept(self, work: BatchResult, key: bytes) -> list[Outgoing]:
        """Return the outputs that have to stand beside the state: in a transaction, none."""
        return [] if self._transactions is not None else work.outputs.get(key, [])

    async def _in_transactions(
        self, transactions: PartitionTransactions, work: BatchResult, rows: list[Row]
    ) -> None:
        records: dict[int, list[Outgoing]] = defaultdict(list)
        for number, key, value in rows:
            records[number].append(Outgoing(self._changelog, number, key, 0, value, 0))
        for key, outputs in work.outputs.items():
            records[work.entries[key][0]] += self._addressed(outputs)
        for number, letters in work.letters.items():
            records[number] += self._addressed(letters)
        offsets: dict[int, dict[Any, int]] = defaultdict(dict)
        for tp, next_offset in work.done.items():
            offsets[tp.partition][tp] = next_offset
        self._check_assignment(work)
        writes = [
            transactions.write(number, records[number], offsets[number])
            for number in sorted(records.keys() | offsets.keys())
        ]
        # All of them come to their end before the next batch: none is left on its way.
        for error in await asyncio.gather(*writes, return_exceptions=True):
            if isinstance(error, FencedError):
                raise PartitionsRevokedError(str(error)) from error
            if error is not None:
                raise error
        self._check_assignment(work)
        self._persisted(rows)

    async def _in_order(self, work: BatchResult, rows: list[Row]) -> None:
        self._check_assignment(work)
        await self._send(
            [Outgoing(self._changelog, number, key, 0, value, 0) for number, key, value in rows]
        )
        self._check_assignment(work)
        self._persisted(rows)
        outputs = [pending for some in work.outputs.values() for pending in some]
        letters = [pending for some in work.letters.values() for pending in some]
        await self._send(self._addressed([*outputs, *letters]))
        self._check_assignment(work)

    def _persisted(self, rows: list[Row]) -> None:
        for _, key, value in rows:
            self._store.persisted(key, value)

    def _check_assignment(self, work: BatchResult) -> None:
        if self._app.assignment_number != work.assignment_number:
            raise PartitionsRevokedError
        if self._transactions is None and self._app.consumer.session_expired():
            msg = "the consumer group has not answered for longer than its session"
            raise PartitionsRevokedError(msg)

    async def _send(self, records: list[Outgoing]) -> None:
        producer = self._app.producer._producer
        if producer is None:
            raise PartitionsRevokedError
        await asyncio.gather(*await send(producer, records, self._limits))

    def _addressed(self, pending: Iterable[Outgoing]) -> list[Outgoing]:
        return [one._replace(topic=physical(one.topic, self._prefix)) for one in pending]
