"""Reads the topics into a published index: all of them, or what came since the last time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from producers.dedup.checkpoint import Checkpoint, Mark
from producers.dedup.published_index import TOPICS, PublishedIndex
from schemas.codec import BadEventError
from schemas.validation import problem
from transport.log_reader import LogReader, Partition

Decode = Callable[[bytes | None], Awaitable[Any]]
"""Bytes to an event: `transport.decoder.Decoder.decode`, which raises while the registry is away.

BadEventError: there is none in them. To take records as unreadable because the registry does not
answer would be to publish them again.
"""
Progress = Callable[[int, int], None]
"""Called with how many records are read, and of how many."""

_MOST_ROUNDS = 20
_AT_ONCE = 1_000
"""Records applied before other tasks may run."""
_NO_CHECK = (-1, 0)


class OtherLogError(RuntimeError):
    """The log is not the one that was read before; the text gives the evidence."""


class LogIndexer:
    """A published index and how far it has read the log.

    `unreadable` counts records that hold no event; the workers' dead letters have the details.
    """

    def __init__(self, index: PublishedIndex, decode: Decode) -> None:
        self.index = index
        self.unreadable = 0
        self._decode = decode
        self._marks: dict[Partition, Mark] = {}

    def checkpoint(self) -> Checkpoint:
        """Return offsets and index to resume from.

        Call it only when nothing unacknowledged is in the index.
        """
        return Checkpoint(dict(self._marks), self.index.snapshot())

    def restart(self, checkpoint: Checkpoint | None = None) -> None:
        """Go back to a checkpoint, or to the beginning."""
        if checkpoint is None:
            self.index.clear()
        else:
            self.index.restore(checkpoint.index)
        self._marks = {} if checkpoint is None else dict(checkpoint.marks)
        self.unreadable = 0

    async def catch_up(self, log: LogReader, on_progress: Progress | None = None) -> int:
        """Read to the end, and again until nothing comes any more; return how many records.

        What a killed process had sent may still be on its way into the log. Raises OtherLogError
        when the log is not the one read before, and what `log` and the decoding raise; then only
        `restart` makes the index whole again.
        """
        total = 0
        for _ in range(_MOST_ROUNDS):
            count = await self._read(log, on_progress)
            total += count
            if count == 0:
                break
        return total

    async def _read(self, log: LogReader, on_progress: Progress | None) -> int:
        known = await log.partitions()
        places = [(name, number) for topic in TOPICS for name, number in known.get(topic, ())]
        begins, ends = await log.begins(places), await log.ends(places)
        if self._marks:
            _compare(self._marks, places, begins, ends)
        marks = {place: self._marks.get(place, Mark(begins[place])) for place in places}
        checks = {
            place: mark.last
            for place, mark in marks.items()
            if mark.last is not None and mark.last[0] >= begins[place]
        }
        starts = {
            place: checks[place][0] if place in checks else marks[place].next_offset
            for place in places
        }
        total = sum(ends[place] - marks[place].next_offset for place in places)
        done = 0
        async for records in log.scan({place: (starts[place], ends[place]) for place in places}):
            done += await self._take(records, marks, checks)
            if on_progress is not None and total:
                on_progress(done, total)
        if checks:
            raise _gone(min(checks))
        # Behind the last record there may be offsets without one: a marker of a transaction.
        self._marks = {place: Mark(ends[place], mark.last) for place, mark in marks.items()}
        return done

    async def _take(
        self,
        records: list[Any],
        marks: dict[Partition, Mark],
        checks: dict[Partition, tuple[int, int]],
    ) -> int:
        """Apply what is new, and strike off the checks that hold; return how many were new."""
        count = 0
        last: dict[Partition, Any] = {}
        for record in records:
            place = record.topic, record.partition
            if record.offset >= marks[place].next_offset:
                await self._apply(record.value)
                last[place] = record
                count += 1
                if count % _AT_ONCE == 0:
                    await asyncio.sleep(0)
                continue
            offset, digest = checks.get(place, _NO_CHECK)
            if record.offset == offset:
                if digest != _stands_for(record):
                    raise _gone(place)
                del checks[place]
        for place, record in last.items():
            marks[place] = Mark(record.offset + 1, (record.offset, _stands_for(record)))
        return count

    async def _apply(self, value: bytes | None) -> None:
        try:
            event = await self._decode(value)
        except BadEventError:
            self.unreadable += 1
            return
        if problem(event) is None:
            self.index.apply(event)
        else:  # the workers refuse it too: it may come again, and right
            self.unreadable += 1


def _compare(
    marks: Mapping[Partition, Mark],
    places: Sequence[Partition],
    begins: Mapping[Partition, int],
    ends: Mapping[Partition, int],
) -> None:
    """Raise OtherLogError where offsets alone show that the log is another one."""
    if set(places) != set(marks):
        msg = f"the topics have {len(places)} partitions, and had {len(marks)}"
        raise OtherLogError(msg)
    for place in places:
        name, number = place
        read = marks[place].next_offset
        if ends[place] < read:
            msg = f"{name}[{number}] ends at {ends[place]}, and was read to {read} before"
            raise OtherLogError(msg)
        if begins[place] > read:
            msg = f"{name}[{number}] begins at {begins[place]}, and was read only to {read}"
            raise OtherLogError(msg)


def _gone(place: Partition) -> OtherLogError:
    name, number = place
    return OtherLogError(f"{name}[{number}] does not hold the record that was read last before")


def _stands_for(record: Any) -> int:
    digest = blake2b(digest_size=8)
    headers = b"".join(name.encode() + (value or b"") for name, value in record.headers)
    for part in (b"%d" % record.timestamp, record.key or b"", headers, record.value or b""):
        digest.update(b"%d " % len(part) + part)
    return int.from_bytes(digest.digest(), "big") >> 1
