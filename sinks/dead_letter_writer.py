"""Sends dead letters to the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from schemas.codec import Codec
from schemas.dead_letters import DeadLetter, make
from schemas.topics import DEAD_LETTERS, physical
from sinks.base import Rejected
from transport.clock import wall_ms

_log = logging.getLogger(__name__)


class DeadLetterWriter:
    """Writes what a sink could not use to dead.letters; `stage` is "sink.<name>"."""

    def __init__(self, codec: Codec, stage: str, prefix: str) -> None:
        self._codec = codec
        self._stage = stage
        self._topic = physical(DEAD_LETTERS.name, prefix)

    async def send(self, producer: Any, rejected: Sequence[Rejected]) -> int:
        """Send a letter for each record and return their number once the broker has them all.

        Raises KafkaError; then some may have been sent, and the same again have the same ids.
        """
        if not rejected:
            return 0
        letters = [letter(each, self._stage, wall_ms()) for each in rejected]
        sent = [
            await producer.send(self._topic, self._codec.encode(one), key=one.topic.encode())
            for one in letters
        ]
        await asyncio.gather(*sent)
        last = letters[-1].reason
        _log.warning("%s: %d dead letters, the last: %s", self._stage, len(letters), last)
        return len(letters)


def letter(rejected: Rejected, stage: str, failed_at_ms: int) -> DeadLetter:
    """Return the dead letter of a record that the sink refused."""
    record = rejected.record
    return make(
        rejected.kind,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        stage=stage,
        error=rejected.error,
        reason=rejected.reason,
        failed_at=failed_at_ms,
        timestamp=record.timestamp_ms,
        key=record.key,
        value=record.value,
    )
