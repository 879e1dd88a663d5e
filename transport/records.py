"""Events as records: checked, encoded, with key and timestamp. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from schemas.codec import BadEventError, Codec
from schemas.control import SignalRequest, Strategy
from schemas.events import TOPIC_OF
from schemas.sources import SourceStatus
from schemas.topics import REQUESTS, SOURCES, STRATEGIES, Topic
from schemas.validation import problem

SENT_HEADER = "sent_ms"
_LARGEST_BYTES = 1_000_000  # Kafka's limit by default is little more
_MOST_SENT = 2**53  # every whole number up to here is exact wherever numbers are doubles
_MOST_DIGITS = 16
_TOPICS: dict[type, Topic] = {
    **TOPIC_OF,
    Strategy: STRATEGIES,
    SignalRequest: REQUESTS,
    SourceStatus: SOURCES,
}
_TIME_FIELD: dict[type, str] = {Strategy: "updated_at", SignalRequest: "requested_at"}


class ProducerRecord(NamedTuple):
    """A record to send; `value` None is a tombstone."""

    key: bytes
    timestamp_ms: int
    value: bytes | None


def record_of(
    event: msgspec.Struct, codec: Codec, *, is_valid: bool = False
) -> tuple[Topic, ProducerRecord]:
    """Return the topic and the record of an event; BadEventError when it breaks the contract.

    `is_valid`: `schemas.validation.problem` has been asked about it already.
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
    if len(value) > _LARGEST_BYTES:
        wrong = f"is {len(value)} bytes long, more than {_LARGEST_BYTES}"
    if wrong:
        raise BadEventError(_where(topic, event) + wrong)
    timestamp_ms = getattr(event, _TIME_FIELD.get(kind, "observed_at"))
    return topic, ProducerRecord(getattr(event, topic.key).encode(), timestamp_ms, value)


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
