"""What is wrong in a directory of recorded market data: candles one by one, order books' rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from marketdata.recorded.candle_files import missing
from marketdata.recorded.files import Directory, MarketFile, ReadReport, RecordedDataError
from marketdata.recorded.readers import books, candles
from schemas.checks import LATEST_MS
from schemas.market import Candle
from schemas.text import moment
from schemas.validation import TIMEFRAME_MS
from streams.engines.indicators import Series, advance, is_break

MOST_SAID = 5
"""Gaps and jumps that are named one by one; the others are counted."""
_FORM = "%Y-%m-%d %H:%M"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a file has; `problems` and `notes` are sentences, problems empty when all is well."""

    path: Path
    rows: int
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()


def check_directory(found: Directory, on_file: Callable[[Path], None]) -> list[Checked]:
    """Check all candle and order book files; `on_file` is called before each."""
    checked = []
    for file in (*found.candles, *found.books):
        on_file(file.path)
        checked.append(check_candles(file) if file.timeframe else _check_books(file))
    return checked


def check_candles(file: MarketFile) -> Checked:
    """Read a candle file whole: times and units, rows that are no candles, doubles, gaps, jumps.

    A jump is where the technical engine begins a series anew (`indicators.is_break`): another unit
    or another coin under the ticker.
    """
    report = ReadReport()
    try:
        rows = list(candles(file, 0, LATEST_MS, 0, report))
    except RecordedDataError as error:
        return Checked(file.path, 0, (str(error),))
    if not rows:
        return Checked(file.path, 0, (*_skipped(report), "it has no candles"))
    times, length_ms = [one.open_time for one in rows], TIMEFRAME_MS[file.timeframe]
    first_ms, last_ms = times[0], times[-1]
    problems = (
        *_skipped(report),
        *gap_sentences(missing(times, length_ms, first_ms, last_ms), length_ms),
        *_jumps(rows, length_ms),
    )
    return Checked(file.path, len(rows), problems, tuple(report.notes))


def gap_sentences(gaps: Sequence[tuple[int, int]], length_ms: int) -> tuple[str, ...]:
    """Return a sentence for each run of missing candles, [first, end) in ms, the first of them."""
    said = []
    for first, end in gaps[:MOST_SAID]:
        count, last = (end - first) // length_ms, end - length_ms
        until = "" if count == 1 else f" to {moment(last, _FORM)}"
        plural = "s" if count > 1 else ""
        said.append(f"gap of {count:,} candle{plural}: {moment(first, _FORM)}{until}")
    if more := gaps[MOST_SAID:]:
        count = sum(end - first for first, end in more) // length_ms
        said.append(f"and {len(more):,} more gaps of {count:,} candles")
    return tuple(said)


def _jumps(rows: Sequence[Candle], length_ms: int) -> list[str]:
    series, said, jumps = Series(), [], 0
    for before, one in pairwise([rows[0], *rows]):
        hole = max((one.open_time - before.open_time) // length_ms - 1, 0)
        if is_break(series, one.open, one.close, hole):
            jumps += 1
            series = Series()
            said.append(
                f"jump at {moment(one.open_time, _FORM)} from {before.close:g} to {one.open:g}: "
                "another unit, or another coin under this ticker"
            )
        series = advance(series, one.open, one.high, one.low, one.close, one.volume)
    more = [f"and {jumps - MOST_SAID:,} more jumps"] if jumps > MOST_SAID else []
    return [*said[:MOST_SAID], *more]


def _check_books(file: MarketFile) -> Checked:
    report = ReadReport()
    try:
        count = sum(1 for _ in books(file, 0, LATEST_MS, report))
    except RecordedDataError as error:
        return Checked(file.path, 0, (str(error),))
    return Checked(file.path, count, tuple(_skipped(report)), tuple(report.notes))


def _skipped(report: ReadReport) -> list[str]:
    """Return what was wrong with rows, without the file's name."""
    found = sorted(report.skipped.items())
    return [f"{rows:,} rows: {why.partition(': ')[2]}" for why, rows in found]
