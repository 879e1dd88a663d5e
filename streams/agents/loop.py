"""The one loop that every agent runs: take what is there, work, write, acknowledge."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import Any, Protocol

from aiokafka.errors import KafkaError

from streams.agents.batch import BatchProcessor, BatchResult
from streams.agents.changelog import Restored
from streams.agents.faust_ext.consumer import Chunk
from streams.agents.state_store import StateStore
from streams.agents.writer import PartitionsRevokedError, Writer
from transport.admin import BrokerError
from transport.record_size import RecordTooLargeError

_log = logging.getLogger(__name__)

MAX_EVENTS = 2000
"""Records a batch takes at most: what is lost when it is given up."""
_FOR_A_TRANSACTION = 4
"""Times as many for a transaction, which takes some round trips however much is in it."""


_LOOKS = 10
"""How often within a pace it is looked whether something urgent has come."""
_RETRY_S = 1.0
_LOOK_S = 0.002
_PACE_S = 0.1
"""From one transaction to the next at least: each costs some five requests a partition, and with
many small ones a stage does nothing else. What comes after a pause goes at once, and what somebody
waits for."""


class Restoring(Protocol):
    """The changelog of a stage, as the loop uses it: `streams.agents.changelog`."""

    async def restore(self, store: StateStore, numbers: Iterable[int], /) -> Restored:
        """Bring the store to the log's end; return what to write first."""


class StageLoop:
    """Batches overlap by one: while one is written, the next is worked out.

    The changelog of a batch goes out only after the outputs of the one before are on the broker,
    so the stored outputs of a key are all that a crash can have left unsent.
    """

    def __init__(
        self,
        app: Any,
        batcher: BatchProcessor,
        writer: Writer,
        store: StateStore,
        changelog: Restoring,
        urgent: frozenset[str] = frozenset(),
    ) -> None:
        """`urgent`: topics on the broker whose records somebody waits for."""
        self._app = app
        self._urgent = urgent
        self._batcher = batcher
        self._writer = writer
        self._store = store
        self._changelog = changelog
        self._writing: asyncio.Task[None] | None = None
        self._restoring: asyncio.Task[None] | None = None
        self._busy = False
        self._owned, self._ready, self._lost = -1, -1, -1  # numbers of assignments
        self.events = 0
        self._began_s = 0.0

    async def take_over(self, numbers: set[int]) -> None:
        """Take partitions over: shut earlier owners out, then begin to restore their state."""
        assignment_number = self._app.assignment_number
        if assignment_number == self._owned:
            return
        await self._writer.take_over(numbers)
        self._owned = assignment_number
        self._restoring = asyncio.create_task(self._restore(assignment_number, numbers))

    async def _restore(self, assignment_number: int, numbers: set[int]) -> None:
        await self._given_up()
        self._store.forget()
        while self._app.assignment_number == assignment_number:
            try:
                restored = await self._changelog.restore(self._store, numbers)
                await self._writer.write_first(restored)
            except PartitionsRevokedError as error:
                self._rejoin(assignment_number, error)
                return
            except (BrokerError, KafkaError, TimeoutError) as error:
                _log.warning("the state cannot be restored yet: %s", error)
                await asyncio.sleep(_RETRY_S)
                continue
            if restored.rewound:
                await self._app.consumer.commit()
                self._rejoin(assignment_number, "topics were recreated")
            self._ready = assignment_number
            return

    def failure(self) -> BaseException | None:
        """Return the error that ended the restoring of the state; None while there is none."""
        task = self._restoring
        if task is None or not task.done():
            return None
        return asyncio.CancelledError() if task.cancelled() else task.exception()

    async def run(self, stream: Any) -> None:
        """Process the stream until the app stops. An engine's defect or a refused send raises."""
        stream._finalized = True
        await stream.maybe_start()
        self._app.consumer.drain = self.drain
        queue = stream.channel.queue
        while not stream.should_stop:
            try:
                chunks = await self._take(queue)
            except StopAsyncIteration:  # how Faust tells a stream that it ends
                return
            self._busy = True
            try:
                await self._process(chunks)
            finally:
                self._busy = False

    async def _process(self, chunks: list[Chunk]) -> None:
        assignment_number = self._app.assignment_number
        current = [chunk for chunk in chunks if chunk.assignment_number == assignment_number]
        if not current or assignment_number == self._lost:
            return
        if assignment_number != self._ready:
            if self._restoring is not None:
                await asyncio.shield(self._restoring)  # the agent is cancelled in a rebalance
            if assignment_number != self._ready:
                return  # another assignment has begun meanwhile
        while current:
            work, current = await self._batcher.work(current, assignment_number)
            await self._written()
            if assignment_number == self._lost:
                return
            self.events += work.events
            self._writing = asyncio.ensure_future(self._write(work))

    async def _write(self, work: BatchResult) -> None:
        try:
            await self._writer.write(work)
        except PartitionsRevokedError as error:
            _log.info("a batch of %d events was given up: %s", work.events, error)
            self._rejoin(work.assignment_number, error)
        except RecordTooLargeError as error:
            self._batcher.count_row(work, error.key, error)
            raise

    def _rejoin(self, assignment_number: int, why: object) -> None:
        """Read again from the committed offsets, with the state that the log has."""
        if assignment_number == self._app.assignment_number and assignment_number != self._lost:
            _log.warning("joining the group again: %s", why)
            self._lost = assignment_number
            self._app.consumer.rejoin()

    async def _take(self, queue: Any) -> list[Chunk]:
        """Return what waits, some MAX_EVENTS or one chunk; waits for the first one."""
        while queue.empty() and self._writing is not None and not self._writing.done():
            await asyncio.wait({self._writing}, timeout=_LOOK_S)  # what comes need not wait for it
        if queue.empty():
            await self._written()
            self._app.consumer.commit_soon()  # progress shows at once when there is time
        chunks = [await queue.get()]
        if not self._writer.in_transactions:
            _take_waiting(queue, chunks, MAX_EVENTS)
            return chunks
        while True:
            _take_waiting(queue, chunks, MAX_EVENTS * _FOR_A_TRANSACTION)
            left_s = self._began_s + _PACE_S - time.monotonic()
            if left_s <= 0.0 or any(chunk.tp.topic in self._urgent for chunk in chunks):
                break
            await asyncio.sleep(min(left_s, _PACE_S / _LOOKS))
        self._began_s = time.monotonic()
        return chunks

    async def _written(self) -> None:
        """Wait for the batch that is being written and raise its error."""
        if self._writing is not None:
            await self._writing
            self._writing = None

    async def _given_up(self) -> None:
        """Wait for a batch of an earlier assignment: it ends soon, and its error is the loop's."""
        if self._writing is not None:
            await asyncio.wait({self._writing})

    async def drain(self) -> None:
        """Wait until nothing that was taken is unfinished; called before partitions go."""
        deadline = time.monotonic() + 0.8 * self._app.conf.broker_session_timeout
        while self._busy or (self._writing is not None and not self._writing.done()):
            if time.monotonic() > deadline:
                _log.warning("a batch is not finished in time for the rebalance")
                return
            await asyncio.sleep(0.002)


def _take_waiting(queue: Any, chunks: list[Chunk], most: int) -> None:
    """Take what waits, to so many records and the rest of a chunk."""
    events = sum(len(chunk.records) for chunk in chunks)
    while events < most and not queue.empty():
        chunk = queue.get_nowait()
        chunks.append(chunk)
        events += len(chunk.records)
