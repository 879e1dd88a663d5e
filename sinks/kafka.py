"""Clients of the broker for a sink, and which of their errors are worth waiting for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener
from aiokafka.errors import (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    CommitFailedError,
    GroupAuthorizationFailedError,
    IllegalStateError,
    InvalidSessionTimeoutError,
    KafkaError,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
    UnsupportedVersionError,
)

REFUSED: tuple[type[Exception], ...] = (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    GroupAuthorizationFailedError,
    InvalidSessionTimeoutError,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
    UnsupportedVersionError,
)
"""The broker answers, and will not change its mind."""

AWAY: tuple[type[Exception], ...] = (KafkaError, OSError)
"""Worth another try, unless it is one of REFUSED."""

REBALANCED: tuple[type[Exception], ...] = (CommitFailedError, IllegalStateError)
"""A commit that came too late: the partition belongs to somebody else."""

_A_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class RunnerConfig:
    """Where a runner reads, and how it batches.

    `bootstrap` is "host:port,..."; `group` the consumer group; `prefix` stands before every topic.
    A batch is flushed at `max_records` records, at `max_bytes` of values or `max_age_ms` after its
    first one: the age is the delay of a lone record, and 1000 / age the most flushes and commits a
    second of an idle system.
    `session_timeout_ms`: 6000 is the shortest that Apache Kafka takes, and what Tansu needs.
    `instance_id` is the stable name of a replica (static membership), or None.
    `client` are further options of both aiokafka clients: TLS, SASL.
    `fetch_max_wait_ms` is how long a fetch without records waits; Tansu needs a short one, as it
    does not wake a waiting fetch.
    `longest_wait_s` bounds the backoff while something is away; `stop_within_s` the end.
    """

    bootstrap: str
    group: str
    prefix: str = ""
    max_records: int = 5000
    max_bytes: int = 64 << 20
    max_age_ms: int = 50
    session_timeout_ms: int = 6000
    heartbeat_ms: int = 1000
    instance_id: str | None = None
    client: Mapping[str, Any] = field(default_factory=dict)
    fetch_max_wait_ms: int = 500
    longest_wait_s: float = 5.0
    stop_within_s: float = 10.0


def make_consumer(config: RunnerConfig) -> Any:
    """Return a consumer that commits only when it is told to, and starts at the beginning."""
    return AIOKafkaConsumer(
        bootstrap_servers=config.bootstrap,
        group_id=config.group,
        client_id=config.group,
        group_instance_id=config.instance_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=config.session_timeout_ms,
        heartbeat_interval_ms=config.heartbeat_ms,
        # Nobody polls while the database is down; that must not cost us the membership.
        max_poll_interval_ms=_A_DAY_MS,
        metadata_max_age_ms=30_000,
        fetch_max_wait_ms=config.fetch_max_wait_ms,
        **config.client,
    )


def make_producer(config: RunnerConfig) -> Any:
    """Return a producer for dead letters, with aiokafka's partitioner (Java's murmur2)."""
    return AIOKafkaProducer(
        bootstrap_servers=config.bootstrap, client_id=config.group, acks="all", **config.client
    )


class Generation(ConsumerRebalanceListener):  # type: ignore[misc]
    """Counts the rebalances, and knows from where each one is read.

    What was read under an older number is dropped, not flushed. Between the two calls of the
    listener aiokafka goes on to hand out records of the old assignment, and brokers take commits
    of it; and it may hand out records of the new one before we have heard of it. So whatever comes
    counts only after `seek` has put every partition back to its committed offset.
    """

    def __init__(self) -> None:
        self.number = 0
        self._settled = False
        self._sought = -1

    @property
    def is_ready(self) -> bool:
        """Whether what is read now follows the committed offsets without a gap."""
        return self._settled and self._sought == self.number

    def on_partitions_revoked(self, revoked: Any) -> None:
        """Count on; aiokafka calls it before every rebalance, even the first one."""
        self.number += 1
        self._settled = False

    def on_partitions_assigned(self, assigned: Any) -> None:
        """Note that the rebalance is over."""
        self._settled = True

    async def seek(self, consumer: Any) -> None:
        """Go back to the committed offsets, once a rebalance."""
        if not self._settled or self._sought == self.number:
            return
        number = self.number
        try:
            for place in sorted(consumer.assignment()):
                offset = await consumer.committed(place)
                if offset is None:
                    await consumer.seek_to_beginning(place)
                else:
                    consumer.seek(place, offset)
        except IllegalStateError:
            return  # the next rebalance has begun
        self._sought = number
