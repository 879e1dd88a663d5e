"""Kafka's wire format, as far as the proxy must understand it. A frame comes without its length.

Only the versions before "flexible" ones are read: `cap_versions` makes clients use these. All
functions raise struct.error for what is cut short.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from aiokafka.record.util import calc_crc32c

PRODUCE, FETCH, LIST_OFFSETS, OFFSET_COMMIT, API_VERSIONS = 0, 1, 2, 8, 18
CREATE_TOPICS, DELETE_TOPICS, DELETE_GROUPS = 19, 20, 42
VERSIONS: Mapping[int, tuple[int, int]] = {
    PRODUCE: (3, 8),
    FETCH: (4, 11),
    LIST_OFFSETS: (1, 3),
    OFFSET_COMMIT: (2, 7),
    CREATE_TOPICS: (0, 4),
    DELETE_TOPICS: (0, 3),
    DELETE_GROUPS: (0, 1),
}
EARLIEST, LATEST = -2, -1
OFFSET_OUT_OF_RANGE = 1

Place = tuple[str, int]
"""Topic on the broker and partition."""


class Header(NamedTuple):
    """What every request begins with; `body` is where the rest of the frame begins."""

    key: int
    version: int
    correlation: int
    body: int


class Commit(NamedTuple):
    """A committed offset."""

    place: Place
    offset: int
    metadata: str | None


class NewTopic(NamedTuple):
    """A topic that is to be created."""

    name: str
    partitions: int
    configs: dict[str, str | None]


class Reader:
    """Reads a frame from a position on."""

    def __init__(self, frame: bytes | bytearray, at: int = 0) -> None:
        self.frame = frame
        self.at = at

    def number(self, code: str) -> int:
        """Return an integer of struct's format `code`, big-endian."""
        (value,) = struct.unpack_from(f">{code}", self.frame, self.at)
        self.at += struct.calcsize(f">{code}")
        return int(value)

    def count(self) -> range:
        """Return the positions of an array; empty for null."""
        return range(max(self.number("i"), 0))

    def text(self) -> str | None:
        """Return a nullable string."""
        length = self.number("h")
        if length < 0:
            return None
        self.at += length
        return bytes(self.frame[self.at - length : self.at]).decode()

    def data(self) -> bytes:
        """Return nullable bytes, b"" for null."""
        length = max(self.number("i"), 0)
        self.at += length
        return bytes(self.frame[self.at - length : self.at])


def header(frame: bytes) -> Header:
    """Return the header of a request."""
    reader = Reader(frame)
    key, version, correlation = reader.number("h"), reader.number("h"), reader.number("i")
    reader.text()  # the client's id
    return Header(key, version, correlation, reader.at)


def produced(frame: bytes, head: Header) -> tuple[int, dict[Place, bytes]]:
    """Return where `acks` stands in a produce request, and the batches by place."""
    reader = Reader(frame, head.body)
    reader.text()  # the transactional id
    acks_at = reader.at
    reader.at += 6
    found = {}
    for _ in reader.count():
        topic = reader.text() or ""
        for _ in reader.count():
            place = topic, reader.number("i")
            found[place] = reader.data()
    return acks_at, found


def produce_results(frame: bytes | bytearray, version: int) -> dict[Place, tuple[int, int]]:
    """Return error code and base offset of each place in a produce response."""
    reader = Reader(frame, 4)
    found = {}
    for _ in reader.count():
        topic = reader.text() or ""
        for _ in reader.count():
            place = topic, reader.number("i")
            found[place] = reader.number("h"), reader.number("q")
            reader.at += 8 + (8 if version >= 5 else 0)
            for _ in reader.count() if version >= 8 else ():
                reader.number("i")
                reader.text()
            _ = reader.text() if version >= 8 else None
    return found


def fetched(frame: bytes, head: Header) -> dict[Place, int]:
    """Return the offset from which a fetch request reads, by place."""
    reader, version = Reader(frame, head.body), head.version
    reader.at += 17 + (8 if version >= 7 else 0)
    found = {}
    for _ in reader.count():
        topic = reader.text() or ""
        for _ in reader.count():
            place = topic, reader.number("i")
            reader.at += 4 if version >= 9 else 0
            found[place] = reader.number("q")
            reader.at += 4 + (8 if version >= 5 else 0)
    return found


def set_out_of_range(frame: bytearray, version: int, firsts: Mapping[Place, int]) -> None:
    """Let a fetch response say of places that they begin at a later offset than was asked for."""
    reader = Reader(frame, 8 + (6 if version >= 7 else 0))
    for _ in reader.count():
        topic = reader.text() or ""
        for _ in reader.count():
            place = topic, reader.number("i")
            if place in firsts:
                struct.pack_into(">h", frame, reader.at, OFFSET_OUT_OF_RANGE)
                if version >= 5:
                    struct.pack_into(">q", frame, reader.at + 18, firsts[place])
            reader.at += 18 + (8 if version >= 5 else 0)
            aborted = len(reader.count())
            reader.at += 16 * aborted + (4 if version >= 11 else 0)
            reader.data()


def asked_ends(frame: bytes, head: Header) -> dict[Place, int]:
    """Return the time that a list-offsets request asks for, by place."""
    reader = Reader(frame, head.body)
    reader.at += 4 + (1 if head.version >= 2 else 0)
    found = {}
    for _ in reader.count():
        topic = reader.text() or ""
        for _ in reader.count():
            place = topic, reader.number("i")
            found[place] = reader.number("q")
    return found


def set_ends(frame: bytearray, version: int, ends: Mapping[Place, int]) -> None:
    """Put offsets into a list-offsets response, where it has no error."""
    reader = Reader(frame, 4 + (4 if version >= 2 else 0))
    for _ in reader.count():
        topic = reader.text() or ""
        for _ in reader.count():
            place = topic, reader.number("i")
            error = reader.number("h")
            if error == 0 and place in ends:
                struct.pack_into(">q", frame, reader.at + 8, ends[place])
            reader.at += 16


def commits(frame: bytes, head: Header) -> tuple[str, list[Commit]]:
    """Return the group and the offsets of a commit request."""
    reader, version = Reader(frame, head.body), head.version
    group = reader.text() or ""
    reader.number("i")
    reader.text()
    if version >= 7:
        reader.text()
    reader.at += 8 if version <= 4 else 0
    found = []
    for _ in reader.count():
        topic = reader.text() or ""
        for _ in reader.count():
            place, offset = (topic, reader.number("i")), reader.number("q")
            reader.at += 4 if version >= 6 else 0
            found.append(Commit(place, offset, reader.text()))
    return group, found


def commit_errors(frame: bytes | bytearray, version: int) -> dict[Place, int]:
    """Return the error code of each place in a commit response."""
    reader = Reader(frame, 4 + (4 if version >= 3 else 0))
    found = {}
    for _ in reader.count():
        topic = reader.text() or ""
        for _ in reader.count():
            place = topic, reader.number("i")
            found[place] = reader.number("h")
    return found


def new_topics(frame: bytes, head: Header) -> list[NewTopic]:
    """Return the topics of a create request; none when it only asks whether it could."""
    reader = Reader(frame, head.body)
    found = []
    for _ in reader.count():
        name, partitions = reader.text() or "", reader.number("i")
        reader.number("h")
        for _ in reader.count():
            reader.number("i")
            for _ in reader.count():
                reader.number("i")
        configs = {reader.text() or "": reader.text() for _ in reader.count()}
        found.append(NewTopic(name, max(partitions, 1), configs))
    reader.number("i")
    return [] if head.version >= 1 and reader.number("b") else found


def names(frame: bytes, head: Header) -> list[str]:
    """Return the topics or groups of a delete request."""
    reader = Reader(frame, head.body)
    return [reader.text() or "" for _ in reader.count()]


def named_errors(frame: bytes | bytearray, key: int, version: int) -> dict[str, int]:
    """Return the error code by name in a response about topics or groups."""
    with_throttle = version >= {CREATE_TOPICS: 2, DELETE_TOPICS: 1, DELETE_GROUPS: 0}[key]
    reader = Reader(frame, 4 + (4 if with_throttle else 0))
    found = {}
    for _ in reader.count():
        name = reader.text() or ""
        found[name] = reader.number("h")
        if key == CREATE_TOPICS and version >= 1:
            reader.text()
    return found


def cap_versions(frame: bytearray, version: int) -> None:
    """Limit what an api-versions response offers to the versions that are read here."""
    at = 4 + 2  # correlation, error
    if version >= 3:
        count, at = _compact(frame, at)
        count -= 1
        step = 7  # three numbers, and an empty list of tags
    else:
        (count,) = struct.unpack_from(">i", frame, at)
        at += 4
        step = 6
    for _ in range(count):
        key, low, high = struct.unpack_from(">hhh", frame, at)
        if key in VERSIONS:
            lowest, highest = VERSIONS[key]
            struct.pack_into(">hh", frame, at + 2, max(low, lowest), min(high, highest))
        at += step


def _compact(frame: bytearray, at: int) -> tuple[int, int]:
    """Return an unsigned varint, and where what follows begins."""
    value = shift = 0
    while True:
        byte = frame[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def batches(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield the record batches in the data of one partition, and how many offsets each takes."""
    at = 0
    while at + 61 <= len(data):
        (length,) = struct.unpack_from(">i", data, at + 8)
        (last_delta,) = struct.unpack_from(">i", data, at + 23)
        yield data[at : at + 12 + length], last_delta + 1
        at += 12 + length


def filler(count: int) -> bytes:
    """Return an empty batch that takes `count` offsets, 1 to 2^31 - 1."""
    rest = struct.pack(">hiqqqhii", 0, count - 1, 0, 0, -1, -1, -1, 0)
    body = struct.pack(">ibI", 0, 2, calc_crc32c(rest)) + rest
    return struct.pack(">qi", 0, len(body)) + body
