"""Publishes a recorded market under a prefix: a rehearsal of the whole stack."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from quantiva.commands.output import console, fail
from quantiva.commands.progress import records_progress
from quantiva.discovery import load_settings

if TYPE_CHECKING:
    from marketdata.recorded.files import ReadReport
    from streams.replay.sources import Source


async def rehearse(source: Source, prefix: str, speed: float | None, from_ms: int) -> None:
    """Create the topics of a prefix where they lack, then publish strategies and market."""
    from marketdata.recorded.source import Counts, ReadReport, play
    from transport import admin
    from transport.publisher import Publisher
    from transport.registered_codec import codec_of

    if not prefix:
        fail("--publish needs a --prefix: never into the live topics", 2)
    settings = load_settings().model_copy(update={"prefix": prefix, "retention_ms": -1})
    await asyncio.to_thread(admin.create, settings)
    codec, _ = await codec_of(settings)
    report = ReadReport()
    strategies, total = await asyncio.to_thread(_strategies, source)
    async with Publisher(settings, codec) as publisher:
        for strategy in strategies:
            await publisher.publish(strategy)
        with records_progress("publishing", total) as progress:

            def on_progress(counts: Counts) -> None:
                progress.at(counts.events, total)

            counts = await play(
                _market(source, report), publisher, speed, None, on_progress, paced_from_ms=from_ms
            )
    console.print(f"published {counts.events:,} records into {prefix}market.*")
    for sentence in report.sentences():
        console.print(sentence, markup=False)
    console.print(f"a worker for them: QUANTIVA_PREFIX={prefix} quantiva worker")


def _market(source: Source, report: ReadReport) -> Iterator[Any]:
    """Yield the market events; what is no valid event cannot be published, and stays behind."""
    from schemas.codec import BadEventError
    from schemas.topics import MARKET_TOPICS
    from schemas.validation import problem
    from streams.replay.sources import arrivals

    names = frozenset(topic.name for topic in MARKET_TOPICS)
    for arrival in arrivals(source, _partitions(source), report):
        event = arrival.event
        if arrival.topic in names and not isinstance(event, BadEventError) and not problem(event):
            yield event


def _partitions(source: Source) -> range:
    from streams.replay.sources import DirectorySource, describe_archive

    if isinstance(source, DirectorySource):
        return range(source.partitions)
    return range(describe_archive(source)[0])


def _strategies(source: Source) -> tuple[list[Any], int | None]:
    """Return the strategies as they stood last, and how many market records there are."""
    from streams.archive.reader import Archive
    from streams.replay.logs import Logs
    from streams.replay.run import total_of
    from streams.replay.sources import DirectorySource

    if isinstance(source, DirectorySource):
        return list(source.strategies), None
    versions = Logs(Archive(source.address), source.until_ms).strategies()
    table = versions.at(versions.last)
    return [at.strategy for at in table.values()], total_of(source)
