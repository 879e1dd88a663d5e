"""The one loop that every agent runs: take what is there, work, write, acknowledge."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from streams.agents.batch import BatchProcessor
from streams.agents.faust_ext.consumer import Chunk
from streams.agents.state_store import StateStore
from streams.agents.writer import PartitionsRevokedError, Writer

_log = logging.getLogger(__name__)

MAX_EVENTS = 2000
"""Records a batch takes at most, so that the event loop gets a turn every few milliseconds."""


class StageLoop:
    """Batches overlap by one: while one is written, the next is worked out.

    The changelog of a batch goes out only after the outputs of the one before are on the broker,
    so the stored outputs of a key are all that a crash can have left unsent.
    """

    def __init__(
        self, app: Any, batcher: BatchProcessor, writer: Writer, store: StateStore
    ) -> None:
        self._app = app
        self._batcher = batcher
        self._writer = writer
        self._store = store
        self._writing: asyncio.Task[None] | None = None
        self._busy = False
        self._generation = -1
        self.events = 0

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
        generation = self._app.consumer_generation_id
        current = [chunk for chunk in chunks if chunk.generation == generation]
        if not current:
            return
        if generation != self._generation:
            # Recovery has filled the table anew; what is in memory may be of a lost batch.
            await self._written()
            self._store.forget()
            self._generation = generation
        work = await self._batcher.work(current, generation)
        await self._written()
        self.events += work.events
        self._writing = asyncio.ensure_future(self._write(work))

    async def _write(self, work: Any) -> None:
        try:
            await self._writer.write(work)
        except PartitionsRevokedError:
            _log.info("a batch of %d events was given up in a rebalance", work.events)

    async def _take(self, queue: Any) -> list[Chunk]:
        """Return what waits, at most MAX_EVENTS or one chunk; waits for the first one."""
        if queue.empty():
            await self._written()
            self._app.consumer.commit_soon()  # progress shows at once when there is time
        chunks = [await queue.get()]
        events = len(chunks[0].records)
        while events < MAX_EVENTS and not queue.empty():
            chunk = queue.get_nowait()
            chunks.append(chunk)
            events += len(chunk.records)
        return chunks

    async def _written(self) -> None:
        """Wait for the batch that is being written and raise its error."""
        if self._writing is not None:
            await self._writing
            self._writing = None

    async def drain(self) -> None:
        """Wait until nothing that was taken is unfinished; called before partitions go."""
        deadline = time.monotonic() + 0.8 * self._app.conf.broker_session_timeout
        while self._busy or (self._writing is not None and not self._writing.done()):
            if time.monotonic() > deadline:
                _log.warning("a batch is not finished in time for the rebalance")
                return
            await asyncio.sleep(0.002)
