"""Candles of an exchange into the files of a recorded directory: what is missing there.

So it goes on where it stopped, however it stopped: files are written whole, every few seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from marketdata.recorded.candle_files import (
    Rows,
    candle_file,
    missing,
    row_of,
    stored_rows,
    write_candles,
)
from marketdata.recorded.files import MarketFile, RecordedDataError
from producers.exchange.connection import Connection
from producers.exchange.parsing import UNFOLLOWED_MS, Listing, candles_of
from producers.http_client.errors import UpstreamError
from schemas.validation import TIMEFRAME_MS

_AT_ONCE = 3
"""Series under way; the exchange's limiter in ccxt spaces their requests."""
_SAVED_EVERY_S = 5.0
OnProgress = Callable[[int, int], None]
"""Called with candles fetched, and candles whose time is done with (also where there are none)."""


class DownloadError(RuntimeError):
    """A download that cannot be made; the text says why and what to do."""


@dataclass(slots=True)
class Series:
    """The candles of a file in the asked span.

    lacks    runs of open times that are not there, as [first, end), ms
    fetched  candles that came
    error    why it ended before its time; "" if it did not
    """

    file: MarketFile
    lacks: list[tuple[int, int]]
    fetched: int = 0
    error: str = ""

    @property
    def length_ms(self) -> int:
        """How long a candle is."""
        return TIMEFRAME_MS[self.file.timeframe]

    @property
    def missing(self) -> int:
        """How many candles are not there."""
        return sum(end - first for first, end in self.lacks) // self.length_ms


def plan(
    directory: Path,
    assets: Sequence[str],
    timeframes: Sequence[str],
    start_ms: int,
    until_ms: int,
    now_ms: int,
) -> list[Series]:
    """Return what each series has and lacks of closed candles in [start_ms, until_ms).

    RecordedDataError for a file that cannot be continued.
    """
    planned = []
    for asset in assets:
        for timeframe in timeframes:
            file = candle_file(directory, asset, timeframe)
            length_ms = TIMEFRAME_MS[timeframe]
            closed_ms = (now_ms - UNFOLLOWED_MS) // length_ms * length_ms
            until = min(until_ms, closed_ms)
            planned.append(Series(file, missing(stored_rows(file), length_ms, start_ms, until)))
    return planned


async def download(
    connection: Connection, planned: Sequence[Series], on_progress: OnProgress
) -> None:
    """Fetch what the series lack and write their files; a series that fails has its `error`.

    To be called as the `only_writer`. Raises DownloadError when the exchange lacks a market, before
    anything is fetched, and UpstreamError when its list of markets does not come.
    """
    waiting = [one for one in planned if one.lacks][::-1]
    if not waiting:
        return
    markets = await connection.markets()
    lacking = dict.fromkeys(one.file.symbol for one in waiting if one.file.symbol not in markets)
    if lacking:
        msg = (
            f"{connection.name} has no market {', '.join(lacking)} now: leave it out, or name "
            "another --exchange"
        )
        raise DownloadError(msg)

    async def work() -> None:
        while waiting:
            series = waiting.pop()
            try:
                await _fetch(connection, series, on_progress)
            except (OSError, RecordedDataError, UpstreamError) as error:
                series.error = str(error)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(_AT_ONCE, len(waiting))):
            group.create_task(work())


async def _fetch(connection: Connection, series: Series, on_progress: OnProgress) -> None:
    rows, length_ms = stored_rows(series.file), series.length_ms
    asked = series.lacks
    saved_s, unsaved = time.monotonic(), 0
    try:
        for first, end in asked:
            at = first
            while at < end:
                page, following = await _page(connection, series, at, end)
                rows |= page
                series.fetched += len(page)
                unsaved += len(page)
                on_progress(len(page), (min(following, end) - at) // length_ms)
                at = following
                if unsaved and time.monotonic() - saved_s > _SAVED_EVERY_S:
                    write_candles(series.file, rows)
                    saved_s, unsaved = time.monotonic(), 0
    finally:
        if unsaved:
            write_candles(series.file, rows)
        series.lacks = [gap for run in asked for gap in missing(rows, length_ms, *run)]


async def _page(connection: Connection, series: Series, at: int, end: int) -> tuple[Rows, int]:
    """Return the closed candles of one answer from `at` to before `end`, and where to go on."""
    file, length_ms = series.file, series.length_ms
    limit = min(connection.most_candles, (end - at) // length_ms + 1)
    answer = await connection.candles(file.symbol, file.timeframe, at, limit)
    listing = Listing(connection.name, file.asset, file.symbol)
    parsed = candles_of(listing, file.timeframe, answer, connection.clock.now_ms())
    if problem := parsed.problem():
        raise UpstreamError(connection.name, "bad_answer", problem)
    found = {
        one.open_time: row_of(one)
        for one in parsed.rows
        if one.closed and at <= one.open_time < end
    }
    if found:
        return found, max(found) + length_ms
    is_after = any(one.open_time >= end for one in parsed.rows)
    return {}, end if is_after else at + limit * length_ms
