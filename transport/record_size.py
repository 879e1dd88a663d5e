"""How large a record may be: what the topic takes (`max.message.bytes`), not what one assumes."""

from __future__ import annotations

from collections.abc import Mapping

DEFAULT_LIMIT = 1_048_588
"""Kafka's `max.message.bytes` where nobody set another one."""
OVERHEAD = 200
"""Bytes of a batch with one record besides its key and its value, and some to spare."""


class RecordTooLargeError(Exception):
    """A record that its topic would never take; the text has the topic, the size and the limit."""

    def __init__(self, topic: str, key: bytes, size: int, limit: int) -> None:
        shown = key[:40].decode(errors="backslashreplace")
        super().__init__(
            f"a record for {topic} (key {shown}) has {size} bytes, and the topic takes {limit}: "
            "raise its max.message.bytes"
        )
        self.key = key


def check_size(topic: str, key: bytes, value: bytes, limits: Mapping[str, int]) -> None:
    """Raise RecordTooLargeError for a record that is larger than its topic takes."""
    size, limit = len(key) + len(value) + OVERHEAD, limits.get(topic, DEFAULT_LIMIT)
    if size > limit:
        raise RecordTooLargeError(topic, key, size, limit)
