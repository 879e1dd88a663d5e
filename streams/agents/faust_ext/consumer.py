"""A Faust consumer that hands over chunks of records and commits offsets only once they are done.

Stock Faust makes two asyncio tasks, a Message and an Event per record, and keeps a list of every
acknowledged offset. Here a fetched run of records of one partition travels as one `Chunk`, and an
offset is committed after the stage called `done`: the outputs of everything before it are on the
broker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from transport.embedded_broker import FETCH_MAX_WAIT_MS, is_embedded
from transport.log_reader import LogReader
from transport.settings import Settings


class TansuThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Gives Faust's table recovery the true end offsets, and fetches with a short wait."""

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        return consumer

    async def _highwaters(self, partitions: list[Any]) -> dict[Any, int]:
        servers = driver.server_list(self.transport.url, self.transport.default_port)
        async with LogReader(Settings(bootstrap=",".join(servers)), fetch_wait_ms=50) as reader:
            ends = await reader.ends((tp.topic, tp.partition) for tp in partitions)
        return {tp: ends[tp.topic, tp.partition] for tp in partitions}


MAX_CHUNKS = 64
"""Chunks that may wait for the stage before fetching pauses."""


class Chunk(NamedTuple):
    """Records of one partition in offset order, as fetched under one group generation."""

    tp: TP
    records: list[Any]
    generation: int


class ChunkConsumer(driver.Consumer):  # type: ignore[misc]
    """Delivers chunks to the agent's queue; changelog records go Faust's own way."""

    drain: Callable[[], Awaitable[None]] | None = None
    """Set by the stage: waits until no output of a taken chunk is outstanding."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._done: dict[TP, int] = {}
        self._handed_over = 0
        self._committing: asyncio.Task[Any] | None = None

    # -- fetching

    async def _drain_messages(self, fetcher: Any) -> None:
        stopped = self._stopped.is_set
        fetcher_stopped = fetcher._stopped.is_set
        try:
            while not (stopped() or fetcher_stopped()):
                records, active = await self._wait_next_records(1.0)
                await asyncio.sleep(0)
                if records is None or self.should_stop:
                    continue
                if not self.flow_active:
                    await self._seek_back()
                    continue
                await self._deliver(records, active, fetcher_stopped)
        except self.consumer_stopped_errors:
            if not self.app.should_stop:
                raise
        except asyncio.CancelledError:
            if not self.app.should_stop:
                raise

    async def _seek_back(self) -> None:
        try:
            await self.perform_seek()
        except Exception as error:  # as in Faust: a rebalance is under way, it seeks again
            self.log.warning("cannot seek while the flow is stopped: %s", error)

    async def _deliver(self, records: Any, active: Any, fetcher_stopped: Any) -> None:
        app = self.app
        generation = app.consumer_generation_id
        for tp, fetched in records.items():
            if not self.flow_active or app.consumer_generation_id != generation:
                return
            if not (active is None or tp in active or tp in self._buffered_partitions):
                continue
            app.monitor.track_tp_end_offset(tp, self.highwater(tp))
            if self._is_changelog_tp(tp):
                await self._deliver_changelog(tp, fetched)
                continue
            known = self._read_offset[tp] or 0
            new = [record for record in fetched if record.offset >= known]
            if new and await self._hand_over(Chunk(tp, new, generation), fetcher_stopped):
                self._read_offset[tp] = new[-1].offset + 1

    async def _hand_over(self, chunk: Chunk, fetcher_stopped: Any) -> bool:
        app = self.app
        channels = app.topics._tp_index.get(chunk.tp)
        if not channels:
            return False
        queue = next(iter(channels)).queue
        # Back-pressure without a task per record. And nothing goes in before the recovery is over:
        # it ends with a resume that clears the queue, and what that clears is never read again.
        while queue.qsize() >= MAX_CHUNKS or not app.tables.actives_ready:
            if not self.flow_active or fetcher_stopped() or self._stopped.is_set():
                return False
            await asyncio.sleep(0.002)
        if not self.flow_active or app.consumer_generation_id != chunk.generation:
            return False
        self._handed_over += 1
        queue.force_put_nowait(chunk)
        return True

    async def _deliver_changelog(self, tp: TP, fetched: Iterable[Any]) -> None:
        on_message = self.app.topics.on_message
        for record in fetched:
            if not self.flow_active:
                return
            await on_message(self._to_message(tp, record))
            self._read_offset[tp] = record.offset

    # -- committing

    def done(self, tp: TP, next_offset: int) -> None:
        """Mark records of `tp` below `next_offset` as applied: they can be committed."""
        self._done[tp] = next_offset

    def commit_soon(self) -> None:
        """Commit what is done once the stage has been idle for a moment; one at a time.

        Under a steady load it is never idle, and the interval commits.
        """
        if self._committing is None or self._committing.done():
            self._committing = asyncio.ensure_future(self._commit_when_idle())

    async def _commit_when_idle(self) -> None:
        while self._filter_committable_offsets(list(self._done)) and not self.should_stop:
            handed_over = self._handed_over
            await asyncio.sleep(self.app.commit_idle_s)
            if handed_over == self._handed_over:
                await self.commit()

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterable[TP]:
        return list(self._done)

    def _filter_committable_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        committed = self._committed_offset
        return {tp: offset for tp in tps if (offset := self._done[tp]) and offset != committed[tp]}

    async def wait_empty(self) -> None:
        """Let the stage finish what it took, then commit it. Called before partitions go."""
        if self.drain is not None:
            await self.drain()
        await self.commit()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Commit while still a member, then forget the partitions."""
        await super().on_partitions_revoked(revoked)
        self._done.clear()

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Skip Faust's livelock log: it counts events that do not exist here (see watchdog)."""

    def _new_consumer_thread(self) -> Any:
        thread = TansuThread if is_embedded() else driver.AIOKafkaConsumerThread
        return thread(self, loop=self.loop, beacon=self.beacon)


class Producer(driver.Producer):  # type: ignore[misc]
    """acks=all, and idempotent where the broker can (everywhere but on the embedded one)."""

    def _settings_extra(self) -> dict[str, Any]:
        return {"acks": "all", "enable_idempotence": not is_embedded()}


class Transport(driver.Transport):  # type: ignore[misc]
    """The two above, as a Faust transport."""

    Consumer = ChunkConsumer
    Producer = Producer
