"""What the broker holds, in one SQLite file: topics, batches, last versions, committed offsets.

Of a compacted topic only the last records of each key are kept. Calls block, for some 50 us; what
they wrote survives the death of this process, not always that of the machine.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from embedded.durable.frames import Commit, NewTopic, Place, batches

_SCHEMA = """
CREATE TABLE IF NOT EXISTS topic(
    name TEXT PRIMARY KEY, partitions INTEGER NOT NULL, configs TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS part(
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, number INTEGER NOT NULL,
    first INTEGER NOT NULL DEFAULT 0, next INTEGER NOT NULL DEFAULT 0, UNIQUE(topic, number));
CREATE TABLE IF NOT EXISTS batch(
    id INTEGER PRIMARY KEY AUTOINCREMENT, part INTEGER NOT NULL, base INTEGER NOT NULL,
    last INTEGER NOT NULL, data BLOB NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS batch_at ON batch(part, base);
CREATE TABLE IF NOT EXISTS latest(
    part INTEGER NOT NULL, key BLOB NOT NULL, at INTEGER NOT NULL, timestamp_ms INTEGER NOT NULL,
    value BLOB, headers TEXT NOT NULL, PRIMARY KEY(part, key, at)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS committed(
    grp TEXT NOT NULL, topic TEXT NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL,
    metadata TEXT, when_ms INTEGER NOT NULL, PRIMARY KEY(grp, topic, number));
PRAGMA user_version = 1;
"""
# Of a key: a changelog's last row may be a sleeper's and not count; the archive wants the rest.
VERSIONS, VERSIONS_OF_OTHERS = 4, 1000
_FORGET_OLD = (
    "DELETE FROM latest WHERE part = ? AND key = ? AND at <= "
    "(SELECT at FROM latest WHERE part = ? AND key = ? ORDER BY at DESC LIMIT 1 OFFSET ?)"
)
_SPARSE_BYTES = 500_000
GROUP_LIVES_MS = 24 * 3_600_000  # what a group that committed since has not read is kept for it


class LogFileError(RuntimeError):
    """SQLite refuses the file: it is full, broken or none of ours."""

    def __init__(self, path: Path, error: sqlite3.Error) -> None:
        why = f"The broker's log {path} cannot be used: {error}."
        super().__init__(f"{why} Free its disk, or remove it to begin anew.")


class Part(NamedTuple):
    """One partition: its key in the file, its first offset, and the one after its last."""

    id: int
    first: int
    next: int


class LogFile:
    """The file; one process and one thread use it. Raises LogFileError when it is none of ours."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute("PRAGMA wal_autocheckpoint = 8000")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version > 1:
                raise sqlite3.DatabaseError(f"its version is {version}, not 1")  # noqa: EM102
            self._db.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            raise LogFileError(path, error) from error
        self._parts: dict[Place, Part] = {
            (topic, number): Part(*rest)
            for topic, number, *rest in self._db.execute(
                "SELECT topic, number, id, first, next FROM part"
            )
        }
        # Topics of which only the last records of each key are kept.
        self.compacted = {
            name for name, _, configs in self._topics() if _is_compacted(json.loads(configs))
        }
        self.close = self._db.close

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """One transaction."""
        self._db.execute("BEGIN IMMEDIATE")
        with self._db:
            yield

    def _topics(self) -> list[tuple[str, int, str]]:
        return self._db.execute("SELECT name, partitions, configs FROM topic").fetchall()

    def topics(self) -> list[NewTopic]:
        """Return every topic; one that was written to without being created counts, too."""
        found = {name: NewTopic(name, n, json.loads(c)) for name, n, c in self._topics()}
        for topic, number in self._parts:
            if topic not in found or found[topic].partitions <= number:
                configs = found[topic].configs if topic in found else {}
                found[topic] = NewTopic(topic, number + 1, configs)
        return list(found.values())

    def add_topic(self, topic: NewTopic) -> None:
        """Note a topic that was created."""
        row = topic.name, topic.partitions, json.dumps(topic.configs)
        self._db.execute("INSERT OR REPLACE INTO topic VALUES (?, ?, ?)", row)
        if _is_compacted(topic.configs):
            self.compacted.add(topic.name)

    def remove_topic(self, name: str) -> None:
        """Forget a topic, its records and the offsets committed in it."""
        with self._whole():
            for place in [place for place in self._parts if place[0] == name]:
                part = self._parts.pop(place)
                for table in ("batch", "latest"):
                    self._db.execute(f"DELETE FROM {table} WHERE part = ?", (part.id,))  # noqa: S608
            self._db.execute("DELETE FROM part WHERE topic = ?", (name,))
            self._db.execute("DELETE FROM topic WHERE name = ?", (name,))
            self._db.execute("DELETE FROM committed WHERE topic = ?", (name,))
        self.compacted.discard(name)

    def part(self, place: Place) -> Part:
        """Return a partition, which is made when it is new."""
        found = self._parts.get(place)
        if found is None:
            row = self._db.execute("INSERT INTO part(topic, number) VALUES (?, ?)", place)
            found = self._parts[place] = Part(int(row.lastrowid or 0), 0, 0)
        return found

    def ends(self, place: Place) -> tuple[int, int] | None:
        """Return first and next offset of a partition; None for one never written to."""
        return self._parts[place][1:] if place in self._parts else None

    def append(self, written: Mapping[Place, bytes]) -> None:
        """Keep batches at the ends of their partitions, all or none."""
        moved: dict[Place, Part] = {}
        with self._whole():
            for place, data in written.items():
                part = self.part(place)
                following = part.next
                keep = self._keep_latest if place[0] in self.compacted else self._keep_batch
                for batch, count in batches(data):
                    keep(place, following, count, batch)
                    following += count
                self._db.execute("UPDATE part SET next = ? WHERE id = ?", (following, part.id))
                moved[place] = part._replace(next=following)
        self._parts.update(moved)

    def _keep_batch(self, place: Place, base: int, count: int, batch: bytes) -> None:
        row = self.part(place).id, base, base + count - 1, batch
        self._db.execute("INSERT INTO batch(part, base, last, data) VALUES (?, ?, ?, ?)", row)

    def _keep_latest(self, place: Place, base: int, _count: int, batch: bytes) -> None:
        part, first = self.part(place).id, int.from_bytes(batch[:8], "big", signed=True)
        versions = VERSIONS if place[0].endswith("-changelog") else VERSIONS_OF_OTHERS
        for record in DefaultRecordBatch(batch):
            key, at = record.key or b"", base + record.offset - first
            row = part, key, at, record.timestamp, record.value, _headers_text(record.headers)
            self._db.execute("INSERT INTO latest VALUES (?, ?, ?, ?, ?, ?)", row)
            self._db.execute(_FORGET_OLD, (part, key, part, key, versions))

    def take_back(self, place: Place, base: int) -> None:
        """Forget what was appended to a partition that is not compacted, from an offset on."""
        part = self._parts[place]
        with self._whole():
            self._db.execute("DELETE FROM batch WHERE part = ? AND base >= ?", (part.id, base))
            self._db.execute("UPDATE part SET next = ? WHERE id = ?", (base, part.id))
        self._parts[place] = part._replace(next=base)

    def places(self) -> list[Place]:
        """Return every partition that was written to."""
        return sorted(self._parts)

    def stored(self, place: Place) -> Iterator[bytes]:
        """Yield the batches of a partition from its first offset on, as they are to be written.

        Those of a compacted one begin at offset 0 and leave offsets out.
        """
        part = self._parts[place]
        if place[0] in self.compacted:
            yield from self._sparse(part.id)
            return
        for row in self._db.execute(
            "SELECT data FROM batch WHERE part = ? ORDER BY base", part[:1]
        ):
            yield row[0]

    def _sparse(self, part: int) -> Iterator[bytes]:
        wanted = "SELECT at, timestamp_ms, key, value, headers FROM latest WHERE part = ?"
        rows = self._db.execute(f"{wanted} ORDER BY at", (part,))
        base = size = following = 0
        builder = _builder()
        for at, timestamp_ms, key, value, headers in rows:
            if size > _SPARSE_BYTES:
                yield bytes(builder.build())
                base, size, builder = following, 0, _builder()
            builder.append(at - base, timestamp_ms, key, value, _headers(headers))
            size += len(key) + len(value or b"") + 64
            following = at + 1
        if size:
            yield bytes(builder.build())

    def commit(self, group: str, offsets: Iterable[Commit], now_ms: int) -> None:
        """Keep the committed offsets of a group."""
        with self._whole():
            self._db.executemany(
                "INSERT OR REPLACE INTO committed VALUES (?, ?, ?, ?, ?, ?)",
                [(group, *one.place, one.offset, one.metadata, now_ms) for one in offsets],
            )

    def remove_group(self, group: str) -> None:
        """Forget the committed offsets of a group."""
        self._db.execute("DELETE FROM committed WHERE grp = ?", (group,))

    def committed(self) -> dict[str, list[Commit]]:
        """Return the committed offsets by group."""
        found: dict[str, list[Commit]] = {}
        rows = self._db.execute("SELECT grp, topic, number, at, metadata FROM committed")
        for group, topic, number, at, metadata in rows:
            found.setdefault(group, []).append(Commit((topic, number), at, metadata))
        return found

    def trim(self, bytes_a_topic: int, keep_for: str = "") -> int:
        """Remove what is old from topics that are not compacted; return how many records.

        Of each topic the newest so many bytes stay, what a group that lives has yet to read, and
        what no group whose name begins with `keep_for` has read, unless that is "".
        """
        removed = 0
        with self._whole():
            for topic in {topic for topic, _ in self._parts} - self.compacted:
                oldest = self._oldest_id(topic, bytes_a_topic)
                for place in [place for place in self._parts if place[0] == topic]:
                    removed += self._trim_part(place, oldest, keep_for)
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return removed

    def _oldest_id(self, topic: str, size: int) -> int:
        """Return the key of the oldest batch of a topic that stays for its age."""
        wanted = (
            "SELECT coalesce(min(CASE WHEN total <= ? THEN id END), max(id), 0) FROM (SELECT b.id, "
            "sum(length(b.data)) OVER (ORDER BY b.id DESC) AS total FROM batch b "
            "JOIN part p ON p.id = b.part WHERE p.topic = ?)"
        )
        return int(self._db.execute(wanted, (size, topic)).fetchone()[0])

    def _trim_part(self, place: Place, oldest_id: int, keep_for: str) -> int:
        part = self._parts[place]
        (kept,) = self._db.execute(
            "SELECT min(base) FROM batch WHERE part = ? AND id >= ?", (part.id, oldest_id)
        ).fetchone()
        (unread,) = self._db.execute(
            "SELECT min(at) FROM committed WHERE topic = ? AND number = ? "
            "AND when_ms > (SELECT max(when_ms) FROM committed) - ?",
            (*place, GROUP_LIVES_MS),
        ).fetchone()
        (done,) = self._db.execute(
            "SELECT max(at) FROM committed WHERE topic = ? AND number = ? "
            "AND substr(grp, 1, length(?)) = ?",
            (*place, keep_for, keep_for),
        ).fetchone()
        if keep_for and done is None:
            return 0
        wanted = min([part.next, *(one for one in (kept, unread) if one is not None)])
        wanted = min(wanted, done) if keep_for else wanted
        (first,) = self._db.execute(
            "SELECT min(base) FROM batch WHERE part = ? AND last >= ?", (part.id, wanted)
        ).fetchone()
        first = part.next if first is None else int(first)
        if first <= part.first:
            return 0
        self._db.execute("DELETE FROM batch WHERE part = ? AND base < ?", (part.id, first))
        self._db.execute("UPDATE part SET first = ? WHERE id = ?", (first, part.id))
        self._parts[place] = part._replace(first=first)
        return first - part.first


def _is_compacted(configs: Mapping[str, str | None]) -> bool:
    return configs.get("cleanup.policy") == "compact"


def _builder() -> Any:
    return DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 1 << 30)


def _headers_text(headers: Iterable[tuple[str, bytes | None]]) -> str:
    return json.dumps([(n, None if v is None else v.hex()) for n, v in headers])


def _headers(text: str) -> list[tuple[str, bytes | None]]:
    return [(n, None if v is None else bytes.fromhex(v)) for n, v in json.loads(text)]
