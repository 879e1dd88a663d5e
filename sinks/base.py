"""The contract of a sink: where events go when they leave the log.

A runner (sinks/runner.py) reads topics and drives the sink through one cycle again and again:

    add, add, ... -> flush -> the runner commits the offsets

Nothing is visible outside before `flush`, and no offset is committed before `flush` has returned.
So after a crash at any moment the same records come again, and a sink must take them again
without a second effect: it writes by the id of the event, never by its position.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from schemas.dead_letters import Kind


class SinkRecord(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One record of the log, decoded (or not: see sinks.decoding.Undecoded).

    `topic` is the logical name. `event` is a struct of the contract, or None for a tombstone of a
    compacted topic (the key's deletion). `value` are the bytes as read, for the dead letters.
    `sent_ms` is the wall clock, in ms since 1970, when the market event behind this one was
    published (record header "sent_ms"); None without it. `headers` are kept for a sink that
    takes records undecoded, and empty for the others.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None = None
    event: Any = None
    value: bytes | None = None
    sent_ms: int | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """A record that this sink can never write, with the class of the error and a sentence."""

    record: SinkRecord
    error: str
    reason: str
    kind: Kind = Kind.NOT_STORED


class Flushed(msgspec.Struct, frozen=True, gc=False):
    """Result of a flush: number of new or changed rows by table, and records for dead letters.

    A record that was there already counts in neither.
    """

    rows: Mapping[str, int] = {}
    rejected: tuple[Rejected, ...] = ()


class SinkError(RuntimeError):
    """The sink cannot go on; the text has cause, address and remedy. The runner ends."""


class SinkUnavailableError(SinkError):
    """The target is away for now. The runner waits and calls again; no offset is committed."""


class Sink(Protocol):
    """A sink. The runner calls these in this order, from one task; see the module's docstring."""

    @property
    def name(self) -> str:
        """Short name; part of the consumer group, of `stage` in dead letters and of the status."""

    @property
    def topics(self) -> tuple[str, ...]:
        """Logical topics that it wants."""

    async def setup(self) -> None:
        """Make the target ready. Called before the first record; safe to call again.

        Raises SinkUnavailableError (the runner calls again later) or SinkError (it ends).
        """

    def add(self, records: Sequence[SinkRecord]) -> None:
        """Keep records for the next flush. Never fails, never blocks, has no effect outside."""

    async def flush(self) -> Flushed:
        """Write all that was added, as one; when it returns it is durable, all of it.

        Nothing added: nothing happens. A record that cannot be written whatever one does is
        returned in `rejected`, and the others are written. SinkUnavailableError: nothing is lost,
        what was added stays for the next flush. SinkError or anything else: a defect or a wrong
        setup; the runner ends and the offsets stay where they were.
        """

    def discard(self) -> None:
        """Forget what was added and not flushed: its partitions belong to another member now."""

    async def close(self) -> None:
        """Release everything; what was not flushed is dropped. Safe to call twice."""
