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
_LOOK_S = 3.0
"""For what is asked again and again beside other work: a program that ends waits for its thread."""
_CHANGELOG_BYTES = 8 * 1024 * 1024
AHEAD = "message.timestamp.after.max.ms"
"""Record timestamps are event times, and a simulated market runs ahead of the clock: by default
brokers from 3.6 on refuse what is more than an hour ahead."""
OLDER_NAMES = {AHEAD: "message.timestamp.difference.max.ms"}
"""Settings that a broker of before 3.6 knows by another name, or not at all."""
_LAST_ATTEMPT = 3
_NEEDED = ("cleanup.policy", "retention.ms")
_EFFECTS = {
    AHEAD: "records of a market that runs ahead of the clock may be refused",
    "retention.ms": "records are kept for as long as the broker keeps those of any topic",
    "max.message.bytes": "the state of an asset must fit into the broker's own limit",
}
_SETTING_REFUSED = frozenset({35, 40, 42, 44})
"""Unsupported version, invalid configuration, invalid request, against the broker's policy."""


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

    A setting that the broker does not know is set by its older name or left out, with a warning
    in the log. Raises BrokerError when the broker does not answer or refuses a topic.
    """
    wanted = {}
    for topic in TOPICS:
        kept = topic.retention_ms if settings.retention_ms is None else settings.retention_ms
        wanted[physical(topic.name, settings.prefix)] = (
            wanted_partitions(topic, settings),
            {
                "cleanup.policy": topic.cleanup,
                **({"retention.ms": str(kept)} if topic.cleanup == "delete" else {}),
                AHEAD: str(2**63 - 1),
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
    from confluent_kafka.admin import NewTopic

    admin = clients.blocking_admin(settings)
    existing = _metadata(admin, settings)
    lacking = {name: wanted[name] for name in wanted if name not in existing}
    created = list(lacking)
    for attempt in range(_LAST_ATTEMPT + 1):
        topics = [
            NewTopic(
                name,
                num_partitions=partitions,
                replication_factor=settings.replication_factor,
                config=_asked(attempt, config, settings),
            )
            for name, (partitions, config) in lacking.items()
        ]
        refused = _refused(admin, topics) if topics else {}
        made = [topic for topic in topics if topic.topic not in refused]
        _tell(made, lacking, settings)
        lacking = {name: lacking[name] for name in refused}
        for name, (code, reason) in refused.items():
            if attempt == _LAST_ATTEMPT or code not in _SETTING_REFUSED:
                msg = f"the broker at {settings.bootstrap} refuses topic {name}: {reason}"
                raise BrokerError(msg)
    return created


def _refused(admin: Any, topics: list[Any]) -> dict[str, tuple[int, str]]:
    """Create topics; return code and reason by the name of each that was refused."""
    from confluent_kafka import KafkaError, KafkaException

    found = {}
    for name, future in admin.create_topics(topics, request_timeout=_TIMEOUT_S).items():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                found[name] = error.args[0].code(), error.args[0].str()
    return found


def _asked(attempt: int, config: dict[str, str], settings: Settings) -> dict[str, str]:
    """Return what is asked for: all, by older names, without those, only what is needed."""
    if attempt == 1:
        return {OLDER_NAMES.get(name, name): value for name, value in config.items()}
    if attempt == 2:
        return {name: value for name, value in config.items() if name not in OLDER_NAMES}
    if attempt == _LAST_ATTEMPT:
        needed = ("cleanup.policy",) if settings.retention_ms is None else _NEEDED
        return {name: value for name, value in config.items() if name in needed}
    return config


def _tell(made: list[Any], wanted: Mapping[str, Any], settings: Settings) -> None:
    """Say what topics were made without."""
    without: dict[str, int] = {}
    for topic in made:
        for name in wanted[topic.topic][1].keys() - topic.config.keys():
            older = OLDER_NAMES.get(name, "")
            instead = f"with {older} instead of {name}" if older in topic.config else ""
            said = instead or f"without {name}: {_EFFECTS.get(name, 'the default counts')}"
            without[said] = without.get(said, 0) + 1
    for said, count in without.items():
        _log.warning(
            "the broker at %s refuses a setting of topics; %d were made %s",
            *(settings.bootstrap, count, said),
        )


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
    """Return the id of each topic (by its name on the broker): another one after it is recreated.

    Topics that are missing, and all of them on a broker without ids, are left out. Blocks.
    """
    if is_embedded():
        return {}
    from confluent_kafka import KafkaException, TopicCollection

    admin, ids = clients.blocking_admin(settings), {}
    futures = admin.describe_topics(TopicCollection(sorted(names)), request_timeout=_LOOK_S)
    for name, future in futures.items():
        with contextlib.suppress(KafkaException):
            ids[name] = str(future.result().topic_id)
    return ids


def record_limits(settings: Settings, names: Iterable[str]) -> dict[str, int]:
    """Return the most bytes that a batch with one record may have, by topic on the broker. Blocks.

    It is the topic's `max.message.bytes`; a topic whose settings the broker does not give has
    Kafka's default, DEFAULT_LIMIT.
    """
    if is_embedded():  # it has no such setting; 16 MB were taken
        return dict.fromkeys(names, _CHANGELOG_BYTES)
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import ConfigResource, ResourceType

    limits = dict.fromkeys(names, DEFAULT_LIMIT)
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
