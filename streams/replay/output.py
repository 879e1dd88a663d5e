"""Writes what a replay produces as an archive, beside no other writer.

Offsets are those of the replay. The folder is made for it alone, so no lock is needed: processes
write different topic partitions.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from schemas.codec import Codec, local_codec
from schemas.contract import STRUCTS, schema
from schemas.topics import OUTPUT_TOPICS
from streams.archive import segments
from streams.archive.coverage import by_day
from streams.archive.layout import TEMPORARY
from streams.archive.reader import Archive
from streams.archive.records import LoggedRecord
from streams.archive.store import open_store
from streams.archive.writer import ArchiveWriter
from streams.runner import Produced

_OUTPUTS = tuple(topic.name for topic in OUTPUT_TOPICS)
SEGMENT_BYTES = 1_000_000


class OutputError(RuntimeError):
    """A folder that a replay cannot write to; the text says why."""


def make_output(folder: Path, partitions: int, topics: Iterable[str] = _OUTPUTS) -> None:
    """Make an empty archive for a replay; OutputError when the folder is not empty."""
    if folder.exists() and any(folder.iterdir()):
        msg = f"{folder} is not empty: a replay writes into a folder of its own"
        raise OutputError(msg)
    writer = ArchiveWriter(open_store(str(folder)))
    writer.open("", dict.fromkeys(topics, partitions))
    for number, name in enumerate(STRUCTS, start=1):  # the ids of `local_codec`
        writer.add_schema(number, schema(name).text)


class Output:
    """Collects outputs and writes them in segments; `close` writes the rest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._codec: Codec = local_codec()
        self._schemas = list(Archive(str(folder)).schemas)
        self._held: defaultdict[tuple[str, int], list[LoggedRecord]] = defaultdict(list)
        self._bytes: Counter[tuple[str, int]] = Counter()

    def add(self, produced: Produced) -> None:
        """Take one output; offsets of a topic partition ascend."""
        topic, partition, offset, key, timestamp_ms, event = produced
        place = (topic, partition)
        held = self._held[place]
        value = self._codec.encode(event)
        held.append(LoggedRecord(offset, timestamp_ms, key.encode(), value, ()))
        self._bytes[place] += len(value)
        if self._bytes[place] >= SEGMENT_BYTES:
            self._write(topic, partition, held)
            held.clear()
            self._bytes[place] = 0

    def close(self) -> None:
        """Write what is held."""
        for (topic, partition), held in self._held.items():
            if held:
                self._write(topic, partition, held)
        self._held.clear()

    def _write(self, topic: str, partition: int, records: list[LoggedRecord]) -> None:
        for part in by_day(records):
            segment = segments.describe(topic, partition, part)
            target = self._folder / segment.path
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(target.name + TEMPORARY)
            temporary.write_bytes(segments.encode(segment, part, self._schemas))
            temporary.rename(target)
