"""The archive: every record of the log as it is, in Avro files by topic, day and partition."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

from schemas.registry_client import RegistryError
from sinks.base import Flushed, Sink, SinkError, SinkRecord, SinkUnavailableError
from streams.archive.records import ArchiveError, LoggedRecord
from streams.archive.store import ArchiveStore
from streams.archive.writer import ArchiveWriter, SchemaText, keep_schemas

_FOR_GOOD: tuple[type[OSError], ...] = (
    FileExistsError,
    FileNotFoundError,
    NotADirectoryError,
    PermissionError,
)
"""Waiting does not help: a folder that may not be written to, a bucket that is not there."""

Place = tuple[str, int]
"""Topic (logical name) and partition."""


class ArchiveSink:
    """Writes what was added as whole files; wants its records undecoded.

    `partitions` are the topics to archive, by logical name, with their partition counts on the
    broker. After a crash records come again: those that a file holds already are compared with it
    and not written twice, whatever was committed.
    """

    def __init__(
        self,
        store: ArchiveStore,
        prefix: str,
        partitions: Mapping[str, int],
        text_of: SchemaText,
        *,
        transactions: bool = False,
    ) -> None:
        self.name = "archive"
        self.topics = tuple(partitions)
        self._prefix = prefix
        self._partitions = partitions
        self._text_of = text_of
        self._pending: dict[Place, list[LoggedRecord]] = defaultdict(list)
        self._reached: dict[Place, int] = {}
        self.writer = ArchiveWriter(store, transactions=transactions)

    @property
    def reached(self) -> Mapping[Place, int]:
        """The last offset taken of each partition since it was assigned; perhaps not written."""
        return self._reached

    async def setup(self) -> None:
        """Make or continue the archive; remove what killed writers left."""
        try:
            await asyncio.to_thread(self.writer.open, self._prefix, self._partitions)
        except (ArchiveError, OSError) as error:
            raise self._as_sink_error(error) from error

    def add(self, records: Sequence[SinkRecord]) -> None:
        """Keep records for the next flush."""
        for record in records:
            self._pending[record.topic, record.partition].append(
                LoggedRecord(
                    record.offset, record.timestamp_ms, record.key, record.value, record.headers
                )
            )
        if records:
            self._reached[records[-1].topic, records[-1].partition] = records[-1].offset

    async def flush(self) -> Flushed:
        """Write a file of each partition (and day); in `rows` are records that were new."""
        pending = dict(self._pending)
        try:
            self._check(pending)
            for records in pending.values():
                await keep_schemas(self.writer, records, self._text_of)
            rows = await asyncio.to_thread(self._write, pending)
        except RegistryError as error:
            raise SinkUnavailableError(str(error)) from error
        except (ArchiveError, OSError) as error:
            raise self._as_sink_error(error) from error
        self._pending = defaultdict(list)
        return Flushed(rows)

    def discard(self) -> None:
        """Forget what was not flushed, and what the archive holds: others may write to it now."""
        self._pending = defaultdict(list)
        self._reached.clear()
        self.writer.forget()

    async def close(self) -> None:
        """Forget what was not flushed."""
        self.discard()

    def _write(self, pending: Mapping[Place, Sequence[LoggedRecord]]) -> dict[str, int]:
        rows: dict[str, int] = {}
        for (topic, partition), records in sorted(pending.items()):
            written = self.writer.write(topic, partition, records)
            if written:
                rows[topic] = rows.get(topic, 0) + written
        return rows

    def _check(self, places: Mapping[Place, object]) -> None:
        for topic, partition in places:
            if partition >= self._partitions[topic]:
                msg = (
                    f"Topic {topic} had {self._partitions[topic]} partitions and has got more: "
                    "start again with another address."
                )
                raise ArchiveError(msg)

    def _as_sink_error(self, error: Exception) -> SinkError:
        if isinstance(error, ArchiveError):
            return SinkError(str(error))
        where = f"The archive {self.writer.address} cannot be written: {error}."
        return SinkError(where) if isinstance(error, _FOR_GOOD) else SinkUnavailableError(where)


_: type[Sink] = ArchiveSink  # mypy checks the contract here
