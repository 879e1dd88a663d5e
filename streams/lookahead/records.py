"""Market records as the proof takes them, and the bytes in which they cross into the twin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

import msgspec

from schemas.contract import STRUCTS
from schemas.events import TOPIC_OF, MarketEvent
from schemas.topics import MARKET_TOPICS
from schemas.validation import problem


class Placed(Protocol):
    """Anything that stands in the log: an `Arrival` of the replay does."""

    @property
    def topic(self) -> str:
        """Logical name of its topic."""

    @property
    def partition(self) -> int:
        """Partition of the topic."""

    @property
    def offset(self) -> int:
        """Place in the partition."""

    @property
    def event(self) -> Any:
        """The decoded record, or the error of one that cannot be decoded."""


class MarketRecord(NamedTuple):
    """One valid market event and its place in the log."""

    topic: str
    partition: int
    offset: int
    event: Any


class Source(NamedTuple):
    """Market records of a log whose topics have so many partitions.

    `read` yields the same records again at each call, in the order in which they were observed.
    `notes` returns what a person should know of the files once they have been read to the end.
    """

    read: Callable[[], Iterator[MarketRecord]]
    partitions: int = 1
    notes: Callable[[], list[str]] = list


_DECODERS = {
    topic.name: msgspec.msgpack.Decoder(STRUCTS[topic.schema], strict=True)
    for topic in MARKET_TOPICS
}
_ENCODER = msgspec.msgpack.Encoder()
_FRAME = msgspec.msgpack.Decoder(tuple[str, int, int, msgspec.Raw])


def pack(record: MarketRecord) -> bytes:
    """Return a record as bytes."""
    return _ENCODER.encode(record)


def unpack(frame: bytes) -> MarketRecord:
    """Return the record that `pack` made bytes of; both sides of a comparison read it like this."""
    topic, partition, offset, event = _FRAME.decode(frame)
    return MarketRecord(topic, partition, offset, _DECODERS[topic].decode(event))


def numbered(events: Iterable[MarketEvent]) -> Iterator[MarketRecord]:
    """Give events the offsets that they would get in topics of one partition."""
    offsets: Counter[str] = Counter()
    for event in events:
        topic = TOPIC_OF[type(event)].name
        yield MarketRecord(topic, 0, offsets[topic], event)
        offsets[topic] += 1


def usable(placed: Iterable[Placed], assets: Collection[str] = ()) -> Iterator[MarketRecord]:
    """Yield the market records that the gate of a stage would let through.

    `assets`: only these; empty for all. What is left out went to the dead letters in the live run.
    """
    for one in placed:
        event = one.event
        if one.topic not in _DECODERS or not isinstance(event, msgspec.Struct):
            continue
        if assets and event.asset not in assets:  # type: ignore[attr-defined]
            continue
        if problem(event) is None:
            yield MarketRecord(one.topic, one.partition, one.offset, event)
