"""Events as records: checked, encoded, with key and timestamp. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from schemas.codec import BadEventError, Codec
from schemas.control import SignalRequest, Strategy
from schemas.events import TOPIC_OF
from schemas.signals import Decision
from schemas.sources import SourceStatus
from schemas.topics import DECISIONS, REQUESTS, SOURCES, STRATEGIES, Topic
from schemas.validation import problem
from transport.record_size import RecordTooLargeError, check_size

SENT_HEADER = "sent_ms"
_MOST_SENT = 2**53  # every whole number up to here is exact wherever numbers are doubles
_MOST_DIGITS = 16
_NO_LIMITS: Mapping[str, int] = {}
_TOPICS: dict[type, Topic] = {
    **TOPIC_OF,
    Strategy: STRATEGIES,
    SignalRequest: REQUESTS,
    SourceStatus: SOURCES,
    Decision: DECISIONS,
}
_TIME_FIELD: dict[type, str] = {
    Strategy: "updated_at",
    SignalRequest: "requested_at",
    Decision: "as_of",
}


class ProducerRecord(NamedTuple):
    """A record to send; `value` None is a tombstone."""

    key: bytes
    timestamp_ms: int
    value: bytes | None


class Outgoing(NamedTuple):
    """An encoded record and where it goes.

    `topic` is the logical name where a stage decides on it, the broker's where it is sent.
    `timestamp_ms` 0 is the broker's time. `sent_ms` is the wall-clock time at which the market
    event behind it was published (0: unknown).
    """

    topic: str
    partition: int
    key: bytes
    timestamp_ms: int
    value: bytes
    sent_ms: int


def record_of(
    event: msgspec.Struct,
    codec: Codec,
    limits: Mapping[str, int] = _NO_LIMITS,
    *,
    is_valid: bool = False,
) -> tuple[Topic, ProducerRecord]:
    """Return the topic and the record of an event.

    `limits`: the most bytes of a record by logical topic, Kafka's default for the others.
    `is_valid`: `schemas.validation.problem` has been asked about it already. Raises BadEventError
    for an event that breaks the contract or is larger than its topic takes.
    """
    kind = type(event)
    topic = _TOPICS.get(kind)
    if topic is None:
        msg = f"{kind.__name__} is not published by producers"
        raise BadEventError(msg)
    try:
        wrong = None if is_valid else problem(event)
        value = b"" if wrong else codec.encode(event)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        wrong, value = f"a field does not fit its schema: {error}", b""
    if wrong:
        raise BadEventError(_where(topic, event) + wrong)
    key = getattr(event, topic.key).encode()
    try:
        check_size(topic.name, key, value, limits)
    except RecordTooLargeError as error:
        raise BadEventError(_where(topic, event) + str(error)) from error
    return topic, ProducerRecord(key, getattr(event, _TIME_FIELD.get(kind, "observed_at")), value)


def sent_ms(headers: Iterable[tuple[str, bytes | None]]) -> int | None:
    """Return a record's header `sent_ms`: when the market event behind it was published.

    In ms since 1970 by the wall clock; None when it is not said: there is none, or its value is no
    plain decimal number of 0 to 2^53. Headers are no part of the contract: anybody writes them.
    """
    for name, value in headers:
        if name == SENT_HEADER and value is not None:
            # isdigit: int takes signs, spaces, underscores and thousands of digits as well.
            said = int(value) if value.isdigit() and len(value) <= _MOST_DIGITS else _MOST_SENT + 1
            return said if said <= _MOST_SENT else None
    return None


def _where(topic: Topic, event: msgspec.Struct) -> str:
    source = getattr(event, "source", None)
    place = f" from {source} ({getattr(event, 'source_id', '')})" if source else ""
    return f"{topic.schema} of {getattr(event, topic.key, '?')}{place}: "
