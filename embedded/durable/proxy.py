"""Between the clients and Tansu: passes frames on, and writes down what must not be lost.

A batch goes to the file before Tansu gets it, and one partition takes one batch at a time: so the
order and the offsets in the file are Tansu's. Committed offsets, topics and compacted topics are
written down once Tansu has agreed, before the client hears of it.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import struct
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from embedded.durable import frames
from embedded.durable.frames import Header, Place
from embedded.durable.log_file import LogFile, LogFileError
from transport.clock import wall_ms

_log = logging.getLogger(__name__)
_LONGEST_FRAME = 256 << 20
_SETTLE_S = 5.0

Handler = Callable[[bytearray], None]
"""Takes a response before the client gets it, and may change it."""


class Expected(NamedTuple):
    """A response that is awaited: what to do with it, and whether the client wants it."""

    handle: Handler | None
    wanted: bool = True
    counts: bool = False  # what it answers changes what Tansu holds


class Proxy:
    """Serves on a port of 127.0.0.1; `open` lets requests through, `shut` holds them back.

    `failure` is why the file cannot be used any more: nothing can be kept from then on.
    """

    def __init__(self, log: LogFile) -> None:
        self.failure: LogFileError | None = None
        self._log = log
        self._upstream = 0
        self._gate = asyncio.Event()
        self._locks: dict[Place, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._connections: set[Connection] = set()

    async def listen(self, port: int) -> asyncio.Server:
        """Accept clients; their requests wait until `open`."""
        return await asyncio.start_server(self._serve, "127.0.0.1", port, limit=1 << 20)

    def open(self, upstream: int) -> None:
        """Let requests through to the Tansu on this port."""
        self._upstream = upstream
        self._gate.set()

    async def shut(self) -> None:
        """Hold requests back, wait for what Tansu is at, and disconnect everybody.

        Who comes back meanwhile waits.
        """
        self._gate.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_S):
                while any(one.is_changing() for one in self._connections):
                    await asyncio.sleep(0.005)
        for one in list(self._connections):
            one.close()
        self._locks.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.CancelledError):  # asyncio would log it, at the end of this process
            await self._serve_one(reader, writer)

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._gate.wait()
            up_reader, up_writer = await asyncio.open_connection(
                "127.0.0.1", self._upstream, limit=1 << 20
            )
        except OSError:
            writer.close()
            return
        one = Connection(self._log, self._gate, self._locks, writer, up_writer)
        self._connections.add(one)
        try:
            await one.run(reader, up_reader)
        except LogFileError as error:
            self.failure = self.failure or error
        finally:
            self._connections.discard(one)


class Connection:
    """One client's connection and the one to Tansu that belongs to it."""

    def __init__(
        self,
        log: LogFile,
        gate: asyncio.Event,
        locks: dict[Place, asyncio.Lock],
        writer: asyncio.StreamWriter,
        up_writer: asyncio.StreamWriter,
    ) -> None:
        self._log = log
        self._gate = gate
        self._locks = locks
        self._writer = writer
        self._up_writer = up_writer
        self._expected: deque[Expected] = deque()
        self._held: set[asyncio.Lock] = set()

    def is_changing(self) -> bool:
        """Return whether Tansu is at a request that changes what it holds."""
        return any(one.counts for one in self._expected)

    def close(self) -> None:
        """Disconnect both sides."""
        for writer in (self._writer, self._up_writer):
            writer.close()

    async def run(self, reader: asyncio.StreamReader, up_reader: asyncio.StreamReader) -> None:
        """Pass frames both ways until one side disconnects."""
        ways = [
            asyncio.create_task(self._requests(reader)),
            asyncio.create_task(self._responses(up_reader)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.close()
            for way in ways:
                way.cancel()
            ended = await asyncio.gather(*ways, return_exceptions=True)
            for lock in self._held:
                lock.release()
        for error in ended:
            if isinstance(error, sqlite3.Error):
                raise LogFileError(self._log.path, error) from error
            if isinstance(error, Exception) and not isinstance(error, OSError | EOFError):
                _log.error("a connection ended: %r", error)

    async def _requests(self, reader: asyncio.StreamReader) -> None:
        while True:
            frame = await _frame(reader)
            await self._gate.wait()
            head = frames.header(frame)
            if head.key == frames.PRODUCE:
                frame = await self._before_produce(frame, head)
            else:
                self._expected.append(self._plan(frame, head))
            self._up_writer.write(struct.pack(">i", len(frame)) + frame)
            await self._up_writer.drain()

    async def _responses(self, up_reader: asyncio.StreamReader) -> None:
        while True:
            frame = bytearray(await _frame(up_reader))
            handle, wanted, _ = self._expected[0]
            if handle is not None:
                handle(frame)
            self._expected.popleft()
            if wanted:
                self._writer.write(struct.pack(">i", len(frame)) + frame)
                await self._writer.drain()

    # Produce -------------------------------------------------------------------------------

    async def _before_produce(self, frame: bytes, head: Header) -> bytes:
        """Write the batches down; return the frame, which asks for an answer in any case."""
        acks_at, written = frames.produced(frame, head)
        wanted = frame[acks_at : acks_at + 2] != b"\0\0"
        if not wanted:
            frame = frame[:acks_at] + b"\0\1" + frame[acks_at + 2 :]
        locks = [self._locks[place] for place in sorted(written)]
        for lock in locks:
            await lock.acquire()
            self._held.add(lock)
        if not self._gate.is_set():
            message = "the broker is being filled"
            raise OSError(message)
        bases = {place: self._log.part(place).next for place in written}
        after = {place: data for place, data in written.items() if self._compacted(place)}
        self._log.append({place: written[place] for place in written if place not in after})

        def handle(answer: bytearray) -> None:
            try:
                results = frames.produce_results(answer, head.version)
                self._settle(bases, results)
                self._log.append({p: data for p, data in after.items() if results[p][0] == 0})
            finally:
                for lock in locks:
                    self._held.discard(lock)
                    lock.release()

        self._expected.append(Expected(handle, wanted, counts=True))
        return frame

    def _compacted(self, place: Place) -> bool:
        return place[0] in self._log.compacted

    def _settle(self, bases: dict[Place, int], results: dict[Place, tuple[int, int]]) -> None:
        for place, base in bases.items():
            error, found = results[place]
            if error and not self._compacted(place):
                self._log.take_back(place, base)
            elif not error and found != base:
                _log.critical("%s[%d]: Tansu wrote at %d, the file at %d", *place, found, base)
                raise SystemExit(3)

    # What else is read ---------------------------------------------------------------------

    def _plan(self, frame: bytes, head: Header) -> Expected:
        """Return what to do with the response to a request that is no produce request."""
        key, version = head.key, head.version
        if key == frames.FETCH:
            asked = frames.fetched(frame, head)
            gone = {p: first for p, at in asked.items() if at < (first := self._first(p))}
            # Tansu would answer with the filler in their place, which no client can read.
            return Expected(
                (lambda answer: frames.set_out_of_range(answer, version, gone)) if gone else None
            )
        if key == frames.API_VERSIONS:
            return Expected(lambda answer: frames.cap_versions(answer, version))
        if key == frames.LIST_OFFSETS:
            asked = frames.asked_ends(frame, head)
            return Expected(lambda answer: self._set_ends(answer, version, asked))
        if key == frames.OFFSET_COMMIT:
            return Expected(self._committing(frame, head), counts=True)
        if key in (frames.CREATE_TOPICS, frames.DELETE_TOPICS, frames.DELETE_GROUPS):
            return Expected(self._naming(frame, head), counts=True)
        return Expected(None)

    def _first(self, place: Place) -> int:
        ends = self._log.ends(place)
        return 0 if ends is None else ends[0]

    def _set_ends(self, answer: bytearray, version: int, asked: dict[Place, int]) -> None:
        """Name the first offset that is kept, and the true end: Tansu's is too low."""
        found: dict[Place, int] = {}
        for place, time in asked.items():
            ends = self._log.ends(place)
            if ends is not None and time in (frames.EARLIEST, frames.LATEST):
                found[place] = ends[0] if time == frames.EARLIEST else ends[1]
        frames.set_ends(answer, version, found)

    def _committing(self, frame: bytes, head: Header) -> Handler:
        group, offsets = frames.commits(frame, head)

        def handle(answer: bytearray) -> None:
            errors = frames.commit_errors(answer, head.version)
            taken = [one for one in offsets if errors.get(one.place) == 0]
            if taken:
                self._log.commit(group, taken, wall_ms())

        return handle

    def _naming(self, frame: bytes, head: Header) -> Handler:
        created = frames.new_topics(frame, head) if head.key == frames.CREATE_TOPICS else []
        removed = [] if created or head.key == frames.CREATE_TOPICS else frames.names(frame, head)
        remove = (
            self._log.remove_group if head.key == frames.DELETE_GROUPS else self._log.remove_topic
        )

        def handle(answer: bytearray) -> None:
            errors = frames.named_errors(answer, head.key, head.version)
            for topic in created:
                if errors.get(topic.name) == 0:
                    self._log.add_topic(topic)
            for name in removed:
                if errors.get(name) == 0:
                    remove(name)

        return handle


async def _frame(reader: asyncio.StreamReader) -> bytes:
    (length,) = struct.unpack(">i", await reader.readexactly(4))
    if not 0 <= length <= _LONGEST_FRAME:
        message = f"a frame of {length} bytes"
        raise OSError(message)
    return await reader.readexactly(length)
