"""Compares what a live run wrote with what its replay makes of the same inputs, byte by byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from schemas.codec import Codec
from schemas.topics import OUTPUT_TOPICS
from streams.archive.records import LoggedRecord
from streams.runner import Produced

COMPARED = tuple(topic.name for topic in OUTPUT_TOPICS)
"""In the order of the flow: a wrong score comes before the decisions that it makes wrong."""

_HEADER_BYTES = 5
ABSENT = "(nothing)"


class Divergence(msgspec.Struct, frozen=True, gc=False):
    """Where replay and live run part.

    `offset` is the recorded one, -1 where only the replay has something. `subject` says in a few
    words what the record is about, `field` what differs in it.
    """

    timestamp_ms: int
    topic: str
    partition: int
    offset: int
    subject: str
    field: str
    recorded: str
    replayed: str

    def order(self) -> tuple[Any, ...]:
        """Return what sorts divergences by cause: time, then the flow."""
        return (self.timestamp_ms, COMPARED.index(self.topic), self.partition, self.offset)


_COUNTS = ("equal", "differing", "repeated", "unanswered", "ahead", "decisions")


class Parity(msgspec.Struct):
    """The result of a comparison, or of a part of it; parts add up.

    equal, differing  outputs by topic; a differing one is wrong, missing or too many
    repeated   outputs that a restarted worker sent again, equal to the first time
    unanswered outputs that the replay has after the recording's last ones: in flight when it ended
    ahead     recorded outputs whose inputs came after the recording's last ones: topics that go on
              are not cut off at the same moment
    decisions  records that the edge wrote (missing answers, ends of cycles): inputs of a replay
    market     market records that the replay applied
    refused    records for the dead letters that both agree on; `disputed` where they do not
    first      the first divergences by cause: time, then the flow
    settings   outputs by the version of the settings that they were recorded with, of those that
               were replayed with another one
    """

    equal: Counter[str] = msgspec.field(default_factory=Counter)
    differing: Counter[str] = msgspec.field(default_factory=Counter)
    repeated: Counter[str] = msgspec.field(default_factory=Counter)
    unanswered: Counter[str] = msgspec.field(default_factory=Counter)
    ahead: Counter[str] = msgspec.field(default_factory=Counter)
    decisions: Counter[str] = msgspec.field(default_factory=Counter)
    market: Counter[str] = msgspec.field(default_factory=Counter)
    refused: int = 0
    disputed: list[str] = []
    first: list[Divergence] = []
    settings: Counter[str] = msgspec.field(default_factory=Counter)

    @property
    def total(self) -> int:
        """Number of outputs compared."""
        return self.equal.total() + self.differing.total()

    @property
    def is_exact(self) -> bool:
        """Whether all that was recorded is equal, and there was something."""
        return not self.differing.total() and not self.disputed and self.equal.total() > 0

    def diverge(self, divergence: Divergence) -> None:
        """Count a difference, and keep it when it is among the first."""
        self.differing[divergence.topic] += 1
        self.first.append(divergence)
        if len(self.first) > 2 * _KEPT:
            self._trim()

    def add(self, other: Parity) -> None:
        """Take in the result of another part."""
        for name in (*_COUNTS, "market", "settings"):
            getattr(self, name).update(getattr(other, name))
        self.refused += other.refused
        self.disputed = [*self.disputed, *other.disputed]
        self.first.extend(other.first)
        self._trim()

    def _trim(self) -> None:
        self.first = sorted(self.first, key=Divergence.order)[:_KEPT]


_KEPT = 100


class Comparison:
    """Compares pairs of records and keeps count."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self.result = Parity()

    def pair(
        self,
        record: LoggedRecord,
        event: Any,
        replayed: Produced,
        partition: int,
        *,
        again: bool = False,
    ) -> None:
        """Compare a recorded output with the replay's; `again`: one that was sent twice."""
        found = self._difference(record, event, replayed, partition)
        if found is None:
            counts = self.result.repeated if again else self.result.equal
            counts[replayed.topic] += 1
            return
        field, theirs, ours = found
        subject = subject_of(event)
        version = getattr(event, "settings", None)
        if version != getattr(replayed.event, "settings", None):
            self.result.settings[version or "none"] += 1
        self.result.diverge(
            Divergence(
                record.timestamp_ms,
                replayed.topic,
                partition,
                record.offset,
                subject,
                field,
                theirs,
                ours,
            )
        )

    def recorded_only(self, topic: str, partition: int, record: LoggedRecord, event: Any) -> None:
        """Note an output that the replay does not have."""
        self.result.diverge(
            Divergence(
                record.timestamp_ms,
                topic,
                partition,
                record.offset,
                subject_of(event),
                "record",
                "present",
                ABSENT,
            )
        )

    def replayed_only(self, replayed: Produced) -> None:
        """Note an output that the live run does not have."""
        self.result.diverge(
            Divergence(
                replayed.timestamp_ms,
                replayed.topic,
                replayed.partition,
                -1,
                subject_of(replayed.event),
                "record",
                ABSENT,
                "present",
            )
        )

    def _difference(
        self, record: LoggedRecord, event: Any, replayed: Produced, partition: int
    ) -> tuple[str, str, str] | None:
        """Return the first field that differs, with the recorded and the replayed value."""
        if partition != replayed.partition:
            return "partition", str(partition), str(replayed.partition)
        if record.key != replayed.key.encode():
            return "key", repr(record.key), replayed.key
        if record.timestamp_ms != replayed.timestamp_ms:
            return "timestamp_ms", str(record.timestamp_ms), str(replayed.timestamp_ms)
        value = self._codec.encode(replayed.event)
        if record.value is not None and record.value[_HEADER_BYTES:] == value[_HEADER_BYTES:]:
            return None
        # Another writer's schema gives other bytes to equal events.
        return first_difference(event, replayed.event)


def first_difference(recorded: Any, replayed: Any, path: str = "") -> tuple[str, str, str] | None:
    """Return path and values of the first field in which two events differ, None when equal."""
    if type(recorded) is not type(replayed):
        return path or "type", _said(recorded), _said(replayed)
    if isinstance(recorded, msgspec.Struct):
        pairs: Iterable[tuple[str, Any, Any]] = (
            (name, getattr(recorded, name), getattr(replayed, name))
            for name in recorded.__struct_fields__
        )
    elif isinstance(recorded, dict):
        names = [*recorded, *(name for name in replayed if name not in recorded)]
        pairs = ((name, recorded.get(name), replayed.get(name)) for name in names)
    elif isinstance(recorded, tuple) and len(recorded) == len(replayed):
        pairs = ((str(n), a, b) for n, (a, b) in enumerate(zip(recorded, replayed, strict=True)))
    else:
        same = recorded == replayed or repr(recorded) == repr(replayed)  # NaN equals itself here
        return None if same else (path, _said(recorded), _said(replayed))
    for name, ours, theirs in pairs:
        found = first_difference(ours, theirs, f"{path}.{name}" if path else name)
        if found is not None:
            return found
    return None


def _said(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"


def subject_of(event: Any) -> str:
    """Return in a few words what an output is about."""
    names = ("asset", "engine", "strategy_id", "kind", "trigger", "cycle")
    parts = [getattr(event, name, None) for name in names]
    return " ".join(str(part) for part in parts if part not in (None, ""))
