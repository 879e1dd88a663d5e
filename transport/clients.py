"""Every client of Kafka is made here: what all of them need is set once.

That is where the broker is, how to be let in, and what the embedded broker cannot do. Importing
this module applies the cures of `aiokafka_fixes` and `embedded_broker.skipped_batches`.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.partitioner import DefaultPartitioner

import transport.aiokafka_fixes
import transport.embedded_broker.skipped_batches  # noqa: F401
from transport.embedded_broker import FETCH_MAX_WAIT_MS, is_embedded
from transport.settings import Settings

_murmur2 = DefaultPartitioner()
_log = logging.getLogger(__name__)
_BLOCKING_TIMEOUT_MS = 10_000
_SHORTEST_SESSION_S = 6.0
_SHORTEST_SESSION_EMBEDDED_S = 3.0


def _aiokafka(settings: Settings) -> dict[str, Any]:
    return {"bootstrap_servers": settings.require_bootstrap()}


def _librdkafka(settings: Settings) -> dict[str, Any]:
    return {"bootstrap.servers": settings.require_bootstrap()}


def consumer(
    settings: Settings, *topics: str, group: str | None = None, **options: Any
) -> AIOKafkaConsumer:
    """Return a consumer that begins at the first record and commits only when it is asked to.

    It reads committed records only, and its end offsets lie behind those.
    `topics` have their names on the broker. `group` is a consumer group, with the session timeout
    of the settings; None reads without one. `options` are aiokafka's. ValueError without an
    address.
    """
    chosen: dict[str, Any] = {"enable_auto_commit": False, "auto_offset_reset": "earliest"}
    if is_embedded():
        chosen["fetch_max_wait_ms"] = FETCH_MAX_WAIT_MS
    else:
        chosen["isolation_level"] = "read_committed"  # the stages write in transactions
    if group is not None:
        chosen["session_timeout_ms"] = int(settings.session_timeout_s * 1000)
        chosen["heartbeat_interval_ms"] = int(settings.session_timeout_s * 250)
    return AIOKafkaConsumer(*topics, group_id=group, **_aiokafka(settings), **{**chosen, **options})


def producer(settings: Settings, **options: Any) -> AIOKafkaProducer:
    """Return a producer that waits for all replicas, idempotent where the broker can.

    Its partitioner is aiokafka's, Java's murmur2, over the deployment's count of partitions: what
    somebody added to a topic since is read by no stage. `options` are aiokafka's. ValueError
    without an address.
    """
    chosen: dict[str, Any] = {
        "acks": "all",
        "enable_idempotence": not is_embedded(),
        "partitioner": partial(_partition, settings.partitions),
    }
    return AIOKafkaProducer(**_aiokafka(settings), **{**chosen, **options})


def _partition(count: int, key: bytes | None, every: list[int], available: list[int]) -> int:
    agreed = sorted(every)[:count]
    usable = [number for number in available if number in agreed]
    return int(_murmur2(key, agreed, usable))


def admin(settings: Settings) -> AIOKafkaAdminClient:
    """Return a client that asks about consumer groups. ValueError without an address."""
    return AIOKafkaAdminClient(**_aiokafka(settings))


def metadata(settings: Settings, timeout_s: float) -> AIOKafkaClient:
    """Return a client that asks for brokers, within `timeout_s`. ValueError without an address."""
    return AIOKafkaClient(**_aiokafka(settings), request_timeout_ms=round(timeout_s * 1000))


def blocking_admin(settings: Settings) -> Any:
    """Return Confluent's admin client, which creates topics. ValueError without an address."""
    from confluent_kafka.admin import AdminClient  # only when needed

    return AdminClient(
        {**_librdkafka(settings), "socket.timeout.ms": _BLOCKING_TIMEOUT_MS}, logger=_log
    )


def blocking_consumer(settings: Settings, group: str) -> Any:
    """Return Confluent's consumer of a group, which commits only when it is asked to."""
    from confluent_kafka import Consumer

    return Consumer({**_librdkafka(settings), "group.id": group, "enable.auto.commit": False})


def shortest_session_s() -> float:
    """Return the shortest session timeout of a consumer group that the broker takes by default.

    The embedded broker lets a member in only after half a session.
    """
    return _SHORTEST_SESSION_EMBEDDED_S if is_embedded() else _SHORTEST_SESSION_S
