"""Archives written without a broker: markets to replay, and recordings with something changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from producers.strategies import PREBUILT
from schemas.events import TOPIC_OF
from schemas.partitioning import partition_of
from schemas.topics import MARKET_TOPICS, STRATEGIES
from streams.archive.reader import Archive
from streams.archive.records import LoggedRecord
from streams.archive.store import open_store
from streams.archive.writer import ArchiveWriter
from streams.replay.market import Produced
from streams.replay.output import Output, make_output

Edit = Callable[[str, int, LoggedRecord], LoggedRecord | None]


def write_market(folder: Path, events: Iterable[Any], partitions: int = 4) -> int:
    """Write market events and the pre-built strategies as an archive; return how many events."""
    make_output(folder, partitions, [topic.name for topic in (*MARKET_TOPICS, STRATEGIES)])
    output = Output(folder)
    for offset, strategy in enumerate(PREBUILT):
        name = strategy.strategy_id
        output.add(Produced(STRATEGIES.name, 0, offset, name, strategy.updated_at, strategy))
    offsets: Counter[tuple[str, int]] = Counter()
    for event in events:
        topic = TOPIC_OF[type(event)].name
        place = (topic, partition_of(event.asset.encode(), partitions))
        output.add(Produced(*place, offsets[place], event.asset, event.observed_at, event))
        offsets[place] += 1
    output.close()
    return offsets.total()


def edited(address: str, target: Path, edit: Edit) -> str:
    """Copy an archive; `edit(topic, partition, record)` returns what stands there, None to drop."""
    archive = Archive(address)
    writer = ArchiveWriter(open_store(str(target)))
    writer.open(archive.prefix, archive.partitions)
    for number, text in archive.schemas.items():
        writer.add_schema(number, text)
    for topic, partitions in archive.partitions.items():
        for partition in range(partitions):
            records = [edit(topic, partition, one) for one in archive.records(topic, partition)]
            writer.write(topic, partition, [one for one in records if one is not None])
    return str(target)


def contents(address: str) -> list[tuple[str, int, LoggedRecord]]:
    """Return every record of an archive with its place."""
    archive = Archive(address)
    return [
        (topic, partition, record)
        for topic, partitions in sorted(archive.partitions.items())
        for partition in range(partitions)
        for record in archive.records(topic, partition)
    ]
