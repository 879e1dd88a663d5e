"""A broker, and what the loop of a stage uses of a Faust app, in memory.

The broker outlives its workers, as a real one does. `on_point` is called before and after each
effect on it, so that a test can let a process die, or partitions be taken away, between any two.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec
from faust.types import TP

from schemas.codec import local_codec
from schemas.contract import schema_name
from schemas.partitioning import partition_of
from schemas.topics import BY_SCHEMA
from streams.agents.batch import BatchProcessor, BatchResult
from streams.agents.changelog import Restored
from streams.agents.crashes import CrashLog
from streams.agents.faust_ext.consumer import Chunk
from streams.agents.headline_reader import HeadlineReader
from streams.agents.loop import StageLoop
from streams.agents.state_store import StateStore
from streams.agents.writer import Writer
from streams.stage import EMPTY_TABLES, Stage, Tables
from transport.records import Outgoing
from transport.transactions import FencedError

CHANGELOG = "state-changelog"
PARTITIONS = 2
LARGEST_BYTES, CHANGELOG_BYTES = 1_048_000, 8 * 1024 * 1024
"""What this broker takes of a record, as Kafka does with the settings of our topics."""
CODEC = local_codec()


class DiedError(Exception):
    """The process died here: nothing that it does afterwards reaches the broker."""


class _NoRegistry:
    """A registry without a schema."""

    async def resolve(self, codec: Any, unknown: Any) -> bool:
        return False


NO_REGISTRY = _NoRegistry()


class Record(NamedTuple):
    """A record with the names that aiokafka gives its parts."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


class MemoryBroker:
    """Records by topic and partition, and the committed offsets of the one group."""

    def __init__(self) -> None:
        self.records: dict[TP, list[Record]] = defaultdict(list)
        self.committed: dict[TP, int] = {}
        self.epochs: dict[int, int] = defaultdict(int)
        self._arrivals: list[Record] = []
        self.is_strict = True

    def append(
        self,
        topic: str,
        partition: int,
        key: bytes,
        value: bytes,
        timestamp: int | None,
        headers: Iterable[tuple[str, bytes]] = (),
    ) -> Record:
        limit = CHANGELOG_BYTES if topic == CHANGELOG else LARGEST_BYTES
        if len(value or b"") + len(key or b"") > limit and self.is_strict:
            msg = f"{topic}: {len(value)} bytes"
            raise OverflowError(msg)
        log = self.records[TP(topic, partition)]
        record = Record(topic, partition, len(log), timestamp or 0, key, value, tuple(headers))
        log.append(record)
        self._arrivals.append(record)
        return record

    def publish(self, *events: msgspec.Struct) -> None:
        """Append events to their topics, as a producer does."""
        for event in events:
            topic = BY_SCHEMA[schema_name(event)]
            key = str(getattr(event, topic.key)).encode()
            at_ms = getattr(event, "observed_at", 0) or getattr(event, "as_of", 0)
            sent = (("sent_ms", b"%d" % (at_ms + 7)),) if at_ms else ()
            value, partition = CODEC.encode(event), partition_of(key, PARTITIONS)
            self.append(topic.name, partition, key, value, at_ms, sent)

    def chunks(
        self, topics: Iterable[str], assignment_number: int, shuffle: Random | None = None
    ) -> list[Chunk]:
        """Return what is not committed: in the order of arrival, or partitions in another one."""
        waiting = [
            record
            for record in self._arrivals
            if record.topic in topics
            and record.offset >= self.committed.get(TP(record.topic, record.partition), 0)
        ]
        runs: list[list[Record]] = [
            list(run) for _, run in groupby(waiting, key=lambda one: (one.topic, one.partition))
        ]
        if shuffle is not None:
            runs = _another_order(runs, shuffle)
        return [
            Chunk(TP(*run[0][:2]), list[Any](run), assignment_number, run[-1].offset + 1)
            for run in runs
        ]

    def rows(self, number: int) -> list[tuple[bytes, bytes]]:
        """Return the rows of one partition of the changelog, in order."""
        return [(record.key, record.value) for record in self.records[TP(CHANGELOG, number)]]

    def table(self) -> dict[bytes, bytes]:
        """Return the last value of each key in the changelog."""
        return {key: value for number in range(PARTITIONS) for key, value in self.rows(number)}

    def sent(self, inputs: Iterable[str]) -> list[Record]:
        """Return what the stage put out, in order; a record that came again stands again."""
        skipped = {*inputs, CHANGELOG}
        return [record for record in self._arrivals if record.topic not in skipped]


def _another_order(runs: list[list[Record]], random: Random) -> list[list[Record]]:
    """Interleave the partitions differently; within a partition the order stays."""
    lanes: dict[tuple[str, int], list[list[Record]]] = defaultdict(list)
    for run in runs:
        lanes[run[0][:2]].append(run)
    mixed = []
    while lanes:
        place = random.choice(sorted(lanes))
        mixed.append(lanes[place].pop(0))
        if not lanes[place]:
            del lanes[place]
    return mixed


class MemoryBatch(list[dict[str, Any]]):
    """A producer's batch; `append` returns None when it is full."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def append(self, **record: Any) -> Any:
        if len(self) >= self._limit:
            return None
        super().append(record)
        return record


class MemoryApp:
    """The app of one process: its generation, its producer, its consumer."""

    def __init__(self, broker: MemoryBroker, *, commits: str = "each", batch_limit: int = 100):
        self.broker = broker
        self.assignment_number = 1
        self.is_asleep = False
        self.rejoins = 0
        self.producer = SimpleNamespace(_producer=self)
        self.consumer = self
        self.conf = SimpleNamespace(broker_session_timeout=10.0)
        self.on_point: Callable[[int, str], None] = lambda number, effect: None
        self.points = 0
        self.drain: Any = None
        self._commits = commits
        self._batch_limit = batch_limit
        self._done: dict[TP, int] = {}
        self._died = False

    def _point(self, effect: str) -> None:
        if self._died:
            raise DiedError
        self.points += 1
        try:
            self.on_point(self.points, effect)
        except DiedError:
            self._died = True
            raise

    # -- the producer

    def create_batch(self) -> MemoryBatch:
        return MemoryBatch(self._batch_limit)

    async def send_batch(self, batch: MemoryBatch, topic: str, *, partition: int) -> Any:
        """Take the batch whole; the future is the broker's acknowledgement, a moment later."""
        self._point(f"send {topic}")
        for record in batch:
            self.broker.append(topic, partition, **record)
        acknowledged = asyncio.ensure_future(self._acknowledge(topic))
        # A process that has died waits for no acknowledgement; no complaint of that.
        acknowledged.add_done_callback(lambda one: one.cancelled() or one.exception())
        return acknowledged

    async def _acknowledge(self, topic: str) -> None:
        await asyncio.sleep(0)
        self._point(f"acknowledge {topic}")

    # -- the consumer

    def done(self, tp: TP, next_offset: int) -> None:
        self._done[tp] = next_offset
        if self._commits == "each":
            self.commit_soon()

    def commit_soon(self) -> None:
        """Commit at once what is done: one effect for each partition."""
        for tp, offset in self._done.items():
            if self.broker.committed.get(tp) != offset:
                self._point(f"commit {tp.topic}")
                self.broker.committed[tp] = offset

    def session_expired(self) -> bool:
        return self.is_asleep

    def rejoin(self) -> None:
        self.rejoins += 1

    def revoke(self) -> None:
        """Take the partitions away and give them back: another assignment."""
        self.assignment_number += 1
        self._done.clear()


class MemoryChangelog:
    """Restores a store from the broker's changelog."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def restore(self, store: StateStore, numbers: Iterable[int]) -> Restored:
        store.clear()
        for number in numbers:
            store.restore(number, self._broker.rows(number))
            store.epochs[number] += 1
        return Restored({}, {})


class MemoryTransactions:
    """Transactions of one worker: a partition's records and offsets appear together."""

    def __init__(self, app: MemoryApp) -> None:
        self._app = app
        self._epochs: dict[int, int] = {}

    async def fence(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._app.broker.epochs[number] += 1
            self._epochs[number] = self._app.broker.epochs[number]

    async def write(
        self, number: int, records: list[Outgoing], next_offsets: dict[TP, int]
    ) -> None:
        self._app._point(f"begin {number}")
        await asyncio.sleep(0)
        if self._epochs.get(number) != self._app.broker.epochs[number]:
            msg = "ProducerFenced"
            raise FencedError(msg)
        for topic, partition, key, timestamp_ms, value, sent_ms in records:
            headers = [("sent_ms", b"%d" % sent_ms)] if sent_ms else []
            self._app.broker.append(topic, partition, key, value, timestamp_ms, headers)
        self._app.broker.committed |= next_offsets
        self._app._point(f"commit {number}")


class MemoryStream:
    """The agent's stream; it ends when its queue is empty."""

    should_stop = False

    def __init__(self, chunks: Iterable[Chunk]) -> None:
        self.channel = self
        self.queue = self
        self.waiting = list(chunks)
        self.taking_over: asyncio.Task[None] | None = None

    async def maybe_start(self) -> None:
        pass

    def empty(self) -> bool:
        return not self.waiting

    async def get(self) -> Chunk:
        if not self.waiting and self.taking_over is not None:
            await self.taking_over  # then more is fetched
        if not self.waiting:
            raise StopAsyncIteration
        return self.waiting.pop(0)

    def get_nowait(self) -> Chunk:
        return self.waiting.pop(0)


class MemoryWorker:
    """A stage in a process of its own: what it has in memory is lost with it."""

    def __init__(
        self,
        broker: MemoryBroker,
        stage: Stage,
        folder: Path,
        *,
        registry: Any = NO_REGISTRY,
        tables: Tables = EMPTY_TABLES,
        codec: Any = CODEC,
        transactions: bool = False,
        reader: HeadlineReader | None = None,
        **options: Any,
    ) -> None:
        self.broker = broker
        self.stage = stage
        self.app = MemoryApp(broker, **options)
        self.store = StateStore(stage)
        self.restore()
        self.processor = BatchProcessor(
            stage,
            codec,
            registry,
            self.store,
            CrashLog(folder / "crashes.json"),
            partitions=PARTITIONS,
            tables=lambda: tables,
            reader=reader,
        )
        fenced: Any = MemoryTransactions(self.app) if transactions else None
        limits = {CHANGELOG: CHANGELOG_BYTES}
        self.writer = Writer(self.app, self.store, CHANGELOG, transactions=fenced, limits=limits)
        self.loop = StageLoop(
            self.app, self.processor, self.writer, self.store, MemoryChangelog(broker)
        )
        self.stream = MemoryStream([])

    def restore(self) -> None:
        """Read the changelog."""
        self.store.clear()
        for number in range(PARTITIONS):
            self.store.restore(number, self.broker.rows(number))

    async def work(self, assignment_number: int = 1) -> BatchResult:
        """Return the work of the first batch; it is not written."""
        work, _ = await self.processor.work(self.fetch(), assignment_number)
        return work

    def fetch(self, shuffle: Random | None = None) -> list[Chunk]:
        """Return the chunks that this worker has to read under its generation."""
        return self.broker.chunks(self.stage.inputs, self.app.assignment_number, shuffle)

    async def run(self, shuffle: Random | None = None) -> None:
        """Read all that is not committed, until the log ends. Raises DiedError where it dies."""
        await self.loop.take_over(set(range(PARTITIONS)))
        self.stream = MemoryStream(self.fetch(shuffle))
        await self.loop.run(self.stream)

    def rebalance(self) -> None:
        """Revoke the partitions and assign them again: recovery, then what is not committed."""
        self.app.revoke()
        self.stream.taking_over = asyncio.ensure_future(self._take_over())

    async def _take_over(self) -> None:
        await self.loop.take_over(set(range(PARTITIONS)))
        self.stream.waiting += self.fetch()

    def final_state(self) -> dict[bytes, Any]:
        """Return state and applied offsets by key, as the changelog has them."""
        decoded = StateStore(self.stage)
        for number in range(PARTITIONS):
            decoded.restore(number, self.broker.rows(number))
        return {key: decoded.load(key)[0] for key in sorted(self.broker.table())}
