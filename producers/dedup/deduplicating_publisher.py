"""Publishes what the log does not hold yet, and nothing twice.

One batch at a time: what is new is claimed in the index, published, and acknowledged before the
next batch is looked at. When that fails it is unknown what reached the log, so it is read
again before anything else is published.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

import msgspec

from producers.dedup.checkpoint import CheckpointFile
from producers.dedup.log_indexer import Decode, LogIndexer, OtherLogError, Progress
from producers.dedup.published_index import PublishedIndex
from schemas.validation import problem
from transport.log_reader import OpenLog
from transport.publisher import PublishError

_log = logging.getLogger(__name__)


class Sender(Protocol):
    """The way to the topics: `transport.publisher.Publisher` is one."""

    async def publish_many(
        self, events: Iterable[msgspec.Struct], *, are_valid: bool = False
    ) -> int:
        """Hand events over, in order; `are_valid`: they need not be validated again."""
        ...

    async def flush(self) -> None:
        """Return when all are acknowledged; PublishError, once all is settled, if some are not."""
        ...


class Recalled(NamedTuple):
    """What a start read: records, whether after a checkpoint, and why not where there was one."""

    records: int
    after_checkpoint: bool
    note: str | None
    unreadable: int


class Emitted(NamedTuple):
    """How many events were published, how many were known, and a sentence for each refused one."""

    published: int
    known: int
    refused: tuple[str, ...]


class DeduplicatingPublisher:
    """`start()` first; `emit` from any task; `checkpoint` now and then, and at the end.

    Nothing else may publish through `sender`: each flush raises the errors of all.
    `open_log` makes a context manager that gives a log, for example
    `lambda: LogReader(settings)`; it is entered for a moment at a time. `index` is for asking;
    it stays the same object.
    """

    def __init__(
        self,
        sender: Sender,
        index: PublishedIndex,
        decode: Decode,
        open_log: OpenLog,
        file: CheckpointFile,
    ) -> None:
        self.index = index
        self._sender = sender
        self._indexer = LogIndexer(index, decode)
        self._open_log = open_log
        self._file = file
        self._lock = asyncio.Lock()
        self._is_sure = False

    async def start(self, on_progress: Progress | None = None) -> Recalled:
        """Read what the log holds: after the checkpoint, or all of it where that is of no use.

        Raises what the log and the decoding raise: BrokerError, RegistryError.
        """
        async with self._lock:
            return await self._recall(on_progress)

    async def emit(self, events: Iterable[Any]) -> Emitted:
        """Publish what is new, and return once it is acknowledged.

        Events that break the contract are left out; `refused` names them. Raises PublishError when
        the broker
        does not take them; the same events may then be given again, and none comes twice. Raises as
        `start` does when the log cannot be read after that.
        """
        valid, refused = _valid(events)
        async with self._lock:
            if not self._is_sure:
                await self._recall(None)
            self._is_sure = False  # until all is acknowledged; this task may be cancelled
            new = [event for event in valid if self.index.claim(event)]
            if new:
                await self._sender.publish_many(new, are_valid=True)
                await self._sender.flush()
            self._is_sure = True
        return Emitted(len(new), len(valid) - len(new), refused)

    async def checkpoint(self) -> int:
        """Read what came into the log and write the file; return how many records were read.

        Raises OSError when the file cannot be written, and as `start` does.
        """
        async with self._lock:
            if not self._is_sure:
                await self._recall(None)
            self._is_sure = False
            async with self._open_log() as log:
                count = await self._indexer.catch_up(log)
            self._is_sure = True
            await asyncio.to_thread(self._file.save, self._indexer.checkpoint())
            return count

    async def _recall(self, on_progress: Progress | None) -> Recalled:
        self._is_sure = False
        with contextlib.suppress(PublishError):  # nothing may be on its way any more
            await self._sender.flush()
        checkpoint, note = await asyncio.to_thread(self._file.load)
        async with self._open_log() as log:
            try:
                self._indexer.restart(checkpoint)
                records = await self._indexer.catch_up(log, on_progress)
            except (OtherLogError, msgspec.MsgspecError) as error:
                note = f"the checkpoint is not of this log, so all of it is read: {error}"
                checkpoint = None
                self._indexer.restart()
                records = await self._indexer.catch_up(log, on_progress)
        if note is not None:
            _log.warning("%s", note)
        self._is_sure = True
        return Recalled(records, checkpoint is not None, note, self._indexer.unreadable)


def _valid(events: Iterable[Any]) -> tuple[list[Any], tuple[str, ...]]:
    """Return the events that keep the contract, and a sentence for each other one."""
    valid, refused = [], []
    for event in events:
        wrong = problem(event)
        if wrong is None:
            valid.append(event)
        else:
            what = f"{type(event).__name__} of {getattr(event, 'asset', '?')}"
            refused.append(f"{what} from {getattr(event, 'source', '?')}: {wrong}")
    return valid, tuple(refused)
