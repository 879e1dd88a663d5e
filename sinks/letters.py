"""Dead letters of the sinks: what could not be decoded or written, with its bytes. Pure."""

from __future__ import annotations

from schemas.dead_letters import DeadLetter
from sinks.base import Rejected, SinkRecord

MAX_VALUE_BYTES = 900_000
"""A longer value is left out: the letter must fit into Kafka's 1 MB a record."""


def letter(
    record: SinkRecord, stage: str, error: str, reason: str, failed_at_ms: int
) -> DeadLetter:
    """Return the dead letter of a record; its id depends only on the position and the stage."""
    value = record.value
    if value is not None and len(value) > MAX_VALUE_BYTES:
        reason += (
            f" The value of {len(value)} bytes is left out here: read it in {record.topic}, "
            f"partition {record.partition}, offset {record.offset}."
        )
        value = None
    return DeadLetter(
        letter_id=f"{record.topic}:{record.partition}:{record.offset}:{stage}",
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        stage=stage,
        error=error,
        reason=reason,
        failed_at=failed_at_ms,
        record_timestamp=record.timestamp_ms,
        record_key=record.key,
        record_value=value,
    )


def rejection(rejected: Rejected, stage: str, failed_at_ms: int) -> DeadLetter:
    """Return the dead letter of a record that the sink refused."""
    return letter(rejected.record, stage, rejected.error, rejected.reason, failed_at_ms)
