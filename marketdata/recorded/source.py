"""Plays a directory of recorded market data into the market topics.

`read_directory` turns files into events in the order in which they were observed; `play` sends
them, at a multiple of their own pace or as fast as it goes, and on request in waves.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from marketdata.conflict_free_batches import chunks, conflict_free_batches
from marketdata.recorded.files import (
    HEADLINES,
    TAGGED_POSTS,
    Directory,
    ReadReport,
    RecordedDataError,
    find_files,
    in_order,
    merged,
)
from marketdata.recorded.news import headlines, tagged_posts
from marketdata.recorded.readers import books, candles
from marketdata.recorded.ticks import TickMaker, with_ticks
from schemas.checks import LATEST_MS
from schemas.events import TOPIC_OF, MarketEvent
from schemas.market import Candle, NewsArticle
from schemas.times import CYCLE_MS

if TYPE_CHECKING:  # reading needs no client of the broker
    from transport.publisher import Publisher

__all__ = [
    "Barrier",
    "Counts",
    "ReadReport",
    "RecordedDataError",
    "play",
    "read_directory",
    "recorded_candles",
    "recorded_news",
]

_COUNTED_EVENTS = 256
_DEFAULT_ASSETS = ("BTC", "ETH", "BNB", "SOL", "XRP")

Barrier: TypeAlias = Callable[[dict[tuple[str, int], int]], Awaitable[None]]
"""Returns once the pipeline has done all up to these positions: {(topic, partition): offset}."""


def read_directory(
    path: Path,
    start_ms: int,
    end_ms: int,
    warmup: int = 300,
    cycle_ms: int = CYCLE_MS,
    report: ReadReport | None = None,
) -> Iterator[MarketEvent]:
    """Return the events observed from `start_ms` to before `end_ms`, in `events.order_key` order.

    First come the `warmup` candles a timeframe before `start_ms`, without ticks; then everything,
    with a tick an asset at each multiple of `cycle_ms`. Memory does not grow with the span. What
    is missing or skipped is added to `report`. Raises RecordedDataError at the call when there is
    nothing to play, a file cannot be read, lacks a column or has times that cannot be used, and
    at the end when nothing was read; ValueError for an empty span.
    """
    if not start_ms < end_ms:
        msg = f"nothing to play: the span ends at {end_ms} ms, not after its start at {start_ms} ms"
        raise ValueError(msg)
    if cycle_ms < 1 or warmup < 0:
        msg = f"cycle_ms {cycle_ms} must be above 0 and warmup {warmup} not below"
        raise ValueError(msg)
    report = ReadReport() if report is None else report
    found = find_files(path, report)
    sources = [
        in_order(events, name, report)
        for name, events in _readers(found, start_ms, end_ms, warmup, report)
    ]
    played = with_ticks(merged(sources), TickMaker(), start_ms, end_ms, cycle_ms)
    return _counted(played, report, start_ms, end_ms)


def recorded_news(path: Path, report: ReadReport) -> Iterator[NewsArticle]:
    """Yield every article of a directory, of all time, in the order of its files.

    What is missing or skipped is added to `report`. Raises RecordedDataError as `read_directory`.
    """
    found = find_files(path, report)
    played = found.assets or _DEFAULT_ASSETS
    if found.headlines is not None:
        yield from headlines(found.headlines, 0, LATEST_MS, played, report)
    if found.tagged_posts is not None:
        yield from tagged_posts(found.tagged_posts, 0, LATEST_MS, played, report)


def recorded_candles(
    path: Path, start_ms: int, end_ms: int, timeframes: Sequence[str]
) -> Iterator[Candle]:
    """Yield the candles of some timeframes observed in a span, file by file, each in order.

    Raises RecordedDataError as `read_directory` does.
    """
    report = ReadReport()
    for file in find_files(path, report).candles:
        if file.timeframe in timeframes:
            yield from candles(file, start_ms, end_ms, 0, report)


def _readers(
    found: Directory, start_ms: int, end_ms: int, warmup: int, report: ReadReport
) -> Iterator[tuple[str, Iterator[MarketEvent]]]:
    played = found.assets or _DEFAULT_ASSETS
    for file in found.candles:
        report.files.append(str(file.path.relative_to(found.path)))
        yield file.path.name, candles(file, start_ms, end_ms, warmup, report)
    for file in found.books:
        report.files.append(str(file.path.relative_to(found.path)))
        yield file.path.name, books(file, start_ms, end_ms, report)
    if found.headlines is not None:
        report.files.append(HEADLINES)
        articles = headlines(found.headlines, start_ms, end_ms, played, report)
        yield found.headlines.name, articles
    if found.tagged_posts is not None:
        report.files.append(TAGGED_POSTS)
        posts = tagged_posts(found.tagged_posts, start_ms, end_ms, played, report)
        yield found.tagged_posts.name, posts


def _counted(
    events: Iterator[MarketEvent], report: ReadReport, start_ms: int, end_ms: int
) -> Iterator[MarketEvent]:
    last_ms = 0
    while part := list(islice(events, _COUNTED_EVENTS)):
        for kind, count in Counter(map(type, part)).items():
            report.events[TOPIC_OF[kind].name] += count
        last_ms = part[-1].observed_at
        yield from part
    if not report.events:
        msg = "; ".join([report.nothing(start_ms, end_ms), *report.sentences()])
        raise RecordedDataError(msg)
    if last_ms < start_ms:
        report.notes.append(report.nothing(start_ms, end_ms))


@dataclass(slots=True)
class Counts:
    """What has been played so far: events by logical topic, waves (or chunks), wall time."""

    by_topic: Counter[str] = field(default_factory=Counter)
    batches: int = 0
    last_observed_ms: int = 0
    wall_s: float = 0.0

    @property
    def events(self) -> int:
        """Number of events."""
        return self.by_topic.total()


async def play(
    events: Iterable[MarketEvent],
    publisher: Publisher,
    speed: float | None,
    barrier: Barrier | None = None,
    on_progress: Callable[[Counts], None] | None = None,
    *,
    paced_from_ms: int = 0,
) -> Counts:
    """Publish events in their order and return what was played, all of it acknowledged.

    `speed` N is N times the pace of `observed_at`, None as fast as it goes; events observed before
    `paced_from_ms` (a back-fill) are not paced. With `barrier` the play goes in waves and awaits
    it after each, so a play that is slower than its pace falls behind and does not skip.
    `on_progress` is called after each part sent: at most a wave or 5000 events. Raises ValueError
    for a speed of 0 or less, BadEventError and PublishError as the publisher does.
    """
    pace = None if speed is None else _Pace(speed, paced_from_ms)
    counts = Counts()
    started = time.monotonic()
    for group in chunks(events) if barrier is None else conflict_free_batches(events):
        for part in [group] if pace is None else pace.split(group):
            if pace is not None:
                await asyncio.sleep(pace.until_due_s(part[0]))
            await publisher.publish_many(part)
            counts.by_topic.update(TOPIC_OF[type(event)].name for event in part)
            counts.last_observed_ms = part[-1].observed_at
            counts.wall_s = time.monotonic() - started
            if on_progress is not None:
                on_progress(counts)
        if barrier is not None:
            await publisher.flush()
            await barrier(publisher.positions())
        counts.batches += 1
    await publisher.flush()
    counts.wall_s = time.monotonic() - started
    return counts


class _Pace:
    """When events are due; the clock starts with the first event that is paced."""

    def __init__(self, speed: float, from_ms: int) -> None:
        if not speed > 0.0:
            msg = f"speed {speed} is not above 0"
            raise ValueError(msg)
        self._speed = speed
        self._from_ms = from_ms
        self._origin: tuple[int, float] | None = None

    def until_due_s(self, event: MarketEvent) -> float:
        """Return the wall seconds until the event is due, 0 when it is."""
        if event.observed_at < self._from_ms:
            return 0.0
        if self._origin is None:
            self._origin = event.observed_at, time.monotonic()
        first_ms, first_s = self._origin
        due_s = first_s + (event.observed_at - first_ms) / 1000.0 / self._speed
        return max(0.0, due_s - time.monotonic())

    def split(self, group: Sequence[MarketEvent]) -> Iterator[Sequence[MarketEvent]]:
        """Cut a group into parts: each holds what is due by the time that its first event is."""
        begin = 0
        while begin < len(group):
            # Called again only after the part before was sent, so this is the time of now.
            self.until_due_s(group[begin])
            until_ms = max(self._due_ms(), group[begin].observed_at)
            end = bisect_right(group, until_ms, lo=begin, key=lambda event: event.observed_at)
            yield group[begin:end]
            begin = end

    def _due_ms(self) -> float:
        if self._origin is None:
            return self._from_ms - 1
        first_ms, first_s = self._origin
        return first_ms + (time.monotonic() - first_s) * 1000.0 * self._speed
