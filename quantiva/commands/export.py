"""`quantiva export KIND SOURCE --to FILE`: an archive as a table in a file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quantiva.commands.output import console, fail, utc_ms
from quantiva.commands.replay_sources import (
    AssetsOption,
    FromOption,
    UntilOption,
    assets_in,
    local_archive,
)

if TYPE_CHECKING:
    from streams.archive.frames import Frame


def export(
    kind: Annotated[
        str, typer.Argument(help="signals, scores, trades, equity, candles, outcomes, or a topic.")
    ],
    source: Annotated[
        str, typer.Argument(help="An archive, also one of `replay --out`, or `kafka`.")
    ],
    to: Annotated[Path, typer.Option("--to", help="The file to write.")],
    form: Annotated[
        str, typer.Option("--format", help="parquet or csv; the file's name tells, too.")
    ] = "",
    start: FromOption = None,
    until: UntilOption = None,
    assets: AssetsOption = "",
) -> None:
    """Write signals, scores, trades, equity or candles as one table, a row a record."""
    from quantiva.frames import FORMATS, write_table
    from streams.archive.frames import topic_of
    from streams.archive.reader import ArchiveError

    form = form or to.suffix.removeprefix(".")
    if form not in FORMATS:
        fail(f"--format {form or '(none)'} is none of {', '.join(FORMATS)}; or name {to} so", 2)
    if start is not None and until is not None and until <= start:
        fail(f"--until {until} is not after --from {start}", 2)
    try:
        topic_of(kind)
    except ValueError as error:
        fail(str(error), 2)
    try:
        table, unreadable = _read(source, kind, start, until, assets)
        write_table(table, to, form)
    except ArchiveError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{source} could not be written to {to}: {error}")
    rows, columns = table.num_rows, table.num_columns
    console.print(f"{to}: {rows:,} {kind}, {columns} columns", markup=False, soft_wrap=True)
    if unreadable:
        console.print(f"{unreadable:,} records cannot be decoded and are left out")


def _read(
    source: str, kind: str, start: datetime | None, until: datetime | None, assets: str
) -> Frame:
    from streams.archive.frames import read_frame

    wanted = assets_in(assets)
    with local_archive(source) as archive, console.status(f"reading {kind}"):
        return read_frame(
            archive, kind, start_ms=utc_ms(start), until_ms=utc_ms(until), assets=wanted
        )
