"""How often a stage died of which record, on disk, so that a restarted process knows."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import Any, NamedTuple

CRASHES_BEFORE_DEAD_LETTER = 3
_MOST_CHARACTERS = 1_000
_MOST_RECORDS = 1_000
"""Counts that are kept, the newest ones: a record that is past never comes again."""


class Crash(NamedTuple):
    """A record on which an engine failed: number of crashes, and the last error."""

    times: int
    error: str


class CrashLog:
    """Counts crashes of one stage by record: its position, and a checksum of what stands there.

    Whatever goes wrong while a record is handled ends the process at its offset and it is tried
    again; after three times the record goes to the dead letters, so that one record cannot stop the
    stream. A topic that was recreated has other records at the same offsets: those begin at 0.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._crashes: dict[str, Crash] = {}
        if path.exists():
            for record, (count, error) in json.loads(path.read_text("utf-8")).items():
                self._crashes[record] = Crash(count, error)

    def given_up(self, record: Any) -> Crash | None:
        """Return what is known of a record that failed three times, else None."""
        if not self._crashes:
            return None
        crash = self._crashes.get(_identity(record))
        return crash if crash and crash.times >= CRASHES_BEFORE_DEAD_LETTER else None

    def note(self, record: Any, error: BaseException) -> int:
        """Count one more crash on a record, on disk before it returns; return the count."""
        identity = _identity(record)
        count = self._crashes.pop(identity, Crash(0, "")).times + 1
        text = f"{type(error).__name__}: {error}"[:_MOST_CHARACTERS]
        self._crashes[identity] = Crash(count, text.encode(errors="backslashreplace").decode())
        newest = list(self._crashes.items())[-_MOST_RECORDS:]
        self._crashes = dict(newest)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_suffix(".tmp")
        temporary.write_text(json.dumps(self._crashes), "utf-8")
        os.replace(temporary, self._path)
        return count


def _identity(record: Any) -> str:
    content = zlib.crc32(record.value or b"", zlib.crc32(record.key or b""))
    return f"{record.topic}:{record.partition}:{record.offset}:{record.timestamp}:{content:08x}"
