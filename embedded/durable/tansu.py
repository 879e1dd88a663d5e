"""A Tansu in memory as a child of this process, and the one client that fills it again."""

from __future__ import annotations

import asyncio
import itertools
import os
import struct
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from embedded.durable import frames
from embedded.durable.frames import Commit, NewTopic, Place
from embedded.durable.log_file import LogFile
from transport.readiness import accepts
from transport.supervision.ports import free_port
from transport.supervision.processes import Child, Command, StartError

_READY_WITHIN_S = 20.0
_TIMEOUT_MS = 30_000
_CLIENTS = 8
_LONGEST_FILLER = 2**31 - 1


class Client:
    """One connection to Tansu; requests one after another. Raises OSError, EOFError, StartError."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._one_at_a_time = asyncio.Lock()

    async def call(self, key: int, version: int, body: bytes) -> bytes:
        """Return the response, with its header."""
        async with self._one_at_a_time:
            head = struct.pack(">hhi", key, version, next(self._numbers)) + _text("quantiva-refill")
            self._writer.write(struct.pack(">i", len(head) + len(body)) + head + body)
            await self._writer.drain()
            (length,) = struct.unpack(">i", await self._reader.readexactly(4))
            return await self._reader.readexactly(length)

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


class Tansu:
    """The process; `start` begins with an empty one."""

    def __init__(self, program: Path, folder: Path, log: Path, advertised: str) -> None:
        self._program = program
        self._folder = folder
        self._log = log
        self._advertised = advertised
        self._child: Child | None = None
        self.port = free_port()

    def is_running(self) -> bool:
        """Return whether it runs."""
        return self._child is not None and self._child.is_running()

    def memory_bytes(self) -> int:
        """Return its resident memory, 0 when it does not run or the system does not say."""
        if self._child is None:
            return 0
        try:
            pages = Path(f"/proc/{self._child.pid}/statm").read_text("ascii").split()[1]
        except OSError:
            return 0
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    async def start(self) -> None:
        """End the one that runs, if any, and start another. Raises StartError."""
        await self.kill()
        url = f"tcp://127.0.0.1:{self.port}"
        arguments = ("--listener-url", url, "--advertised-listener-url", self._advertised)
        command = Command(
            name="The embedded broker (Tansu)",
            argv=(str(self._program), "broker", *arguments, "--storage-engine", "memory://tansu/"),
            log=self._log,
            cwd=self._folder,
            grace_s=1.0,
        )
        self._child = await Child.start(command)
        try:
            async with asyncio.timeout(_READY_WITHIN_S):
                while not await accepts(self.port):
                    if not self._child.is_running():
                        message = f"Tansu ended with status {self._child.returncode}"
                        raise StartError(message)
                    await asyncio.sleep(0.01)
        except TimeoutError:
            message = f"Tansu did not answer within {_READY_WITHIN_S:.0f} s"
            raise StartError(message) from None

    async def kill(self) -> None:
        """End it: what it holds is in the file."""
        child, self._child = self._child, None
        if child is not None:
            await child.kill()

    async def connect(self) -> Client:
        """Return a new connection."""
        return Client(*await asyncio.open_connection("127.0.0.1", self.port))


async def fill(tansu: Tansu, log: LogFile) -> None:
    """Write everything that the file holds into an empty Tansu, at its offsets.

    Raises StartError when Tansu refuses something, OSError or EOFError when it ends meanwhile.
    """
    async with _connected(tansu) as clients:
        for topic in log.topics():
            await _create(clients[0], topic)
        places = iter(log.places())  # shared: each client takes the next one
        await asyncio.gather(*(_write_all(client, log, places) for client in clients))
        for group, offsets in log.committed().items():
            await _commit(clients[0], group, offsets)


@asynccontextmanager
async def _connected(tansu: Tansu) -> AsyncIterator[Sequence[Client]]:
    clients = [await tansu.connect() for _ in range(_CLIENTS)]
    try:
        yield clients
    finally:
        for client in clients:
            client.close()


async def _create(client: Client, topic: NewTopic) -> None:
    configs = b"".join(_text(name) + _text(value) for name, value in topic.configs.items())
    body = (
        struct.pack(">i", 1)
        + _text(topic.name)
        + struct.pack(">ihi", topic.partitions, 1, 0)
        + struct.pack(">i", len(topic.configs))
        + configs
        + struct.pack(">ib", _TIMEOUT_MS, 0)
    )
    answer = await client.call(frames.CREATE_TOPICS, 2, body)
    error = frames.named_errors(answer, frames.CREATE_TOPICS, 2).get(topic.name, -1)
    _refuse(error, f"the topic {topic.name}")


async def _write_all(client: Client, log: LogFile, places: Iterator[Place]) -> None:
    for place in places:
        part = log.part(place)
        following = 0
        if place[0] not in log.compacted:
            while following < part.first:
                count = min(part.first - following, _LONGEST_FILLER)
                following = await _write(client, place, frames.filler(count), following)
        for batch in log.stored(place):
            following = await _write(client, place, batch, following)
        if following != part.next:
            message = f"{place[0]}[{place[1]}] was filled up to {following}, not to {part.next}"
            raise StartError(message)


async def _write(client: Client, place: Place, batch: bytes, following: int) -> int:
    """Write a batch and return the offset after it."""
    topic, number = place
    body = (
        struct.pack(">hhii", -1, -1, _TIMEOUT_MS, 1)
        + _text(topic)
        + struct.pack(">iii", 1, number, len(batch))
        + batch
    )
    answer = await client.call(frames.PRODUCE, 7, body)
    error, base = frames.produce_results(answer, 7)[place]
    _refuse(error, f"a batch of {topic}[{number}]")
    if base != following:
        message = f"Tansu put a batch of {topic}[{number}] at {base}, not at {following}"
        raise StartError(message)
    return base + sum(count for _, count in frames.batches(batch))


async def _commit(client: Client, group: str, offsets: Sequence[Commit]) -> None:
    """Commit as somebody who is no member of the group."""
    rows = b"".join(
        _text(one.place[0]) + struct.pack(">iiq", 1, one.place[1], one.offset) + _text(one.metadata)
        for one in offsets
    )
    body = _text(group) + struct.pack(">i", -1) + _text("")
    body += struct.pack(">qi", -1, len(offsets)) + rows
    answer = await client.call(frames.OFFSET_COMMIT, 2, body)
    for place, error in frames.commit_errors(answer, 2).items():
        _refuse(error, f"an offset of group {group} in {place[0]}[{place[1]}]")


def _text(value: str | None) -> bytes:
    if value is None:
        return struct.pack(">h", -1)
    encoded = value.encode()
    return struct.pack(">h", len(encoded)) + encoded


def _refuse(error: int, what: str) -> None:
    if error:
        message = f"Tansu refused {what} with Kafka's error {error}"
        raise StartError(message)
