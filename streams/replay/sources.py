"""Where a replay reads from: an archive, or a directory of recorded market data."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from schemas.control import Strategy
from schemas.partitioning import partition_of
from schemas.rule_language import wanted
from schemas.topics import DECISIONS, MARKET_TOPICS, NEWS_SCORES, REQUESTS, SCORES, STRATEGIES
from streams.replay.changes import NO_CHANGES, Changes
from streams.replay.replay_record import RANK, ReplayRecord, merged
from streams.stage import StrategyAt

if TYPE_CHECKING:  # reading an archive needs no recorded files
    from marketdata.recorded.files import ReadReport

NO_ASSETS: tuple[str, ...] = ()


class SourceError(ValueError):
    """A source that cannot be replayed; the text says what and why."""


class ArchiveSource(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A local archive, read from its beginning: state has to come from somewhere.

    until_ms    records of this time and later are left out
    assets      which ones to replay, () for all
    as_recorded whether it holds a live run whose interleaving is to be followed
    """

    address: str
    until_ms: int | None = None
    assets: tuple[str, ...] = NO_ASSETS
    as_recorded: bool = False


class DirectorySource(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Recorded market data: see `marketdata.recorded.source.read_directory`."""

    path: str
    start_ms: int
    until_ms: int
    warmup: int = 300
    cycle_ms: int = 600_000
    partitions: int = 4
    strategies: tuple[Strategy, ...] = ()
    assets: tuple[str, ...] = NO_ASSETS


Source = ArchiveSource | DirectorySource


def describe_archive(source: ArchiveSource) -> tuple[int, Counter[int]]:
    """Return the common partition count, and the records to read by partition."""
    from streams.archive.reader import Archive

    archive = Archive(source.address)
    counts = {
        archive.partitions[topic.name]
        for topic in MARKET_TOPICS
        if topic.name in archive.partitions
    }
    if len(counts) != 1:
        msg = (
            f"{source.address} has no market topics"
            if not counts
            else f"{source.address} has market topics of {sorted(counts)} partitions: one is needed"
        )
        raise SourceError(msg)
    total: Counter[int] = Counter()
    topics = [SCORES.name] if source.as_recorded else [topic.name for topic in MARKET_TOPICS]
    for topic in topics:
        for partition in range(archive.partitions.get(topic, 0)):
            for segment in archive.segments(topic, partition):
                if source.until_ms is None or segment.min_ms < source.until_ms:
                    total[partition] += segment.last - segment.first + 1
    if source.as_recorded and total and DECISIONS.name not in archive.partitions:
        msg = (
            f"{source.address} has no {DECISIONS.name}: an earlier version recorded it, and what "
            "fusion decided there cannot be followed; `quantiva replay --order observed` can"
        )
        raise SourceError(msg)
    return counts.pop(), total


def archive_arrivals(source: ArchiveSource, partitions: Iterable[int]) -> Iterator[ReplayRecord]:
    """Yield what is in some partitions of an archive, and all strategies, merged."""
    from streams.archive.reader import Archive
    from streams.replay.logs import Logs

    logs = Logs(Archive(source.address), source.until_ms)
    known = logs.archive.partitions
    topics = [
        topic.name for topic in (*MARKET_TOPICS, NEWS_SCORES, REQUESTS) if topic.name in known
    ]
    places = [(topic, partition) for topic in topics for partition in partitions]
    if STRATEGIES.name in known:
        places.append((STRATEGIES.name, 0))
    arrivals = merged(logs.rows, places)
    return _only(arrivals, source.assets) if source.assets else arrivals


def directory_arrivals(
    source: DirectorySource, partitions: Iterable[int], report: ReadReport | None = None
) -> Iterator[ReplayRecord]:
    """Yield what a directory has for some partitions, at the offsets that a play would give it.

    Ticks rank all assets, so every process reads the whole directory and keeps its part; what
    came of that is in `report`. Raises RecordedDataError as `read_directory` does.
    """
    from marketdata.recorded.source import read_directory
    from schemas.events import TOPIC_OF

    place_of = _places(source.partitions, frozenset(partitions))
    names: dict[type, str] = {struct: topic.name for struct, topic in TOPIC_OF.items()}
    events = read_directory(
        Path(source.path), source.start_ms, source.until_ms, source.warmup, source.cycle_ms, report
    )
    assets = frozenset(source.assets)
    for event in events:
        asset = event.asset
        place = place_of(names[type(event)], asset)
        if place is None:
            continue
        rank, topic, partition, offsets, key = place
        offset = next(offsets)
        if not assets or asset in assets:
            at_ms = event.observed_at
            yield ReplayRecord(at_ms, rank, topic, partition, offset, at_ms, key, event)


def initial_strategies(source: Source) -> dict[str, StrategyAt]:
    """Return the strategies that rule from the start: of an archive the first version of each.

    Strategies are younger than the data that people try them on. Later versions rule from their
    own time on. A directory has none of its own.
    """
    if isinstance(source, ArchiveSource):
        from streams.archive.reader import Archive
        from streams.replay.logs import Logs

        archive = Archive(source.address)
        if STRATEGIES.name not in archive.partitions:
            return {}
        return Logs(archive).strategies().first()
    return {
        strategy.strategy_id: StrategyAt(strategy, offset)
        for offset, strategy in enumerate(source.strategies)
    }


def stored_strategies(source: Source) -> list[Strategy]:
    """Return the strategies of a source, every version of each."""
    if isinstance(source, ArchiveSource):
        from streams.archive.reader import Archive
        from streams.replay.logs import Logs

        archive = Archive(source.address)
        if STRATEGIES.name not in archive.partitions:
            return []
        versions = Logs(archive).strategies().versions
        return [one.strategy for one in versions if one.strategy is not None]
    return list(source.strategies)


def names_indicators(source: Source, changes: Changes = NO_CHANGES) -> bool:
    """Return whether a strategy that is replayed names indicators that a library computes."""
    return any(
        indicator.is_parameterised
        for one in (*stored_strategies(source), *changes.own)
        if changes.wants(one.strategy_id)
        for indicator in wanted(changes.strategy(one))
    )


def arrivals(
    source: Source, partitions: Iterable[int], report: ReadReport | None = None
) -> Iterator[ReplayRecord]:
    """Yield a source's records of some partitions in the order of the merge.

    What came of reading a directory is in `report`.
    """
    if isinstance(source, ArchiveSource):
        return archive_arrivals(source, partitions)
    return directory_arrivals(source, partitions, report)


class _Place(NamedTuple):
    """Where an asset's records of a topic stand, the partition's next offsets among it."""

    rank: int
    topic: str
    partition: int
    offsets: Iterator[int]
    key: bytes


def _places(partitions: int, wanted: frozenset[int]) -> Callable[[str, str], _Place | None]:
    """Return what tells the place of a topic and an asset, None in a partition not wanted."""
    offsets: defaultdict[tuple[str, int], Iterator[int]] = defaultdict(count)

    @cache
    def place_of(topic: str, asset: str) -> _Place | None:
        key = asset.encode()
        partition = partition_of(key, partitions)
        if partition not in wanted:
            return None
        return _Place(RANK[topic], topic, partition, offsets[topic, partition], key)

    return place_of


def _only(stream: Iterator[ReplayRecord], assets: tuple[str, ...]) -> Iterator[ReplayRecord]:
    wanted = frozenset(assets)
    for arrival in stream:
        event: Any = arrival.event
        if arrival.topic == STRATEGIES.name or getattr(event, "asset", None) in wanted:
            yield arrival
