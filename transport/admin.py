"""Topics on the broker: create them from the table, list them, compare them with it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from schemas.topics import TOPICS, Topic, physical
from transport import clients
from transport.embedded_broker import is_embedded
from transport.record_size import DEFAULT_LIMIT
from transport.settings import Settings

_log = logging.getLogger(__name__)
_TIMEOUT_S = 15.0
_CHANGELOG_BYTES = 8 * 1024 * 1024


class TopicState(NamedTuple):
    """A topic of the table beside what the broker has; `problems` are sentences."""

    topic: Topic
    name: str
    partitions_wanted: int
    partitions: int | None
    problems: tuple[str, ...]


class BrokerError(RuntimeError):
    """The broker cannot be used; the text has its address and the cause."""


def wanted_partitions(topic: Topic, settings: Settings) -> int:
    """Return the partition count of a topic in this deployment."""
    return topic.partitions or settings.partitions


@lru_cache(maxsize=1000)  # one line in the log
def agreed_partitions(topic: Topic, settings: Settings, found: int) -> int:
    """Return the partition count to write with where the broker has `found`: the deployment's.

    No stage reads a partition that was added since. Raises BrokerError when there are fewer.
    """
    name, wanted = physical(topic.name, settings.prefix), wanted_partitions(topic, settings)
    sentence = f"topic {name} has {found} partitions, the deployment {wanted}"
    if found < wanted:
        msg = f"{sentence}: set QUANTIVA_PARTITIONS, or recreate the topic"
        raise BrokerError(msg)
    if found > wanted:
        _log.warning("%s: only the first %d are used", sentence, wanted)
    return wanted


def _metadata(admin: Any, settings: Settings) -> dict[str, Any]:
    from confluent_kafka import KafkaException

    try:
        found: dict[str, Any] = admin.list_topics(timeout=_TIMEOUT_S).topics
    except KafkaException as error:
        reason = error.args[0].str() if error.args else error
        msg = f"no answer from the Kafka broker at {settings.bootstrap}: {reason}"
        raise BrokerError(msg) from error
    return found


def create(settings: Settings) -> list[str]:
    """Create the topics of the table that are missing; return their names. Blocks.

    Raises BrokerError when the broker does not answer or refuses a topic.
    """
    wanted = {}
    for topic in TOPICS:
        kept = topic.retention_ms if settings.retention_ms is None else settings.retention_ms
        wanted[physical(topic.name, settings.prefix)] = (
            wanted_partitions(topic, settings),
            {
                "cleanup.policy": topic.cleanup,
                **({"retention.ms": str(kept)} if topic.cleanup == "delete" else {}),
                # Record timestamps are event times, and a simulated market runs ahead of the
                # clock: by default a broker refuses what is more than an hour ahead.
                "message.timestamp.after.max.ms": str(2**63 - 1),
            },
        )
    return _create_missing(settings, wanted)


def changelog(settings: Settings, stage: str) -> str:
    """Return the name of the topic that keeps the state of a stage (as Faust names it)."""
    return f"{settings.group_id(stage)}-state-changelog"


def create_changelogs(settings: Settings, stages: Iterable[str]) -> list[str]:
    """Create the state topics of stages that are missing; return their names. Blocks.

    Faust would create them during the first assignment, and not see them in it.
    """
    # A state is bounded, but not by us alone: strategies and requests of an asset are part of it.
    config = {"cleanup.policy": "compact", "max.message.bytes": str(_CHANGELOG_BYTES)}
    return _create_missing(
        settings,
        {changelog(settings, stage): (settings.partitions, config) for stage in stages},
    )


def _create_missing(
    settings: Settings, wanted: Mapping[str, tuple[int, dict[str, str]]]
) -> list[str]:
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import NewTopic

    admin = clients.blocking_admin(settings)
    existing = _metadata(admin, settings)
    missing = [
        NewTopic(
            name,
            num_partitions=partitions,
            replication_factor=settings.replication_factor,
            config=config,
        )
        for name, (partitions, config) in wanted.items()
        if name not in existing
    ]
    if not missing:
        return []
    for name, future in admin.create_topics(missing, request_timeout=_TIMEOUT_S).items():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
                continue
            msg = f"the broker at {settings.bootstrap} refuses topic {name}: {error.args[0].str()}"
            raise BrokerError(msg) from error
    return [topic.topic for topic in missing]


def states(settings: Settings) -> list[TopicState]:
    """Return every topic of the table beside the broker's. Blocks; BrokerError as `create`."""
    existing = _metadata(clients.blocking_admin(settings), settings)
    found = []
    for topic in TOPICS:
        name = physical(topic.name, settings.prefix)
        wanted = wanted_partitions(topic, settings)
        partitions = len(existing[name].partitions) if name in existing else None
        problems = []
        if partitions is None:
            problems.append("missing: run `quantiva topics create`")
        elif partitions != wanted:
            problems.append(
                f"has {partitions} partitions, the topology needs {wanted}: one asset must live in "
                "one partition everywhere (set QUANTIVA_PARTITIONS, or recreate the topic)"
            )
        found.append(TopicState(topic, name, wanted, partitions, tuple(problems)))
    return found


def topic_ids(settings: Settings, names: Iterable[str]) -> dict[str, str]:
    """Return the id of each topic (by its name on the broker): another one after it is made anew.

    Topics that are missing, and all of them on a broker without ids, are left out. Blocks.
    """
    from confluent_kafka import KafkaException, TopicCollection

    if is_embedded():
        return {}
    admin, ids = clients.blocking_admin(settings), {}
    futures = admin.describe_topics(TopicCollection(sorted(names)), request_timeout=_TIMEOUT_S)
    for name, future in futures.items():
        with contextlib.suppress(KafkaException):
            ids[name] = str(future.result().topic_id)
    return ids


def record_limits(settings: Settings, names: Iterable[str]) -> dict[str, int]:
    """Return the most bytes that a batch with one record may have, by topic on the broker. Blocks.

    It is the topic's `max.message.bytes`; a topic whose settings the broker does not give has
    Kafka's default, DEFAULT_LIMIT.
    """
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import ConfigResource, ResourceType

    limits = dict.fromkeys(names, DEFAULT_LIMIT)
    if is_embedded():  # it has no such setting; 16 MB were taken
        return dict.fromkeys(limits, _CHANGELOG_BYTES)
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in sorted(limits)]
    admin = clients.blocking_admin(settings)
    for resource, future in admin.describe_configs(resources, request_timeout=_TIMEOUT_S).items():
        with contextlib.suppress(KafkaException):
            limits[resource.name] = int(future.result()["max.message.bytes"].value)
    return limits


async def wait_for_broker(settings: Settings, every_s: float = 1.0) -> None:
    """Return once the broker answers; logs once that it waits."""
    said = False
    while True:
        try:
            await asyncio.to_thread(_metadata, clients.blocking_admin(settings), settings)
        except BrokerError as error:
            if not said:
                _log.warning("waiting: %s", error)
                said = True
            await asyncio.sleep(every_s)
        else:
            return
