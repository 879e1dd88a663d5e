"""Tables of an archive for Python and for files: `quantiva.read_archive` and `quantiva export`."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from marketdata.recorded.candle_files import write_whole
from schemas.times import ms
from streams.archive.frames import read_frame
from streams.archive.reader import Archive

FORMATS = ("parquet", "csv")


def read(
    path: str,
    kind: str,
    start: datetime | str | int | None,
    until: datetime | str | int | None,
    assets: Collection[str],
    *,
    arrow: bool,
) -> Any:
    """See `quantiva.read_archive`."""
    wanted = {"start_ms": _ms(start), "until_ms": _ms(until)}
    found = read_frame(Archive(str(path)), kind, **wanted, assets=assets)
    if found.unreadable:
        said = f"{found.unreadable:,} records of {path} cannot be decoded and are left out"
        warnings.warn(said, stacklevel=3)
    return found.table if arrow else found.table.to_pandas()


def write_table(table: Any, path: Path, form: str) -> None:
    """Write a table as parquet or csv (lists as JSON); the file is there whole or not at all."""
    from pyarrow import csv, parquet

    write: Callable[[Any, str], None] = parquet.write_table
    if form == "csv":
        table, write = _flat(table), csv.write_csv
    write_whole(path, lambda beside: write(table, str(beside)))


def _flat(table: Any) -> Any:
    """Return a table whose lists are JSON texts: csv has no lists."""
    import pyarrow

    for place, field in enumerate(table.schema):
        if str(field.type).startswith("list"):
            values = table.column(place).to_pylist()
            texts = [None if one is None else json.dumps(one, default=_json) for one in values]
            table = table.set_column(place, field.name, pyarrow.array(texts, pyarrow.string()))
    return table


def _json(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    msg = f"{type(value).__name__} is nothing that JSON has"
    raise TypeError(msg)


def _ms(moment: datetime | str | int | None) -> int | None:
    if moment is None or isinstance(moment, int):
        return moment
    time = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return ms(time if time.tzinfo is not None else time.replace(tzinfo=UTC))
