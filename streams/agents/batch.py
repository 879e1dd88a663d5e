"""From records to work: decode, check, advance. No I/O except asking the registry for an id."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

from schemas.codec import BadEventError, Codec, UnknownSchemaError
from schemas.dead_letters import Kind, make
from schemas.partitioning import partition_for, partition_of
from schemas.registry_client import Registry
from schemas.topics import DEAD_LETTERS, logical
from streams.agents.crashes import CrashLog
from streams.agents.faust_ext.consumer import Chunk
from streams.agents.state_store import Pending, StateStore
from streams.runner import StageRunner
from streams.stage import Entry, Output, Stage, Tables, UnusableEventError
from transport.decoder import Decoder, Silence
from transport.records import sent_ms

_log = logging.getLogger(__name__)


class BatchResult:
    """What one batch comes to: entries to write, outputs to send, offsets that are then done."""

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.entries: dict[bytes, tuple[int, Entry]] = {}
        self.outputs: dict[bytes, list[Pending]] = {}
        self.letters: list[Pending] = []
        self.done: dict[Any, int] = {}
        self.events = 0


class _BatchEntries:
    """The state store as the runner asks for it; what is read and written becomes the batch's."""

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self.work = BatchResult(-1)
        self.partition = -1
        self.written = b""

    def get(self, key: bytes, /) -> Entry | None:
        """Return an entry; outputs decided before a crash, perhaps never sent, are sent again."""
        entry, unsent = self._store.load(key)
        if entry is not None and unsent:
            self.work.entries[key] = (self.partition, entry)
            self.work.outputs[key] = list(unsent)
        return entry

    def __setitem__(self, key: bytes, entry: Entry, /) -> None:
        """Remember an entry in memory and in the batch."""
        self._store.put(key, entry)
        self.work.entries[key] = (self.partition, entry)
        self.written = key


class BatchProcessor:
    """Runs the pure stage over chunks of records."""

    def __init__(
        self,
        stage: Stage,
        codec: Codec,
        registry: Registry,
        store: StateStore,
        crashes: CrashLog,
        *,
        partitions: int,
        prefix: str = "",
        tables: Callable[[], Tables],
    ) -> None:
        self._stage = stage
        self._codec = codec
        self._decoder = Decoder(codec, registry.resolve, Silence.WAIT)
        self._store = store
        self._crashes = crashes
        self._partitions = partitions
        self._prefix = prefix
        self._tables = tables
        self._entries = _BatchEntries(store)
        self._runner = StageRunner(stage, partitions, self._entries, self._refuse_given_up)

    async def work(self, chunks: Iterable[Chunk], generation: int) -> BatchResult:
        """Return the work of the chunks; an exception of the stage itself passes through."""
        work = BatchResult(generation)
        tables = self._tables()
        decode = self._codec.decode
        for chunk in chunks:
            topic = logical(chunk.tp.topic, self._prefix)
            for record in chunk.records:
                try:
                    try:
                        event = decode(record.value)
                    except UnknownSchemaError:
                        event = await self._decoder.decode(record.value)
                    self._apply(work, topic, record, event, tables)
                except (BadEventError, UnusableEventError) as error:
                    work.letters.append(self._letter(topic, record, error))
            work.done[chunk.tp] = chunk.records[-1].offset + 1
            work.events += len(chunk.records)
        return work

    def _refuse_given_up(self, topic: str, partition: int, offset: int) -> None:
        crash = self._crashes.given_up(topic, partition, offset)
        if crash is not None:
            msg = f"the engine failed {crash.times} times on this record: {crash.error}"
            raise UnusableEventError(msg, Kind.GIVEN_UP)

    def _apply(
        self, work: BatchResult, topic: str, record: Any, event: Any, tables: Tables
    ) -> None:
        entries, partition, offset = self._entries, record.partition, record.offset
        entries.work, entries.partition = work, partition
        try:
            outputs = self._runner.apply(topic, partition, offset, record.key, event, tables)
        except (BadEventError, UnusableEventError):
            raise
        except Exception as error:
            count = self._crashes.note(topic, partition, offset, error)
            _log.error(
                "%s failed on %s:%d:%d (%d)", self._stage.name, topic, partition, offset, count
            )
            raise
        if outputs:
            pending = work.outputs.setdefault(entries.written, [])
            pending.extend([self._pending(output, record) for output in outputs])

    def _pending(self, output: Output, record: Any) -> Pending:
        key = output.key.encode()
        partition = partition_for(key, record.key, record.partition, self._partitions)
        return Pending(
            output.topic,
            partition,
            key,
            record.timestamp,
            self._codec.encode(output.event),
            sent_ms(record.headers) or 0,
        )

    def _letter(
        self, topic: str, record: Any, error: BadEventError | UnusableEventError
    ) -> Pending:
        letter = make(
            error.kind,
            topic=topic,
            partition=record.partition,
            offset=record.offset,
            stage=self._stage.name,
            error=type(error).__name__.removesuffix("Error"),
            reason=str(error),
            failed_at=int(time.time() * 1000),
            timestamp=record.timestamp,
            key=record.key,
            value=record.value,
        )
        key = topic.encode()
        return Pending(
            DEAD_LETTERS.name,
            partition_of(key, self._partitions),
            key,
            letter.failed_at,
            self._codec.encode(letter),
            0,
        )
