"""What an archive keeps of the log: records with their raw bytes, and errors about them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from schemas.times import EPOCH

_LAST_MS = 253_402_300_799_999  # the end of the year 9999, where a calendar in ISO 8601 ends
_FIRST_MS = -62_135_596_800_000


class ArchiveError(RuntimeError):
    """An archive that cannot be used; the text has the cause, the address and the remedy."""


class LoggedRecord(NamedTuple):
    """One record of a topic partition, its bytes as they are in the log.

    `timestamp_ms` is the record's timestamp in ms since 1970 UTC; `headers` are (name, value).
    """

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


def logged(raw: Any) -> LoggedRecord:
    """Return an aiokafka ConsumerRecord as the archive keeps it."""
    return LoggedRecord(
        raw.offset, raw.timestamp, raw.key, raw.value, tuple(map(tuple, raw.headers))
    )


def day_of(timestamp_ms: int) -> str:
    """Return the UTC day, YYYY-MM-DD; what lies outside the years 1 to 9999 counts to their ends.

    A record may carry any number as its timestamp.
    """
    inside = min(max(timestamp_ms, _FIRST_MS), _LAST_MS)
    return (EPOCH + timedelta(milliseconds=inside)).date().isoformat()


def schema_id(value: bytes | None) -> int | None:
    """Return the registry id that a value in the Confluent wire format names, else None."""
    if value is None or len(value) < 5 or value[0] != 0:
        return None
    return int.from_bytes(value[1:5], "big")
