"""Writes candles as the files that `readers` reads, whole or not at all; says what they lack."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from marketdata.recorded.files import MarketFile, ReadReport, RecordedDataError
from marketdata.recorded.readers import CANDLE_COLUMNS, candles, open_parquet
from schemas.checks import LATEST_MS
from schemas.market import Candle

Row: TypeAlias = tuple[float, float, float, float, float]
"""Open, high, low, close in the quote currency, and volume in the asset."""
Rows: TypeAlias = dict[int, Row]
"""Candles of one series by their open time, ms since 1970 UTC."""
FOLDER = "ohlcv"
_TEMPORARY = ".tmp"
_LOCK = ".lock"


def candle_file(directory: Path, asset: str, timeframe: str) -> MarketFile:
    """Return where a recorded directory has the candles of an asset against USDT."""
    path = directory / FOLDER / f"{asset}USDT-{timeframe}.parquet"
    return MarketFile(path, asset, timeframe)


def row_of(candle: Candle) -> Row:
    """Return a candle's prices and volume."""
    return candle.open, candle.high, candle.low, candle.close, candle.volume


def stored_rows(file: MarketFile) -> Rows:
    """Return what a file that is to be written again has; nothing when it is not there.

    RecordedDataError where writing it would lose something: other columns, rows that are no
    candles.
    """
    if not file.path.exists():
        return {}
    report = ReadReport()
    rows = {one.open_time: row_of(one) for one in candles(file, 0, LATEST_MS, 0, report)}
    with open_parquet(file.path) as opened:
        others = set(opened.schema_arrow.names) - set(CANDLE_COLUMNS)
    said = [f"it has the column(s) {', '.join(sorted(others))}"] if others else []
    said += [f"{count:,} rows of {why}" for why, count in sorted(report.skipped.items())]
    if said:
        msg = (
            f"{file.path} cannot be continued without a loss: {'; '.join(said)}. Move it away, and "
            "import it with `quantiva data import`"
        )
        raise RecordedDataError(msg)
    return rows


def write_candles(file: MarketFile, rows: Mapping[int, Row]) -> None:
    """Write the candles of a series in place of what the file had."""
    import pyarrow
    from pyarrow import parquet

    times = sorted(rows)
    columns = [times, *zip(*(rows[at] for at in times), strict=True)] if rows else [[]] * 6
    kinds = [pyarrow.int64(), *[pyarrow.float64()] * 5]
    arrays = [pyarrow.array(one, kind) for one, kind in zip(columns, kinds, strict=True)]
    table = pyarrow.table(arrays, names=list(CANDLE_COLUMNS))
    write_whole(file.path, lambda beside: parquet.write_table(table, beside))


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Make a file by what writes it to a path: under another name, renamed when it is on the disk.

    What a killed process left under that name is written over. Folders are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + _TEMPORARY)
    try:
        write(beside)
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


@contextmanager
def only_writer(directory: Path) -> Iterator[None]:
    """Be the one process that writes candles to a directory; RecordedDataError if another does."""
    folder = directory / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            msg = f"another download or import writes to {folder}: wait until it has ended"
            raise RecordedDataError(msg) from None
        yield


def missing(
    times: Collection[int], length_ms: int, start_ms: int, until_ms: int
) -> list[tuple[int, int]]:
    """Return the runs of open times that lack, as [first, end), from `start_ms` to `until_ms`.

    A candle that begins before `until_ms` counts, also where it ends later.
    """
    first = -(-start_ms // length_ms) * length_ms
    end = -(-until_ms // length_ms) * length_ms
    found = []
    for at in [*sorted(one for one in times if first <= one < end), end]:
        if at > first:
            found.append((first, at))
        first = at + length_ms
    return found
