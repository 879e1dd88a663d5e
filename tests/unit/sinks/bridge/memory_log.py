"""A log in memory that does to its readers what a broker's does, and a socket in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec

from schemas.codec import local_codec
from schemas.contract import schema_name
from schemas.topics import BY_SCHEMA
from sinks.bridge.frames import Frame
from sinks.bridge.hub.channels import BY_TOPIC
from tests.unit.quantiva.status import samples
from transport.log_reader import Partition

CODEC = local_codec()
PARTITIONS = 2


class Raw(NamedTuple):
    """A record as aiokafka has them."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


class MemoryLog:
    """Topics of PARTITIONS partitions; every connection reads the same records.

    `away` makes every call fail, `expire` deletes from the front, `renew` makes a topic anew.
    """

    def __init__(self) -> None:
        self.records: dict[Partition, list[Raw]] = {
            (topic, number): [] for topic in BY_TOPIC for number in range(PARTITIONS)
        }
        self.first: dict[Partition, int] = dict.fromkeys(self.records, 0)
        self.generation = 0
        self.away = False
        self.connections = 0
        self._changed = asyncio.Event()

    def append(self, event: Any, partition: int = 0, at: int | None = None) -> int:
        """Append an event to its topic and return its offset; bytes go to the topic signals."""
        if isinstance(event, bytes):
            return self.append_raw("signals", partition, b"?", event)
        topic = BY_SCHEMA[schema_name(event)]
        key = str(getattr(event, topic.key)).encode()
        return self.append_raw(topic.name, partition, key, CODEC.encode(event), at)

    def append_raw(
        self, topic: str, partition: int, key: bytes, value: bytes | None, at: int | None = None
    ) -> int:
        records = self.records[(topic, partition)]
        offset = self.first[(topic, partition)] + len(records)
        records.append(Raw(topic, partition, offset, at or samples.T0 + offset, key, value))
        self._wake()
        return offset

    def expire(self, topic: str, partition: int, before: int) -> None:
        place = (topic, partition)
        self.records[place] = [r for r in self.records[place] if r.offset >= before]
        self.first[place] = before

    def grow(self, topic: str) -> int:
        """Give a topic one partition more, and return its number."""
        number = sum(place[0] == topic for place in self.records)
        self.records[(topic, number)], self.first[(topic, number)] = [], 0
        return number

    def renew(self, topic: str) -> None:
        self.generation += 1
        for place in self.records:
            if place[0] == topic:
                self.records[place], self.first[place] = [], 0
        self._wake()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[MemoryLog]:
        self._check()
        self.connections += 1
        try:
            yield self
        finally:
            self.connections -= 1

    async def partitions(self) -> Mapping[str, list[Partition]]:
        self._check()
        return {topic: [p for p in sorted(self.records) if p[0] == topic] for topic in BY_TOPIC}

    async def begins(self, partitions: Iterable[Partition]) -> Mapping[Partition, int]:
        self._check()
        return {place: self.first[place] for place in partitions}

    async def ends(self, partitions: Iterable[Partition]) -> Mapping[Partition, int]:
        self._check()
        return {place: self.end(*place) for place in partitions}

    def end(self, topic: str, partition: int) -> int:
        place = (topic, partition)
        return self.first[place] + len(self.records[place])

    async def scan(self, ranges: Mapping[Partition, tuple[int, int]]) -> AsyncIterator[list[Any]]:
        for place, (start, stop) in ranges.items():
            await asyncio.sleep(0)
            self._check()
            yield [r for r in self.records[place] if start <= r.offset < stop]

    has_markers = False

    def reached(self) -> dict[Partition, int]:
        """Return nothing: this log has no markers of transactions."""
        return {}

    async def follow(self, starts: Mapping[Partition, int]) -> AsyncIterator[list[Any]]:
        """Yield what is there; a topic that is recreated is read from its beginning."""
        starts, generation = dict(starts), self.generation
        while True:
            self._check()
            if generation != self.generation:
                starts, generation = dict.fromkeys(starts, 0), self.generation
            found = [r for p, at in starts.items() for r in self.records[p] if r.offset >= at]
            if not found:
                await self._changed.wait()
                continue
            for record in found:
                starts[(record.topic, record.partition)] = record.offset + 1
            # In any order but that of the offsets: whoever reads must not rely on it.
            yield sorted(found, key=lambda r: (r.timestamp, r.topic))

    def lose(self) -> None:
        """Let every call fail until `away` is False again."""
        self.away = True
        self._wake()

    def _check(self) -> None:
        if self.away:
            message = "the log is away"
            raise ConnectionError(message)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class Socket:
    """A wire that keeps the frames; `stuck` bytes lie in its buffer, so that nothing goes out."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.stuck = 0
        self.is_gone = False
        self._drained = asyncio.Event()

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def get_write_buffer_size(self) -> int:
        return self.stuck

    def is_closing(self) -> bool:
        return self.is_gone

    def let_go(self) -> None:
        self.stuck = 0
        self._drained.set()

    async def drain(self) -> None:
        if self.stuck:
            await self._drained.wait()

    def frames(self) -> list[dict[str, Any]]:
        return [message for data in self.written for message in messages(data)]


def messages(data: bytes) -> list[dict[str, Any]]:
    """Return the messages in unmasked, uncompressed websocket frames."""
    found = []
    while data and data[0] != 0x88:  # the end of the connection
        assert data[0] == 0x81
        size, head = data[1], 2
        if size == 126:
            size, head = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, head = int.from_bytes(data[2:10], "big"), 10
        found.append(msgspec.json.decode(data[head : head + size]))
        data = data[head + size :]
    return found


def signal(number: int, **changes: Any) -> Any:
    return msgspec.structs.replace(samples.SIGNAL, signal_id=f"s{number}", **changes)


def plain(channel: str, **facts: Any) -> Frame:
    return Frame(b"{}", channel=channel, **facts)
