"""The published index on disk, with the offsets in the log up to which it holds.

A convenience only: without it, or when it cannot be used, the log is read from its beginning.
"""

from __future__ import annotations

import os
import threading
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import msgspec

from producers.dedup.index_state import Snapshot

VERSION = 1
_DIGEST_BYTES = 16


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """How far a partition is read: the next offset, and which record was the last.

    `last` is that record's offset and a digest of its content, None where none was read. It tells
    a log from another one with the same names and offsets: recreated topics, another cluster, a
    broker that lost its end.
    """

    next_offset: int = 0
    last: tuple[int, int] | None = None


class Checkpoint(msgspec.Struct, frozen=True):
    """The fold of all records before the marks; partitions are (topic on the broker, number)."""

    marks: dict[tuple[str, int], Mark]
    index: Snapshot = msgspec.field(name="journal")
    version: int = VERSION


class Loaded(NamedTuple):
    """A checkpoint, or None; `note`: why one that is there cannot be used, else None."""

    checkpoint: Checkpoint | None
    note: str | None = None


class CheckpointFile:
    """One file, replaced as a whole: a process killed at any moment leaves the old or the new."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._one_at_a_time = threading.Lock()

    def load(self) -> Loaded:
        """Return what the file holds. Never raises: whatever is wrong with it becomes the note."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return Loaded(None)
        except OSError as error:
            return Loaded(None, self._unusable(f"cannot be read ({error.strerror})"))
        digest, body = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        if digest != _digest(body):
            return Loaded(None, self._unusable("is damaged"))
        try:
            if msgspec.msgpack.decode(body, type=_Versioned).version != VERSION:
                return Loaded(None, self._unusable("is another version's"))
            return Loaded(msgspec.msgpack.decode(body, type=Checkpoint))
        except msgspec.MsgspecError as error:
            return Loaded(None, self._unusable(f"does not hold a journal ({error})"))

    def save(self, checkpoint: Checkpoint) -> None:
        """Write the file, and return when it is on the disk. Raises OSError; the old one stays."""
        body = msgspec.msgpack.encode(checkpoint)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_name(f"{self._path.name}.tmp")
        with self._one_at_a_time:
            with temporary.open("wb") as file:
                file.write(_digest(body) + body)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self._path)

    def _unusable(self, why: str) -> str:
        return f"the checkpoint {self._path.name} {why}: the whole log is read instead"


class _Versioned(msgspec.Struct):
    version: int = 0


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=_DIGEST_BYTES).digest()
