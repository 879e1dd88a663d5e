"""Writes the work of a batch: first the changelog, then the outputs, then the offsets are done."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from schemas.topics import physical
from streams.agents.batch import BatchResult
from streams.agents.state_store import Pending, StateStore

MAX_BATCH_BYTES = 900_000
"""Below the 1 MB that a broker takes by default."""


class PartitionsRevokedError(Exception):
    """The partitions were taken away while the batch was written; it will be read again."""


class Writer:
    """Sends per-partition batches through the app's producer and waits for the broker's word."""

    def __init__(self, app: Any, store: StateStore, changelog: str, prefix: str = "") -> None:
        self._app = app
        self._store = store
        self._changelog = changelog
        self._prefix = prefix

    async def write(self, work: BatchResult) -> None:
        """Bring one batch to its end.

        Raises GivenUpError when the group's generation moved on, and the producer's error when
        the broker refused a record: then nothing of this batch is committed.
        """
        values = {
            key: (partition, self._store.encode(entry, work.outputs.get(key, [])))
            for key, (partition, entry) in work.entries.items()
        }
        self._check_generation(work)
        await self._send(
            (self._changelog, partition, key, 0, value, 0)
            for key, (partition, value) in values.items()
        )
        for key, (_, value) in values.items():
            self._store.persisted(key, value)
        self._check_generation(work)
        await self._send(_addressed(self._outputs(work), self._prefix))
        self._check_generation(work)
        consumer = self._app.consumer
        for tp, next_offset in work.done.items():
            consumer.done(tp, next_offset)

    def _outputs(self, work: BatchResult) -> Iterable[Pending]:
        for pending in work.outputs.values():
            yield from pending
        yield from work.letters

    def _check_generation(self, work: BatchResult) -> None:
        if self._app.consumer_generation_id != work.generation:
            raise PartitionsRevokedError

    async def _send(self, records: Iterable[tuple[str, int, bytes, int, bytes, int]]) -> None:
        producer = self._app.producer._producer
        if producer is None:
            raise PartitionsRevokedError
        builders: dict[tuple[str, int], Any] = {}
        waiting = []
        for topic, partition, key, timestamp_ms, value, sent_ms in records:
            where = (topic, partition)
            headers = [("sent_ms", b"%d" % sent_ms)] if sent_ms else []
            timestamp = timestamp_ms or None
            builder = builders.get(where)
            if builder is None:
                builder = builders[where] = producer.create_batch()
            if builder.append(key=key, value=value, timestamp=timestamp, headers=headers) is None:
                waiting.append(await producer.send_batch(builder, topic, partition=partition))
                builder = builders[where] = producer.create_batch()
                builder.append(key=key, value=value, timestamp=timestamp, headers=headers)
        for (topic, partition), builder in builders.items():
            waiting.append(await producer.send_batch(builder, topic, partition=partition))
        if waiting:
            await asyncio.gather(*waiting)


def _addressed(
    pending: Iterable[Pending], prefix: str
) -> Iterable[tuple[str, int, bytes, int, bytes, int]]:
    for one in pending:
        yield (physical(one.topic, prefix), *one[1:])
