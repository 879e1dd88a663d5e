"""`quantiva data download|import|list|check`: directories of recorded market data."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quantiva.commands.output import console, fail, utc_ms
from quantiva.commands.progress import records_progress
from quantiva.commands.replay_sources import FromOption, UntilOption
from schemas.text import moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marketdata.recorded.files import Directory, MarketFile
    from marketdata.recorded.importing import Wanted
    from quantiva.data.check import Checked
    from quantiva.data.download import Series

app = typer.Typer(help="Recorded market data: download, import, list, check.", no_args_is_help=True)
Folder = Annotated[Path, typer.Argument(help="A directory of market data, as replays read it.")]
_FORM = "%Y-%m-%d %H:%M"


@app.command()
def download(
    directory: Folder,
    assets: Annotated[str, typer.Option(help="Which ones, with commas: BTC,ETH.")],
    start: FromOption,
    until: UntilOption = None,
    timeframes: Annotated[str, typer.Option(help="Of 1h, 4h and 1d, with commas.")] = "1h,4h,1d",
    exchange: Annotated[str, typer.Option(help="An exchange as ccxt names it.")] = "binance",
) -> None:
    """Fetch closed candles against USDT from an exchange; a second call fetches what is missing.

    --until is the last closed candle when left out.
    """
    from marketdata.recorded.files import RecordedDataError
    from producers.http_client.errors import UpstreamError
    from quantiva.data.download import DownloadError
    from schemas.checks import LATEST_MS

    wanted, lengths = _assets(assets), _timeframes(timeframes)
    if start is None or (until is not None and until <= start):
        fail(f"--until {until} is not after --from {start}", 2)
    span = utc_ms(start), LATEST_MS if until is None else utc_ms(until)
    try:
        planned = asyncio.run(_download(exchange.lower(), directory, wanted, lengths, span))
    except (DownloadError, RecordedDataError, UpstreamError, OSError) as error:
        fail(str(error))
    except ImportError as error:
        fail(f"{error}: pip install 'quantiva-streams[sources,data]'")
    except KeyboardInterrupt:
        fail(f"stopped; the same command goes on with what is in {directory}", 130)
    _report(planned, span[0])


def _assets(text: str) -> list[str]:
    from schemas.names import is_symbol

    assets = list(dict.fromkeys(one.strip().upper() for one in text.split(",") if one.strip()))
    wrong = [one for one in assets if not is_symbol(one) or not one.isalnum()]
    if wrong or not assets:
        fail(f"--assets {text!r}: write symbols with commas, like BTC,ETH", 2)
    return assets


def _timeframes(text: str) -> list[str]:
    from schemas.validation import TIMEFRAME_MS

    names = list(dict.fromkeys(one.strip().lower() for one in text.split(",") if one.strip()))
    if not names or set(names) - set(TIMEFRAME_MS):
        fail(f"--timeframes {text!r}: there are {', '.join(TIMEFRAME_MS)}", 2)
    return names


async def _download(
    exchange: str,
    directory: Path,
    assets: Sequence[str],
    timeframes: Sequence[str],
    span_ms: tuple[int, int],
) -> list[Series]:
    from marketdata.recorded.candle_files import only_writer
    from producers.exchange.connection import open_exchange
    from producers.settings import SourceSettings
    from quantiva.data.download import DownloadError, plan
    from quantiva.data.download import download as fetch

    settings = SourceSettings()
    clock = settings.clock()
    try:
        connection = await open_exchange(exchange, settings, clock)
    except ValueError as error:
        said = str(error).replace("QUANTIVA_EXCHANGES names", "--exchange is")
        raise DownloadError(said) from None
    try:
        with only_writer(directory):
            planned = plan(directory, assets, timeframes, *span_ms, clock.now_ms())
            total = sum(one.missing for one in planned)
            done = 0
            with records_progress(f"candles of {exchange}", total) as progress:

                def on_progress(candles: int, places: int) -> None:
                    nonlocal done
                    done += places
                    progress.advance_to(candles, done, total)

                await fetch(connection, planned, on_progress)
    finally:
        await connection.close()
    return planned


def _report(planned: Sequence[Series], start_ms: int) -> None:
    from quantiva.data.check import gap_sentences

    for series in planned:
        file, gaps = series.file, series.lacks
        said = f"{file.path}: {series.fetched:,} new candles"
        if gaps and gaps[0][0] < start_ms + series.length_ms:  # most often it was not traded yet
            first, end = gaps[0]
            said += f"; none from {moment(first, _FORM)} to before {moment(end, _FORM)}"
            gaps = gaps[1:]
        console.print(said, markup=False, soft_wrap=True)
        for sentence in gap_sentences(gaps, series.length_ms):
            console.print(f"  {sentence}", markup=False, soft_wrap=True)
    failed = [f"{one.file.path.name}: {one.error}" for one in planned if one.error]
    if failed:
        fail(f"{'; '.join(failed)}. What came is kept; the same command fetches the rest")


@app.command("import")
def import_files(
    paths: Annotated[list[Path], typer.Argument(help="Files, or directories of them.")],
    to: Annotated[Path, typer.Option("--to", help="The directory of market data.")],
    asset: Annotated[str, typer.Option(help="Of all files; else their names say it.")] = "",
    timeframe: Annotated[str, typer.Option(help="1h, 4h or 1d; else the names say it.")] = "",
    time_column: Annotated[
        str, typer.Option("--time-column", help="With the start of each candle.")
    ] = "",
    utc: Annotated[bool, typer.Option("--utc", help="Times without a zone are UTC.")] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Where candles differ, take the imported ones.")
    ] = False,
) -> None:
    """Take candles from CSV, parquet and Binance's public archive (zip or csv) into a directory."""
    from marketdata.recorded.candle_files import candle_file, only_writer
    from marketdata.recorded.files import RecordedDataError
    from marketdata.recorded.importing import Wanted, import_names, series_of

    wanted = Wanted(
        _assets(asset)[0] if asset else "",
        _timeframes(timeframe)[0] if timeframe else "",
        time_column,
        utc,
    )
    series: dict[tuple[str, str], list[Path]] = {}
    try:
        for path in import_names(paths):
            series.setdefault(series_of(path, wanted), []).append(path)
        with only_writer(to):
            for (name, length), files in sorted(series.items()):
                _import_series(candle_file(to, name, length), files, wanted, replace)
    except (OSError, RecordedDataError) as error:
        fail(str(error))


def _import_series(
    target: MarketFile, paths: Sequence[Path], wanted: Wanted, replace: bool
) -> None:
    """Join files and what is there already into one; all of a series at once, or nothing of it."""
    from rich.progress import track

    from marketdata.recorded.candle_files import stored_rows, write_candles
    from marketdata.recorded.importing import import_file

    there = stored_rows(target)
    rows = dict(there)
    for path in track(paths, target.path.name, console=console, transient=True):
        found = import_file(path, wanted)
        for note in found.notes:
            console.print(note, markup=False, soft_wrap=True)
        others = [
            at for at in sorted(rows.keys() & found.rows.keys()) if rows[at] != found.rows[at]
        ]
        if others and not replace:
            fail(
                f"{path}: {len(others):,} candles are others than in {target.path} or the files "
                f"before it, the first of {moment(others[0], _FORM)}; {target.path} was left as it "
                "was. --replace takes the later ones"
            )
        rows |= found.rows
    if rows != there:
        write_candles(target, rows)
    new = len(rows) - len(there)
    console.print(f"{target.path}: {new:,} new candles of {len(rows):,}", soft_wrap=True)


@app.command("list")
def list_directory(directory: Folder) -> None:
    """Show which candles, order books and news a directory has."""
    from rich.table import Table

    from marketdata.recorded.files import RecordedDataError
    from marketdata.recorded.readers import candle_span, open_parquet
    from schemas.validation import TIMEFRAME_MS

    found = _found(directory)
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for column in ("file", "rows", "from", "until", "missing"):
        right = column in ("rows", "missing")
        table.add_column(column, justify="right" if right else "left", no_wrap=True)
    for file in (*found.candles, *found.books):
        name = str(file.path.relative_to(directory))
        try:
            with open_parquet(file.path) as opened:
                rows = opened.metadata.num_rows
            span = candle_span(file) if file.timeframe else None
        except RecordedDataError:
            table.add_row(name, "-", "cannot be used: see `quantiva data check`", "", "")
            continue
        if span is None:
            table.add_row(name, f"{rows:,}", "", "", "")
            continue
        whole = (span[1] - span[0]) // TIMEFRAME_MS[file.timeframe] + 1
        times = (moment(at, _FORM) for at in span)
        table.add_row(name, f"{rows:,}", *times, f"{max(whole - rows, 0):,}")
    for path in filter(None, (found.headlines, found.tagged_posts)):
        table.add_row(str(path.relative_to(directory)), "", "", "", "")
    console.print(table)


@app.command("check")
def check(directory: Folder) -> None:
    """Read candles and order books whole; exit status 1 with a sentence for all that is wrong.

    Gaps, doubles, times in no known unit, rows that are no candles, and jumps of the price that
    no trading makes.
    """
    from quantiva.data.check import check_directory

    found = _found(directory)
    with console.status("reading") as line:
        checked = check_directory(found, lambda path: line.update(f"reading {path.name}"))
    problems = 0
    for one in checked:
        problems += len(one.problems)
        _print_checked(one)
    rows = sum(one.rows for one in checked)
    if problems:
        fail(f"{problems:,} problems in {rows:,} rows of {len(checked)} files")
    console.print(f"{rows:,} rows of {len(checked)} files: nothing is wrong")


def _print_checked(one: Checked) -> None:
    if one.problems or one.notes:
        console.print(f"{one.path}: {one.rows:,} rows", markup=False, soft_wrap=True)
    for sentence in (*one.problems, *one.notes):
        said = sentence.removeprefix(f"{one.path}: ").removeprefix(f"{one.path.name}: ")
        console.print(f"  {said}", markup=False, soft_wrap=True)


def _found(directory: Path) -> Directory:
    from marketdata.recorded.files import ReadReport, RecordedDataError, find_files

    report = ReadReport()
    try:
        found = find_files(directory, report)
    except RecordedDataError as error:
        fail(str(error))
    for note in report.notes:
        console.print(note, markup=False, soft_wrap=True)
    return found
