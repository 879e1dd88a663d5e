"""The roof over all parts: the command line, and `read_archive` for notebooks."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any


def read_archive(
    path: str,
    kind: str,
    *,
    start: datetime | str | int | None = None,
    until: datetime | str | int | None = None,
    assets: Collection[str] = (),
    arrow: bool = False,
) -> Any:
    """Return what an archive has of a kind as a pandas DataFrame, or with `arrow` a pyarrow Table.

    `path` is an archive (a folder, or a URL of fsspec), also what `quantiva replay --out` writes.
    `kind` is signals, scores, trades, equity, candles, outcomes, or a topic's name. With
    start <= time < until: dates, text like 2024-03-01 or 2024-03-01T12:00 (UTC where no zone is
    named), or ms since 1970. `assets` () are all. Columns, times and order:
    `streams.archive.frames`. Warns of records that cannot be decoded.

    Raises ArchiveError (no archive there, no such topic in it), OSError, and ValueError for a wrong
    kind or time.
    """
    from quantiva.frames import read  # pandas takes half a second

    return read(path, kind, start, until, assets, arrow=arrow)
