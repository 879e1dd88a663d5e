"""How often a stage died of which record, on disk, so that a restarted process knows."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

CRASHES_BEFORE_DEAD_LETTER = 3


class Crash(NamedTuple):
    """A record on which an engine failed: number of crashes, and the last error."""

    times: int
    error: str


class CrashLog:
    """Counts crashes of one stage by record position.

    A defect in an engine ends the process at the record's offset and it is tried again; after
    three times the record goes to the dead letters, so that one record cannot stop the stream.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._crashes: dict[str, Crash] = {}
        if path.exists():
            for position, (count, error) in json.loads(path.read_text("utf-8")).items():
                self._crashes[position] = Crash(count, error)

    def given_up(self, topic: str, partition: int, offset: int) -> Crash | None:
        """Return what is known of a record that failed three times, else None."""
        if not self._crashes:
            return None
        crash = self._crashes.get(f"{topic}:{partition}:{offset}")
        return crash if crash and crash.times >= CRASHES_BEFORE_DEAD_LETTER else None

    def note(self, topic: str, partition: int, offset: int, error: BaseException) -> int:
        """Count one more crash at a position, on disk before it returns; return the count."""
        position = f"{topic}:{partition}:{offset}"
        count = self._crashes.get(position, Crash(0, "")).times + 1
        self._crashes[position] = Crash(count, f"{type(error).__name__}: {error}")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_suffix(".tmp")
        temporary.write_text(json.dumps(self._crashes), "utf-8")
        os.replace(temporary, self._path)
        return count
