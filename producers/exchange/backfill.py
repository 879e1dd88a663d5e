"""Missing candles, fetched and published: the back-fill at the start, and every gap after it.

What is missing is all that decides, so it goes on where it stopped, however it stopped.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from producers.exchange.candle_tracker import CandleTracker, Emit, Key
from producers.exchange.connection import Connection
from producers.exchange.parsing import candles_of
from producers.exchange.series import MOST_CANDLES, failed, learn, missing, published
from producers.http_client.errors import UpstreamError

_log = logging.getLogger(__name__)
CONCURRENCY = 8
_PASSES = 4
_LONGEST_PAUSE_S = 60.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a back-fill is: series done of all, and candles published by it so far."""

    done: int
    series: int
    candles: int


@dataclass(frozen=True, slots=True)
class Filled:
    """What was done: candles published, series requested, errors, and rows that are no candles."""

    candles: int = 0
    series: int = 0
    errors: tuple[Exception, ...] = ()
    skipped: tuple[str, ...] = ()

    def __add__(self, other: Filled) -> Filled:
        return Filled(
            self.candles + other.candles,
            self.series + other.series,
            self.errors + other.errors,
            self.skipped + other.skipped,
        )


async def backfill(
    connection: Connection,
    tracker: CandleTracker,
    emit: Emit,
    *,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    concurrency: int = CONCURRENCY,
) -> Filled:
    """Publish what the ledger's series miss; series that fail are tried again a few times.

    Raises nothing of the exchange's or of `emit`'s: errors are in the result, and what is still
    missing then stays so in the ledger, for the live candles to fetch.
    """
    keys = tracker.followed()
    waiting = dict.fromkeys(tracker.due(connection.clock.now_ms()))
    report = _Reporter(len(keys), len(keys) - len(waiting), on_progress)
    report.report()
    total = Filled()
    for _ in range(_PASSES):
        total += await fill(
            connection, tracker, waiting, emit, concurrency=concurrency, on_filled=report.took
        )
        now_ms = connection.clock.now_ms()
        waiting = {key: None for key in keys if missing(tracker[key], now_ms, tracker.count)}
        wake_ms = min((tracker[key].not_before_ms for key in waiting), default=now_ms)
        if not waiting or (wake_ms - now_ms) / 1000 > _LONGEST_PAUSE_S:
            break
        await connection.clock.sleep(max(wake_ms - now_ms, 0) / 1000)
        waiting = dict.fromkeys(tracker.due(connection.clock.now_ms()))
    return total


class _Reporter:
    """Counts what is done for the progress callback."""

    def __init__(self, series: int, done: int, report: Callable[[Progress], None]) -> None:
        self._series = series
        self._done = done
        self._candles = 0
        self._on_progress = report

    def took(self, filled: Filled, *, whole: bool) -> None:
        self._done = min(self._done + whole, self._series)
        self._candles += filled.candles
        self.report()

    def report(self) -> None:
        self._on_progress(Progress(self._done, self._series, self._candles))


async def fill(
    connection: Connection,
    tracker: CandleTracker,
    keys: Iterable[Key],
    emit: Emit,
    *,
    concurrency: int = CONCURRENCY,
    on_filled: Callable[..., None] | None = None,
) -> Filled:
    """Request each series once; at most `concurrency` requests are under way."""
    waiting = list(keys)[::-1]
    total = Filled()

    async def work() -> None:
        nonlocal total
        while waiting:
            key = waiting.pop()
            with tracker.taken(key) as free:
                filled = await _fill_one(connection, tracker, key, emit) if free else Filled()
            total += filled
            if on_filled is not None:
                whole = not missing(tracker[key], connection.clock.now_ms(), tracker.count)
                on_filled(filled, whole=whole)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(concurrency, len(waiting))):
            group.create_task(work())
    if total.skipped:
        _log.warning("%d rows are no candles, the first: %s", len(total.skipped), total.skipped[0])
    return total


async def _fill_one(connection: Connection, tracker: CandleTracker, key: Key, emit: Emit) -> Filled:
    listing = tracker.listing(key)
    series, now_ms = tracker[key], connection.clock.now_ms()
    wanted = missing(series, now_ms, tracker.count)
    if listing is None or not wanted:
        return Filled()
    # One more for the open candle, which shows that the one before it has closed, and one for a
    # candle that closes while we ask.
    limit = min((now_ms - wanted[0]) // series.length_ms + 2, MOST_CANDLES + 2)
    limit = min(limit, connection.most_candles)
    try:
        rows = await connection.candles(listing.symbol, key.timeframe, wanted[0], limit)
        now_ms = connection.clock.now_ms()
        parsed = candles_of(listing, key.timeframe, rows, now_ms)
        if problem := parsed.problem():
            raise UpstreamError(listing.exchange, "bad_answer", problem)
        learnt, ready = learn(series, parsed.rows, now_ms, tracker.count)
        if ready:
            await emit(ready)
    except Exception as error:
        return _failed(tracker, key, connection.clock.now_ms(), error)
    tracker[key] = published(learnt, (candle.open_time for candle in ready))
    return Filled(len(ready), 1, (), parsed.skipped)


def _failed(tracker: CandleTracker, key: Key, now_ms: int, error: Exception) -> Filled:
    retry_after_s = error.retry_after_s if isinstance(error, UpstreamError) else None
    if not isinstance(error, UpstreamError):
        _log.error("candles of %s %s were not published: %s", *key, error)
    tracker[key] = failed(tracker[key], now_ms, retry_after_s)
    return Filled(0, 1, (error,))
