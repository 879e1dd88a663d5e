"""A Faust consumer that hands over chunks of records and commits offsets only once they are done.

Stock Faust makes two asyncio tasks, a Message and an Event per record, and keeps a list of every
acknowledged offset. Here a fetched run of records of one partition travels as one `Chunk`, and an
offset is committed after the stage called `done`: the outputs of everything before it are on the
broker.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from transport.embedded_broker import FETCH_MAX_WAIT_MS, is_embedded


class ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Faust's consumer thread; it reads committed records and knows when the group last answered.

    Tables are restored by `streams.agents.changelog`: for Faust there is nothing to recover.
    """

    last_heartbeat_s = 0.0
    """When the group's coordinator last took this process for a member, by the clock that goes on
    while the machine sleeps."""

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        if is_embedded():
            consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        else:
            consumer._fetch_max_wait_ms = _FETCH_WAIT_MS
            consumer._isolation_level = "read_committed"
        return consumer

    async def on_start(self) -> None:
        """Start the consumer, and note from now on when a heartbeat is answered."""
        await super().on_start()
        coordinator = self._consumer._coordinator
        beat = coordinator._do_heartbeat

        async def noted() -> bool:
            # Not when the answer is read: it may have waited while this process slept.
            asked_s = time.clock_gettime(_SLEEPLESS)
            answered = bool(await beat())
            if answered:
                self.last_heartbeat_s = asked_s
            return answered

        coordinator._do_heartbeat = noted

    async def seek_to_committed(self) -> Any:
        """Seek to the committed offsets and return them; 0 is one too, which aiokafka passes over.

        The position that it took when the group was joined may be that of before a recreated topic
        was rewound to 0: a transaction's offsets show some milliseconds after its end.
        """
        return await self.call_thread(self._seek_to_committed)

    async def _seek_to_committed(self) -> Any:
        consumer = self._ensure_consumer()
        committed = await consumer.seek_to_committed()
        for tp, offset in committed.items():
            if offset == 0:
                consumer.seek(tp, 0)
        return committed

    def note_heartbeat(self) -> None:
        """Note that this process is a member now."""
        self.last_heartbeat_s = time.clock_gettime(_SLEEPLESS)

    def rejoin(self) -> None:
        """Join the group again: every partition is then read from its committed offset."""
        self.thread_loop.call_soon_threadsafe(self._consumer._coordinator.request_rejoin)

    async def _highwaters(self, partitions: list[Any]) -> dict[Any, int]:
        return dict(await self._consumer.beginning_offsets(partitions))

    async def _fetch_records(self, *args: Any, **options: Any) -> dict[Any, Any]:
        """Return the records fetched, and [] where what was fetched had none for the reader.

        Markers of transactions and what was given up take offsets too; the position behind them
        is what has been read.
        """
        records = dict(await super()._fetch_records(*args, **options))
        assignment = self._consumer._subscription.subscription.assignment
        for tp in assignment.tps if assignment is not None and assignment.active else ():
            position = assignment.state_value(tp)._position
            if position is not None and (tp in records or self.positions.get(tp) != position):
                records.setdefault(tp, [])
                self.positions[tp] = position
        return records

    def __post_init__(self) -> None:
        super().__post_init__()
        self.positions: dict[Any, int] = {}


_FETCH_WAIT_MS = 100
"""A fetch that waits holds up the next one to that broker, which may be for other partitions: with
Faust's 1.5 s a stage stood still whenever one of its partitions was read to its end."""
_SLEEPLESS = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
MAX_CHUNKS = 64
"""Chunks that may wait for the stage before fetching pauses."""


class Chunk(NamedTuple):
    """Records of one partition in offset order, perhaps none, fetched while it was owned.

    `next_offset` is where reading goes on; `assignment_number` counts this process's assignments.
    """

    tp: TP
    records: list[Any]
    assignment_number: int
    next_offset: int


class ChunkConsumer(driver.Consumer):  # type: ignore[misc]
    """Delivers chunks to the agent's queue; changelog records go Faust's own way."""

    drain: Callable[[], Awaitable[None]] | None = None
    """Set by the stage: waits until no output of a taken chunk is outstanding."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._done: dict[TP, int] = {}
        self._handed_over = 0
        self._seeking = asyncio.Lock()
        self._asked: asyncio.Future[Any] | None = None
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
        assignment_number = app.assignment_number
        for tp, fetched in records.items():
            if not self.flow_active or app.assignment_number != assignment_number:
                return
            if self._is_changelog_tp(tp):
                continue
            if not (active is None or tp in active or tp in self._buffered_partitions):
                continue
            known = self._read_offset[tp] or 0
            new = [record for record in fetched if record.offset >= known]
            after = max(self._thread.positions[tp], new[-1].offset + 1 if new else 0)
            if after <= known:
                continue
            if await self._hand_over(Chunk(tp, new, assignment_number, after), fetcher_stopped):
                self._read_offset[tp] = after

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
        if not self.flow_active or app.assignment_number != chunk.assignment_number:
            return False
        self._handed_over += 1
        queue.force_put_nowait(chunk)
        return True

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
        """Finish and commit while still a member, then forget the partitions."""
        await super().on_partitions_revoked(revoked)
        self.app.assignment_number += 1
        self._done.clear()

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Begin another assignment."""
        self.app.assignment_number += 1
        self._thread.note_heartbeat()
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        """Take the partitions over, then read on from what is committed: no sooner is it final.

        Faust asks from two tasks, the rebalance and the fetcher, and cancels one when partitions
        change again. One at a time, and what was asked under an earlier assignment counts no more:
        offsets that were committed before a topic was recreated would hide all that it has now.
        """
        assignment_number = self.app.assignment_number
        async with self._seeking:
            if self._asked is not None:
                await asyncio.wait({self._asked})  # it seeks to the end, cancelled or not
            if assignment_number != self.app.assignment_number:
                return
            await self.app.take_over({tp.partition for tp in self.assignment()})
            self._asked = asyncio.ensure_future(self.seek_to_committed())
            committed = await asyncio.shield(self._asked)
            if assignment_number != self.app.assignment_number:
                return
            for tp, offset in committed.items():
                self._read_offset[TP(*tp)] = offset if offset is not None and offset >= 0 else None
                if offset is not None:
                    self._committed_offset[TP(*tp)] = offset or None

    def rejoin(self) -> None:
        """Give up what was taken and not committed: it is read again as another assignment."""
        self._thread.rejoin()

    def session_expired(self) -> bool:
        """Return whether the group may have taken this process for dead since it last heard."""
        silent_s = time.clock_gettime(_SLEEPLESS) - self._thread.last_heartbeat_s
        return bool(silent_s > self.app.conf.broker_session_timeout)

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Skip Faust's livelock log: it counts events that do not exist here (see watchdog)."""

    def _new_consumer_thread(self) -> Any:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)


class Producer(driver.Producer):  # type: ignore[misc]
    """acks=all, and idempotent where the broker can (everywhere but on the embedded one)."""

    def _settings_extra(self) -> dict[str, Any]:
        return {"acks": "all", "enable_idempotence": not is_embedded()}


class Transport(driver.Transport):  # type: ignore[misc]
    """The two above, as a Faust transport."""

    Consumer = ChunkConsumer
    Producer = Producer
