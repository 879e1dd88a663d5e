"""Where the records of a proof come from: a recorded directory, an archive, or a seeded market."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import msgspec

from marketdata.recorded.files import MarketFile, ReadReport, find_files
from marketdata.recorded.readers import CANDLE_DELAY_MS, candle_span
from marketdata.recorded.source import RecordedDataError
from marketdata.simulated.assets import ASSETS, Asset
from marketdata.simulated.simulation import backfill, cycle
from schemas.events import MarketEvent
from schemas.times import CYCLE_MS, DAY_MS
from schemas.topics import MARKET_TOPICS
from schemas.validation import TIMEFRAME_MS
from streams.archive.reader import Archive
from streams.lookahead.records import MarketRecord, Source, numbered, usable
from streams.replay.logs import Logs
from streams.replay.replay_record import merged
from streams.replay.sources import DirectorySource, directory_arrivals

_SEEDED_FROM_MS = 1_767_571_200_000
"""2026-01-05, a Monday: the seeded market is the same on every day it is made."""


def directory(
    path: Path,
    from_ms: int | None,
    until_ms: int | None,
    assets: Collection[str] = (),
    partitions: int = 1,
) -> Source:
    """Return a recorded directory as a source; by default from its first candle to its last.

    Records stand where a play into topics of so many partitions would put them. Raises
    RecordedDataError at the call when there is nothing to read, ValueError for an empty span.
    """
    first_ms, last_ms = span(path)
    start_ms = first_ms if from_ms is None else from_ms
    end_ms = last_ms if until_ms is None else until_ms
    if not start_ms < end_ms:
        msg = f"nothing to check in {path}: --until is not after --from"
        raise ValueError(msg)
    source = DirectorySource(
        path=str(path),
        start_ms=start_ms,
        until_ms=end_ms,
        partitions=partitions,
        assets=tuple(assets),
    )
    report = ReadReport()

    def read() -> Iterator[MarketRecord]:
        nonlocal report
        report = ReadReport()
        return usable(directory_arrivals(source, range(partitions), report))

    def notes() -> list[str]:
        return report.sentences()

    return Source(read, partitions, notes)


def span(path: Path) -> tuple[int, int]:
    """Return from when to when a directory has candles."""
    files = find_files(path, ReadReport()).candles
    if not files:
        msg = f"{path} has no candles, and without a price there is no tick to score on"
        raise RecordedDataError(msg)
    spans = [span for span in map(_file_span, files) if span is not None]
    if not spans:
        msg = f"{path} has no candles: the files in ohlcv/ have no rows"
        raise RecordedDataError(msg)
    begins, ends = zip(*spans, strict=True)
    return min(begins), max(ends)


def _file_span(file: MarketFile) -> tuple[int, int] | None:
    found = candle_span(file)
    seen_after_ms = TIMEFRAME_MS[file.timeframe] + CANDLE_DELAY_MS
    return found and (found[0], found[1] + seen_after_ms + 1)


def archive(
    opened: Archive, from_ms: int | None, until_ms: int | None, assets: Collection[str] = ()
) -> Source:
    """Return the market topics of an archive as a source, merged by the tie rule of the replay."""
    topics = [topic.name for topic in MARKET_TOPICS if topic.name in opened.partitions]
    count = max((opened.partitions[topic] for topic in topics), default=1)
    places = [(topic, partition) for topic in topics for partition in range(count)]
    logs = Logs(opened, until_ms)

    def rows(topic: str, partition: int) -> Iterator[tuple[int, int, bytes | None, Any]]:
        """Yield what can be decoded: nothing else has a time to be merged by."""
        return (row for row in logs.rows(topic, partition) if isinstance(row[3], msgspec.Struct))

    def read() -> Iterator[MarketRecord]:
        for record in usable(merged(rows, places), assets):
            if from_ms is None or record.event.observed_at >= from_ms:
                yield record

    return Source(read, count)


def seeded(seed: int, days: int, assets: Collection[str] = ()) -> Source:
    """Return a simulated market as a source: its back-fill and some days of cycles.

    Of the assets named, else of the first five. ValueError when it has none of them.
    """
    chosen = [asset for asset in ASSETS if asset.symbol in assets] if assets else list(ASSETS[:5])
    if not chosen:
        msg = f"the simulated market has none of {', '.join(assets)}"
        raise ValueError(msg)

    def read() -> Iterator[MarketRecord]:
        return usable(numbered(_market(seed, days, chosen)))

    return Source(read)


def _market(seed: int, days: int, assets: list[Asset]) -> Iterator[MarketEvent]:
    state, events = backfill(seed, _SEEDED_FROM_MS, assets)
    yield from events
    for _ in range(days * DAY_MS // CYCLE_MS):
        state, events = cycle(state, state.now_ms)
        yield from events
