"""What could not be used, and why.

Fields, units and ranges: the docs in `schemas/avro/`; a test binds the two.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

MOST_KEY_BYTES, MOST_VALUE_BYTES = 16_000, 900_000
"""What is longer is left out of a letter, which must fit into Kafka's 1 MB a record."""
_LETTER_BYTES = 60_000
"""What a letter has at most besides the record's value, with key, reason and place."""
MOST_REASON_CHARACTERS = 2_000
_MOST_ERROR_CHARACTERS = 200


class Kind(StrEnum):
    """Why a record became a dead letter. Programs decide by it; `reason` is for people only."""

    INVALID = "invalid"
    """It is no event of the contract: its bytes, a value, its key or its partition."""
    UNUSABLE = "unusable"
    """A valid event that the stage cannot use."""
    GIVEN_UP = "given_up"
    """The stage's engine failed on it each time that it was tried."""
    NOT_STORED = "not_stored"
    """The target of a sink does not take it."""


class DeadLetter(msgspec.Struct, frozen=True, gc=False):
    """A record that could not be used, with its bytes and the reason."""

    letter_id: str
    topic: str
    partition: int
    offset: int
    stage: str
    error: str
    reason: str
    failed_at: int
    record_timestamp: int
    record_key: bytes | None = None
    record_value: bytes | None = None
    kind: str | None = None


def letter_id(topic: str, partition: int, offset: int, stage: str) -> str:
    """Return the id of a letter: the same record and stage give the same id."""
    return f"{topic}:{partition}:{offset}:{stage}"


def make(
    kind: Kind,
    *,
    topic: str,
    partition: int,
    offset: int,
    stage: str,
    error: str,
    reason: str,
    failed_at: int,
    timestamp: int,
    key: bytes | None,
    value: bytes | None,
    most_bytes: int = MOST_VALUE_BYTES + _LETTER_BYTES,
) -> DeadLetter:
    """Return the letter about a record; it has at most `most_bytes`, whatever is handed in.

    `most_bytes` is what the topic takes, 100,000 at least. A value that is too long is left out,
    and a key that is too long together with its value; the reason then says where they are. `topic`
    is the logical name; times are ms since 1970 UTC.
    """
    reason = _bounded(reason, MOST_REASON_CHARACTERS)
    place = f"{topic}, partition {partition}, offset {offset}"
    if key is not None and len(key) > MOST_KEY_BYTES:
        reason += f" The key of {len(key)} bytes and the value are left out: read them in {place}."
        key = value = None
    elif value is not None and len(value) > min(MOST_VALUE_BYTES, most_bytes - _LETTER_BYTES):
        reason += f" The value of {len(value)} bytes is left out here: read it in {place}."
        value = None
    return DeadLetter(
        letter_id=letter_id(topic, partition, offset, stage),
        topic=topic,
        partition=partition,
        offset=offset,
        stage=stage,
        error=_bounded(error, _MOST_ERROR_CHARACTERS),
        reason=reason,
        failed_at=failed_at,
        record_timestamp=timestamp,
        record_key=key,
        record_value=value,
        kind=kind.value,
    )


def _bounded(text: str, most: int) -> str:
    """Return a text that can be encoded, an ellipsis where it was cut."""
    text = text if len(text) <= most else f"{text[: most - 1]}…"
    return text.encode(errors="backslashreplace").decode()
