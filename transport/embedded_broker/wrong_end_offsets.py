"""The embedded broker (Tansu 0.6.0) answers `ListOffsets(latest)` with an end that is too low.

It is the base offset of the last batch + 1: table recovery would stop early, any lag would be
wrong. The high watermark in fetch responses is right, so it is asked for by fetching.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition

_DEADLINE_S = 10.0


async def true_end_offsets(
    consumer: AIOKafkaConsumer, claimed: Mapping[TopicPartition, int | None]
) -> dict[TopicPartition, int]:
    """Return the end offset of each partition, 0 for an empty one; `claimed` are what it answers.

    The partitions are assigned to the consumer, and their positions change. Raises TimeoutError
    when a partition with records gives none within 10 s.
    """
    # The last claimed record of each partition: the response to it carries the true end.
    missing = {tp for tp, offset in claimed.items() if offset}
    for tp in missing:
        consumer.seek(tp, (claimed[tp] or 1) - 1)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _DEADLINE_S
    while missing:
        if loop.time() > deadline:
            msg = f"no high watermark for {sorted(missing)} within {_DEADLINE_S:.0f} s"
            raise TimeoutError(msg)
        await consumer.getmany(timeout_ms=50, max_records=1)
        missing = {tp for tp in missing if consumer.highwater(tp) is None}
    return {
        tp: max(offset or 0, consumer.highwater(tp) or 0) if offset else 0
        for tp, offset in claimed.items()
    }
