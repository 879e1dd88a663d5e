"""`quantiva archive run|list|check`: the log as files."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterable, Mapping
from itertools import count
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
from rich.status import Status

from quantiva.commands.output import console, fail
from quantiva.discovery import load_settings

if TYPE_CHECKING:
    from quantiva.wiring.archive import Archiving
    from streams.archive.reader import Archive
    from transport.settings import Settings

app = typer.Typer(help="The log as Avro files: write, list, check.", no_args_is_help=True)

Address = Annotated[str, typer.Argument(help="A folder, or a URL such as s3://bucket/folder.")]
_POLL_S = 0.1
_POLLS_A_LISTING = 50
_SAID_PROBLEMS = 50


@app.command("run")
def run(
    address: Address,
    topics: Annotated[
        list[str] | None, typer.Option("--topics", help="Only these; again for more.")
    ] = None,
    until_end: Annotated[
        bool, typer.Option("--until-end", help="Stop when all that is there now is archived.")
    ] = False,
    roll_s: Annotated[
        float, typer.Option("--roll-s", min=0.05, help="A file is written after so long.")
    ] = 60.0,
    max_records: Annotated[
        int, typer.Option("--max-records", min=1, help="... or with so many records in memory.")
    ] = 100_000,
) -> None:
    """Write every record of the topics to an archive until Ctrl-C; goes on where it stopped."""
    from quantiva.wiring.archive import wanted_topics
    from sinks.base import SinkError
    from streams.archive.reader import ArchiveError
    from transport.admin import BrokerError

    try:
        wanted = wanted_topics(topics or ())
        asyncio.run(_run(load_settings(), address, wanted, until_end, roll_s, max_records))
    except (ArchiveError, BrokerError, SinkError, ValueError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"The archive {address} cannot be used: {error}")


async def _run(
    settings: Settings,
    address: str,
    topics: list[str],
    until_end: bool,
    roll_s: float,
    max_records: int,
) -> None:
    from quantiva.wiring.archive import archive_runner, last_offsets
    from transport import admin

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    settings.require_bootstrap()
    await admin.wait_for_broker(settings)
    archiving = await archive_runner(
        settings, address, topics, roll_s=roll_s, max_records=max_records
    )
    target = archiving.sink.writer.address
    wanted = await last_offsets(settings, topics) if until_end else None
    console.print(f"archiving {len(topics)} topics to {target}; Ctrl-C stops", soft_wrap=True)
    running = asyncio.create_task(archiving.runner.run())
    with console.status("starting") as line:
        await _watch(archiving, running, stop, line, wanted)
    await archiving.runner.stop()
    running.result()
    console.print(f"stopped; {_counts(archiving)}")
    if wanted is not None and not stop.is_set():
        await asyncio.to_thread(_confirm, target, wanted)


async def _watch(
    archiving: Archiving,
    running: asyncio.Task[None],
    stop: asyncio.Event,
    line: Status,
    wanted: dict[tuple[str, int], int] | None,
) -> None:
    """Show what it does; return when it is to stop, has ended, or has all that is wanted."""
    from quantiva.wiring.archive import is_reached

    there: dict[tuple[str, int], int] = {}
    for number in count():
        if running.done() or stop.is_set():
            return
        if wanted and number % _POLLS_A_LISTING == 0:  # another writer may have had its part in it
            there = await asyncio.to_thread(_archived, archiving.sink.writer.address, wanted)
        status = archiving.runner.status
        doing = f"waiting for {status.waiting_for}" if status.waiting_for else status.state.value
        line.update(f"{doing}: {_counts(archiving)}; {status.lag_total:,} in the log only")
        if wanted is not None and is_reached(wanted, there, archiving.sink.reached):
            return
        await asyncio.sleep(_POLL_S)


def _counts(archiving: Archiving) -> str:
    writer, rows = archiving.sink.writer, archiving.runner.status.rows
    return (
        f"{rows.total():,} records in {writer.files_written:,} files, {_size(writer.bytes_written)}"
    )


def _confirm(address: str, wanted: Mapping[tuple[str, int], int]) -> None:
    from quantiva.wiring.archive import is_reached

    if not is_reached(wanted, _archived(address, wanted)):
        fail("another writer took partitions over: run it again to the end")


def _archived(address: str, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
    from quantiva.wiring.archive import archived_offsets
    from streams.archive.reader import Archive

    return archived_offsets(Archive(address), places)


@app.command("list")
def list_archive(
    address: Address,
    topic: Annotated[str, typer.Option(help="Only this topic, by partition.")] = "",
) -> None:
    """Show what an archive holds, by topic."""
    from rich.table import Table

    from streams.archive.survey import rows

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for column in ("topic", "part.", "days", "records", "first", "last", "from", "until", "size"):
        right = column not in ("topic", "from", "until")
        table.add_column(column, justify="right" if right else "left", no_wrap=True)
    archive = _open(address)
    if topic and topic not in archive.partitions:
        fail(f"no topic {topic!r} in it; there are {', '.join(archive.partitions)}")
    for row in rows(archive, topic):
        table.add_row(*row.cells(_size(row.size)))
    console.print(table)


@app.command("check")
def check_archive(address: Address) -> None:
    """Read an archive whole; exit status 1 with a sentence for all that is wrong in it."""
    from streams.archive.check import check
    from streams.archive.reader import ArchiveError

    archive = _open(address)
    columns = (TextColumn("reading"), BarColumn(), DownloadColumn())
    try:
        with Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        ) as progress:
            task = progress.add_task("", total=None)
            report = check(
                archive, lambda done, total: progress.update(task, completed=done, total=total)
            )
    except (ArchiveError, OSError) as error:
        fail(f"The archive {address} cannot be read: {error}")
    for problem in report.problems[:_SAID_PROBLEMS]:
        console.print(problem, markup=False, soft_wrap=True)
    held = f"{report.records:,} records in {report.files:,} files, {_size(report.size)}"
    if report.problems:
        fail(f"{len(report.problems)} problems in {held}")
    console.print(f"{held}: no hole, no double, every file can be read")


def _open(address: str) -> Archive:
    from streams.archive.reader import Archive, ArchiveError

    try:
        return Archive(address)
    except (ArchiveError, OSError) as error:
        fail(str(error))


def _size(count: float) -> str:
    """Return a number of bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"
