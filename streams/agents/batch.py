"""From records to work: decode, check, advance. No I/O except asking the registry for an id."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from schemas.codec import BadEventError, Codec, UnknownSchemaError
from schemas.dead_letters import Kind, make
from schemas.market import NewsArticle
from schemas.partitioning import partition_for, partition_of
from schemas.registry_client import Registry
from schemas.topics import DEAD_LETTERS, logical
from streams.agents.crashes import CrashLog
from streams.agents.faust_ext.consumer import Chunk
from streams.agents.headline_reader import HeadlineReader
from streams.agents.state_store import StateStore
from streams.engines.indicators.library import load
from streams.engines.scoring_stage import ScoringStage
from streams.headlines.probabilities import NO_TEXTS, ModelTexts, Probabilities
from streams.headlines.stage import remembered
from streams.runner import StageRunner
from streams.stage import Entry, Output, Stage, Tables, UnusableEventError
from transport.decoder import Decoder, Silence
from transport.record_size import DEFAULT_LIMIT, check_size
from transport.records import Outgoing, sent_ms

_log = logging.getLogger(__name__)
MOST_OUTPUT_BYTES = 400_000
"""A batch ends where one key has put out so much: on the embedded broker all of it stands in one
record beside the state."""
_AT_ONCE = 32
"""Records whose texts are read together."""
_A_TURN = 8
"""Records between two turns of the event loop: some milliseconds, whatever is in them."""
_TURN_S = 0.02
"""Time after which the event loop has its turn all the same: a candle may take that long where
rules name twenty indicators."""
_MOST_S = 2.0
"""A batch ends after so long (texts that a model reads, indicators that rules name): a rebalance
waits for it, and so does the watchdog that ends a worker without progress."""


class BatchResult:
    """What one batch comes to: entries to write, outputs to send, offsets that are then done."""

    def __init__(self, assignment_number: int) -> None:
        self.assignment_number = assignment_number
        self.entries: dict[bytes, tuple[int, Entry]] = {}
        self.outputs: dict[bytes, list[Outgoing]] = {}
        self.letters: dict[int, list[Outgoing]] = {}
        self.done: dict[Any, int] = {}
        self.events = 0
        self.last_of: dict[bytes, Any] = {}
        self.is_full = False
        self._bytes_of: Counter[bytes] = Counter()

    def note_size(self, key: bytes, outputs: Iterable[Outgoing]) -> None:
        """Count the bytes that a key puts out: the batch is full where they become many."""
        self._bytes_of[key] += sum([len(one.value) for one in outputs])
        self.is_full |= self._bytes_of[key] > MOST_OUTPUT_BYTES


class _BatchEntries:
    """The state store as the runner asks for it; what is read and written becomes the batch's."""

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self.work = BatchResult(-1)
        self.record: Any = None
        self.written = b""

    def get(self, key: bytes, /) -> Entry | None:
        """Return an entry; outputs decided before a crash, perhaps never sent, are sent again."""
        entry, unsent = self._store.load(key)
        if entry is not None and unsent:
            self.work.entries[key] = (self.record.partition, entry)
            self.work.last_of[key] = self.record
            self.work.outputs[key] = list(unsent)
        return entry

    def __setitem__(self, key: bytes, entry: Entry, /) -> None:
        """Remember an entry in memory and in the batch."""
        self._store.put(key, entry)
        self.work.entries[key] = (self.record.partition, entry)
        self.work.last_of[key] = self.record
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
        limits: Mapping[str, int] | None = None,
        reader: HeadlineReader | None = None,
    ) -> None:
        """`limits`: the most bytes of a record by logical topic, DEFAULT_LIMIT for the others.

        `reader` runs a model over the texts of articles before the stage gets them.
        """
        self._stage = stage
        self._codec = codec
        self._decoder = Decoder(codec, registry.resolve, Silence.WAIT)
        self._store = store
        self._crashes = crashes
        self._partitions = partitions
        self._prefix = prefix
        self._tables = tables
        self._entries = _BatchEntries(store)
        self._runner = StageRunner(stage, partitions, self._entries)
        self._limits = limits or {}
        self._reader = reader

    async def work(
        self, chunks: Iterable[Chunk], assignment_number: int
    ) -> tuple[BatchResult, list[Chunk]]:
        """Return the work of the chunks, and what is left for the next batch.

        A batch ends where the outputs of one key become many bytes, or after some time. Whatever
        goes wrong while one record is handled is counted to that record and passes through: see
        CrashLog.
        """
        work = BatchResult(assignment_number)
        tables = self._tables()
        if isinstance(self._stage, ScoringStage) and self._stage.must_load(tables):
            await asyncio.to_thread(load)
        began_s = turn_s = time.monotonic()
        waiting = list(chunks)
        for number, chunk in enumerate(waiting):
            topic, records = logical(chunk.tp.topic, self._prefix), chunk.records
            for begin in range(0, len(records), _AT_ONCE):
                part = records[begin : begin + _AT_ONCE]
                if self._reader is not None and not work.is_full:
                    tables = tables._replace(texts=await self._read(part))
                for index, record in enumerate(part, begin):
                    if work.is_full:
                        work.done[chunk.tp] = record.offset
                        work.events += index
                        rest = chunk._replace(records=records[index:])
                        return work, [rest, *waiting[number + 1 :]]
                    if index and (not index % _A_TURN or time.monotonic() - turn_s > _TURN_S):
                        await asyncio.sleep(0)  # the event loop gets its turn
                        turn_s = time.monotonic()
                    await self._handle(work, topic, record, tables)
                work.is_full |= time.monotonic() - began_s > _MOST_S
            work.done[chunk.tp] = chunk.next_offset
            work.events += len(records)
            await asyncio.sleep(0)
        return work, []

    async def _read(self, records: Sequence[Any]) -> ModelTexts:
        """Return what the model says of the texts of records; bad ones are refused later."""
        articles = []
        for record in records:
            try:
                event = self._codec.decode(record.value)
            except UnknownSchemaError:
                event = (await self._decoder.read(record.value)).event
            except BadEventError:
                continue
            if isinstance(event, NewsArticle):
                articles.append(event)
        if self._reader is None:
            return NO_TEXTS
        return await self._reader(articles, self._remembered)

    def _remembered(self, asset: str, version: str, key: bytes) -> Probabilities | None:
        entry = self._store.peek(asset.encode())
        return None if entry is None else remembered(entry.state, version, key)

    async def _handle(self, work: BatchResult, topic: str, record: Any, tables: Tables) -> None:
        """Take one record in: it is applied, or refused with a dead letter; else this raises."""
        try:
            self._refuse_given_up(record)
            try:
                event = self._codec.decode(record.value)
            except UnknownSchemaError:
                event = await self._decoder.decode(record.value)
            self._apply(work, topic, record, event, tables)
        except (BadEventError, UnusableEventError) as error:
            letter = self._letter(topic, record, error)
            work.letters.setdefault(record.partition, []).append(letter)
        except Exception as error:
            self._count(record, error)
            raise

    def _count(self, record: Any, error: Exception) -> None:
        count = self._crashes.note(record, error)
        place = f"{record.topic}:{record.partition}:{record.offset}"
        _log.error("%s failed on %s (%d): %r", self._stage.name, place, count, error)

    def count_row(self, work: BatchResult, key: bytes, error: Exception) -> None:
        """Count an error of a key's row in the changelog to the last record that touched it."""
        self._count(work.last_of[key], error)

    def _refuse_given_up(self, record: Any) -> None:
        crash = self._crashes.given_up(record)
        if crash is not None:
            msg = f"the engine failed {crash.times} times on this record: {crash.error}"
            raise UnusableEventError(msg, Kind.GIVEN_UP)

    def _apply(
        self, work: BatchResult, topic: str, record: Any, event: Any, tables: Tables
    ) -> None:
        entries, partition = self._entries, record.partition
        entries.work, entries.record = work, record
        outputs = self._runner.apply(topic, partition, record.offset, record.key, event, tables)
        if outputs:
            encoded = [self._pending(output, record) for output in outputs]
            pending = work.outputs.setdefault(entries.written, [])
            pending.extend(encoded)
            work.note_size(entries.written, encoded)

    def _pending(self, output: Output, record: Any) -> Outgoing:
        key = output.key.encode()
        partition = partition_for(key, record.key, record.partition, self._partitions)
        value = self._codec.encode(output.event)
        check_size(output.topic, key, value, self._limits)
        return Outgoing(
            output.topic, partition, key, record.timestamp, value, sent_ms(record.headers) or 0
        )

    def _letter(
        self, topic: str, record: Any, error: BadEventError | UnusableEventError
    ) -> Outgoing:
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
            most_bytes=self._limits.get(DEAD_LETTERS.name, DEFAULT_LIMIT),
        )
        key = topic.encode()
        return Outgoing(
            DEAD_LETTERS.name,
            partition_of(key, self._partitions),
            key,
            letter.failed_at,
            self._codec.encode(letter),
            0,
        )
