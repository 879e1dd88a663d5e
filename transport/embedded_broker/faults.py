"""Faults of the embedded broker (Tansu 0.6.0) and their workarounds; all off on Apache Kafka.

* `ListOffsets(latest)` answers "base offset of the last batch + 1": table recovery would stop
  early, any lag would be wrong. The high watermark in fetch responses is right, so it is asked for
  by fetching: `streams.agents.faust_ext.tansu_thread`, `end_offsets`.
* A waiting fetch is not woken by new records, it looks again after a part of its longest wait: with
  Faust's 1.5 s every hop would take half a second. So the wait is short: `FETCH_MAX_WAIT_MS`.
* A consumer group can keep a leader that is gone, so that nobody ever joins: `unwedge`.
* A fetch can skip a batch that becomes readable a moment later: `skipped_batches` beside this.
* aiokafka's idempotent producer fails (`streams.agents.faust_ext` asks `is_embedded`).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

import transport.embedded_broker.skipped_batches  # noqa: F401  applied to every consumer of this process

_log = logging.getLogger(__name__)
_FETCH_DEADLINE_S = 10.0
FETCH_MAX_WAIT_MS = 20


def is_embedded() -> bool:
    """Return whether this process talks to the embedded broker (QUANTIVA_BROKER=tansu)."""
    return os.environ.get("QUANTIVA_BROKER") == "tansu"


def consumer_options() -> dict[str, Any]:
    """Return what every aiokafka consumer of ours needs besides its own options."""
    return {"fetch_max_wait_ms": FETCH_MAX_WAIT_MS} if is_embedded() else {}


async def end_offsets(
    bootstrap: str | list[str], partitions: Iterable[TopicPartition]
) -> dict[TopicPartition, int]:
    """Return the true end offset of each partition, 0 for an empty one, from fetch responses.

    Raises TimeoutError when a partition with records gives none within 10 s.
    """
    wanted = list(partitions)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
    )
    await consumer.start()
    try:
        consumer.assign(wanted)
        claimed = await consumer.end_offsets(wanted)
        return await highwaters(consumer, claimed)
    finally:
        await consumer.stop()


async def highwaters(
    consumer: AIOKafkaConsumer, claimed: Mapping[TopicPartition, int | None]
) -> dict[TopicPartition, int]:
    """Fetch the last claimed record of each partition: the response carries the true end."""
    missing = {tp for tp, offset in claimed.items() if offset}
    for tp in missing:
        consumer.seek(tp, (claimed[tp] or 1) - 1)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _FETCH_DEADLINE_S
    while missing:
        if loop.time() > deadline:
            msg = f"no high watermark for {sorted(missing)} within {_FETCH_DEADLINE_S:.0f} s"
            raise TimeoutError(msg)
        await consumer.getmany(timeout_ms=50, max_records=1)
        missing = {tp for tp in missing if consumer.highwater(tp) is None}
    return {
        tp: max(offset or 0, consumer.highwater(tp) or 0) if offset else 0
        for tp, offset in claimed.items()
    }


def unwedge(bootstrap: str, group: str, topics: list[str]) -> bool:
    """Free a group whose leader is gone: keep its offsets, delete it, commit them again.

    Blocks for some seconds; call it only when no member of the group is alive. Returns whether
    the group could be freed.
    """
    from confluent_kafka import Consumer, KafkaException, TopicPartition  # only when needed
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": bootstrap})
    config = {"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False}
    consumer = Consumer(config)
    try:
        metadata = admin.list_topics(timeout=10).topics
        wanted = [
            TopicPartition(name, number)
            for name in topics
            if name in metadata
            for number in metadata[name].partitions
        ]
        kept = [tp for tp in consumer.committed(wanted, timeout=10) if tp.offset >= 0]
        admin.delete_consumer_groups([group])[group].result(10)
        if kept:
            consumer.assign(kept)
            consumer.commit(offsets=kept, asynchronous=False)
    except KafkaException as error:
        _log.warning("group %s could not be freed: %s", group, error)
        return False
    finally:
        consumer.close()
    _log.warning("group %s was freed; %d committed offsets kept", group, len(kept))
    return True
