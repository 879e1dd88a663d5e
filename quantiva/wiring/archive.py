"""The archive sink with the settings of this deployment, and when it has all that is there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from quantiva.status.stages import ARCHIVE
from schemas.codec import Codec
from schemas.registry_client import Registry
from schemas.topics import BY_NAME, TOPICS, logical
from sinks.archive import ArchiveSink, Place
from sinks.config import RunnerConfig
from sinks.decoding import Undecoded
from sinks.runner import SinkRunner
from streams.archive.reader import Archive, ArchiveError
from streams.archive.store import open_store
from transport import admin, transactions
from transport.log_reader import LogReader, Partition
from transport.settings import Settings

_STOP_WITHIN_S = 60.0


class Archiving(NamedTuple):
    """A runner, and the sink that it drives."""

    runner: SinkRunner
    sink: ArchiveSink


def wanted_topics(names: Iterable[str]) -> list[str]:
    """Return logical topic names in the table's order, all for none; ValueError for a wrong one."""
    wanted = list(names)
    unknown = [name for name in wanted if name not in BY_NAME]
    if unknown:
        msg = f"no topic {unknown[0]!r}; there are {', '.join(BY_NAME)}"
        raise ValueError(msg)
    return [topic.name for topic in TOPICS if not wanted or topic.name in wanted]


async def archive_runner(
    settings: Settings,
    address: str,
    topics: Sequence[str],
    *,
    roll_s: float = 60.0,
    max_records: int = 100_000,
) -> Archiving:
    """Return the runner of an archive; makes or continues the archive at the address.

    A file is written `roll_s` after its first record at the latest, and at `max_records` of all
    partitions together. Raises ArchiveError, ValueError without addresses, BrokerError, OSError.
    """
    registry = Registry(settings.require_registry())
    partitions = await asyncio.to_thread(partition_counts, settings, topics)
    store = open_store(address)
    text_of, markers = registry.text, transactions.are_used(settings)
    sink = ArchiveSink(store, settings.prefix, partitions, text_of, transactions=markers)
    manifest = await asyncio.to_thread(sink.writer.open, settings.prefix, partitions)
    runner = SinkRunner(
        sink,
        Codec({}),
        settings,
        RunnerConfig(
            max_records=max_records,
            max_age_ms=round(roll_s * 1000),
            stop_within_s=_STOP_WITHIN_S,
            group=_group(manifest.archive_id, store.address),
        ),
        decoder=Undecoded(settings.prefix),
    )
    return Archiving(runner, sink)


def partition_counts(settings: Settings, topics: Iterable[str]) -> dict[str, int]:
    """Return the partition counts on the broker by logical name. Blocks.

    Raises ArchiveError for a topic that is not there, BrokerError when the broker is away.
    """
    states = {state.topic.name: state.partitions for state in admin.states(settings)}
    missing = [topic for topic in topics if not states[topic]]
    if missing:
        msg = f"The broker has no topic {missing[0]}: run `quantiva topics create`."
        raise ArchiveError(msg)
    return {topic: states[topic] or 0 for topic in topics}


async def last_offsets(settings: Settings, topics: Iterable[str]) -> dict[Place, int]:
    """Return the offset of the last record of each partition that has any, as it is now.

    The offset before the end may be compacted away, so the last record is looked for.
    """
    found: dict[Partition, int] = {}
    async with LogReader(settings) as reader:
        by_topic = await reader.partitions()
        partitions = [one for topic in topics for one in by_topic[topic]]
        begins, ends = await reader.begins(partitions), await reader.ends(partitions)
        open_ones = [one for one in partitions if begins[one] < ends[one]]
        window = 1
        while open_ones:
            ranges = {one: (max(begins[one], ends[one] - window), ends[one]) for one in open_ones}
            async for records in reader.scan(ranges):
                found.update({(r.topic, r.partition): r.offset for r in records})
            whole = [one for one in open_ones if ranges[one][0] == begins[one]]
            open_ones = [one for one in open_ones if one not in found and one not in whole]
            window *= 8
    return {
        (logical(name, settings.prefix), number): last for (name, number), last in found.items()
    }


def archived_offsets(archive: Archive, places: Iterable[Place]) -> dict[Place, int]:
    """Return the last archived offset of each partition that has any. Blocks."""
    found = {place: archive.segments(*place) for place in places}
    return {place: max(one.last for one in listed) for place, listed in found.items() if listed}


def is_reached(wanted: Mapping[Place, int], *offsets: Mapping[Place, int]) -> bool:
    """Return whether one of the given last offsets of each partition is the wanted one or later."""
    return all(
        any(one.get(place, -1) >= offset for one in offsets) for place, offset in wanted.items()
    )


def _group(archive_id: str, address: str) -> str:
    """Return the group's stage name: a different one for each archive, also for a copy of one.

    Two archives that shared a group would each get half of the log.
    """
    digest = sha256(f"{archive_id} {address}".encode()).hexdigest()[:8]
    return f"{ARCHIVE}{digest}"
