"""Others' files of candles as rows of a series: CSV, parquet, and Binance's public archive.

What a file does not say for sure is not guessed: it is refused with what to do. The times' unit is
recognised as everywhere (`time_column`), value by value.
"""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from marketdata.recorded.candle_files import Rows, row_of
from marketdata.recorded.files import MarketFile, ReadReport, RecordedDataError
from marketdata.recorded.readers import CANDLE_COLUMNS, candles, open_parquet
from schemas.checks import LATEST_MS

ENDINGS = (".csv", ".csv.gz", ".zip", ".parquet")
_NAME = re.compile(r"(?:^|[-_])([A-Z0-9]{1,20}?)[-_]?USDT[-_](1h|4h|1d)(?![A-Z0-9])", re.IGNORECASE)
_ARCHIVE_COLUMNS = 12
"""Of a line of Binance's public archive: open time, prices, volume, and six more; no header."""
_TIMES = ("open_time", "timestamp", "time", "datetime", "date", "unix")


class Wanted(NamedTuple):
    """What a person says of files that do not say it.

    asset, timeframe  of all files; "" for what their names say
    time_column       the column with the start of each candle; "" for the one that is called so
    utc               whether times without a zone are UTC
    """

    asset: str = ""
    timeframe: str = ""
    time_column: str = ""
    utc: bool = False


class Imported(NamedTuple):
    """Candles of one file, and sentences about what was read of it and what was not."""

    rows: Rows
    notes: list[str]


def series_of(path: Path, wanted: Wanted) -> tuple[str, str]:
    """Return of which asset and timeframe a file is; RecordedDataError where nothing says it."""
    match = _NAME.search(path.name)
    asset = wanted.asset or (match[1].upper() if match else "")
    timeframe = wanted.timeframe or (match[2].lower() if match else "")
    if not asset or not timeframe:
        msg = (
            f"{path}: its name does not say which candles it has; name it like BTCUSDT-1h.csv, or "
            "say --asset and --timeframe"
        )
        raise RecordedDataError(msg)
    return asset, timeframe


def import_file(path: Path, wanted: Wanted) -> Imported:
    """Read a file. Raises RecordedDataError that says what is wrong in it, and what to do."""
    asset, timeframe = series_of(path, wanted)
    report = ReadReport()
    rows: Rows = {}
    try:
        for table in _tables(path):
            rows |= _rows(_with_our_columns(table, path, asset, wanted), asset, timeframe, report)
    except RecordedDataError as error:
        raise RecordedDataError(_of(path, str(error))) from None
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        msg = f"{path} cannot be read: {error}"
        raise RecordedDataError(msg) from error
    notes = [*report.notes, *(f"{n:,} rows: {why}" for why, n in sorted(report.skipped.items()))]
    return Imported(rows, [_of(path, one) for one in notes])


def _of(path: Path, sentence: str) -> str:
    """Return a sentence about the file that it is about: it was read by way of another."""
    said = re.sub(r"\S*\w+USDT-\w\w\.parquet:? ?", "", sentence)
    return said if said.startswith(str(path)) else f"{path}: {said}"


def _tables(path: Path) -> Iterator[Any]:
    """Yield the pyarrow tables in a file: one, or one for each CSV of a zip."""
    if path.suffix == ".parquet":
        with open_parquet(path) as file:
            yield file.read()
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".csv")]
            if not names:
                msg = f"{path} has no .csv in it"
                raise RecordedDataError(msg)
            for name in names:
                yield _csv(archive.read(name), path)
    else:
        import gzip

        data = path.read_bytes()
        yield _csv(gzip.decompress(data) if path.suffix == ".gz" else data, path)


def _csv(data: bytes, path: Path) -> Any:
    from pyarrow import csv

    cells = data.partition(b"\n")[0].decode("utf-8-sig").strip().split(",")
    is_headed = not cells[0].strip().isdigit()
    if not is_headed and len(cells) != _ARCHIVE_COLUMNS:
        msg = (
            f"{path} has no header and {len(cells)} columns: only Binance's public archive, of "
            f"{_ARCHIVE_COLUMNS}, needs none; write {','.join(CANDLE_COLUMNS)} above it"
        )
        raise RecordedDataError(msg)
    others = [f"other_{number}" for number in range(_ARCHIVE_COLUMNS - len(CANDLE_COLUMNS))]
    names = None if is_headed else [*CANDLE_COLUMNS, *others]
    return csv.read_csv(io.BytesIO(data), read_options=csv.ReadOptions(column_names=names))


def _with_our_columns(table: Any, path: Path, asset: str, wanted: Wanted) -> Any:
    """Return a table of the six columns, by whatever names they had."""
    known = [name.strip().lower().replace(" ", "_") for name in table.column_names]
    places = {name: place for place, name in enumerate(known)}
    if "volume" not in places and f"volume_{asset.lower()}" in places:
        places["volume"] = places[f"volume_{asset.lower()}"]
    time = _time_name(places, path, wanted)
    lacks = [name for name in CANDLE_COLUMNS[1:] if name not in places]
    if lacks:
        msg = (
            f"{path} lacks the column(s) {', '.join(lacks)}; found {', '.join(table.column_names)}"
        )
        raise RecordedDataError(msg)
    times = _times(table.column(places[time]), path, table.column_names[places[time]], wanted)
    columns = [times, *(table.column(places[name]) for name in CANDLE_COLUMNS[1:])]
    return type(table).from_arrays(columns, names=list(CANDLE_COLUMNS))


def _time_name(places: dict[str, int], path: Path, wanted: Wanted) -> str:
    if wanted.time_column:
        found = [wanted.time_column.strip().lower().replace(" ", "_")]
    else:
        found = [name for name in _TIMES if name in places]
        found = found[:1] if found[:1] == ["open_time"] else found
    if len(found) == 1 and found[0] in places:
        return found[0]
    there = ", ".join(places)
    if len(found) > 1:
        msg = (
            f"{path} has the columns {' and '.join(found)}: say which one is the start of each "
            "candle, --time-column NAME"
        )
    else:
        msg = (
            f"{path} has no column {' or '.join(found or _TIMES[:1])}; say which one is the "
            f"start of each candle, --time-column NAME; found {there}"
        )
    raise RecordedDataError(msg)


def _times(column: Any, path: Path, name: str, wanted: Wanted) -> Any:
    """Return a column of whole numbers, or of timestamps with a zone."""
    import pyarrow
    from pyarrow import types

    kind = column.type
    if types.is_integer(kind) or (types.is_timestamp(kind) and kind.tz is not None):
        return column
    if types.is_floating(kind):
        return column.cast(pyarrow.int64())  # ValueError when it would lose something
    if types.is_date(kind) or types.is_timestamp(kind):
        if wanted.utc:
            return column.cast(pyarrow.timestamp("ms")).cast(pyarrow.timestamp("ms", "UTC"))
        msg = f"{path}: {name} names no zone; say --utc if its times are UTC"
        raise RecordedDataError(msg)
    first = next((one for one in column.to_pylist() if one is not None), None)
    msg = (
        f"{path}: {name} is {kind}, the first {first!r}, and no time; write 2024-03-01T01:00:00Z, "
        "or ms (or s, us, ns) since 1970 UTC"
    )
    raise RecordedDataError(msg)


def _rows(table: Any, asset: str, timeframe: str, report: ReadReport) -> Rows:
    """Return the valid candles of a table, read as a recorded file is."""
    from pyarrow import parquet

    with tempfile.TemporaryDirectory(prefix="quantiva-import-") as folder:
        path = Path(folder) / f"{asset}USDT-{timeframe}.parquet"
        parquet.write_table(table, path)
        read = candles(MarketFile(path, asset, timeframe), 0, LATEST_MS, 0, report)
        return {one.open_time: row_of(one) for one in read}


def import_names(paths: Sequence[Path]) -> list[Path]:
    """Return the files that paths name: themselves, and of directories all with our endings.

    RecordedDataError for a path that is not there, and a directory without any.
    """
    found = []
    for path in paths:
        inside = [one for one in sorted(path.rglob("*")) if one.name.lower().endswith(ENDINGS)]
        if path.is_dir() and inside:
            found += inside
        elif path.is_file() and path.name.lower().endswith(ENDINGS):
            found.append(path)
        else:
            what = "no file or directory" if not path.exists() else "nothing to import"
            msg = f"{path}: {what}; there are {', '.join(ENDINGS)}"
            raise RecordedDataError(msg)
    return found
