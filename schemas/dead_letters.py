"""What could not be used, and why.

Fields, units and ranges: the docs in `schemas/avro/`; a test binds the two.
"""

from __future__ import annotations

import msgspec


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
