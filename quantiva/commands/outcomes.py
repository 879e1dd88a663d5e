"""`quantiva outcomes SOURCE`: whether scores foretell: of stored, archived or replayed ones."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from quantiva.commands.output import console, fail, utc_ms
from quantiva.commands.replay_sources import (
    AssetsOption,
    FromOption,
    JobsOption,
    SourceArgument,
    UntilOption,
    assets_in,
    opened,
)
from quantiva.discovery import load_settings

if TYPE_CHECKING:
    from streams.outcomes.outcome_statistics import OutcomeStatistics, OutcomeTable
    from streams.replay.sources import Source

DATABASE = "database"
_TITLES = (
    "horizon",
    "n",
    "apart",
    "IC",
    "+-",
    "hit %",
    "+-",
    "always up %",
    "Brier",
    "by hits",
    "return % by fifth of score",
)


def outcomes(
    source: SourceArgument,
    start: FromOption = None,
    until: UntilOption = None,
    assets: AssetsOption = "",
    jobs: JobsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show what the price did after scores and signals, per engine and strategy and horizon.

    SOURCE may be `database` too: what `quantiva sink postgres` stored. An archive that has outcomes
    is read; one that has none, and a directory, is replayed. --from and --until are of the scores.
    """
    from streams.archive.reader import ArchiveError
    from streams.outcomes.outcome_statistics import OutcomeTable
    from streams.replay.shards import ReplayError
    from streams.replay.sources import SourceError

    table = OutcomeTable()
    wanted = assets_in(assets)
    try:
        if source == DATABASE:
            _of_database(table, start, until, wanted)
        else:
            with opened(source, start, until, wanted) as found:
                _of_source(table, found, start, jobs, is_quiet=as_json)
    except (ArchiveError, ReplayError, SourceError, OSError, ValueError) as error:
        fail(str(error))
    _report(table.statistics(), as_json=as_json)


def _of_database(
    table: OutcomeTable, start: datetime | None, until: datetime | None, assets: tuple[str, ...]
) -> None:
    import asyncpg

    from sinks.postgres.outcomes import stored_outcomes

    url = load_settings().database_url
    if url is None:
        fail("no database: set DATABASE_URL, or start one with `quantiva demo`")

    async def read() -> None:
        async for one in stored_outcomes(url.get_secret_value(), utc_ms(start), utc_ms(until)):
            if not assets or one.asset in assets:
                table.add(one)

    try:
        asyncio.run(read())
    except asyncpg.PostgresError as error:
        fail(f"the database has no outcomes to read: {error}; start `quantiva sink postgres` first")


def _of_source(
    table: OutcomeTable,
    source: Source,
    start: datetime | None,
    jobs: int | None,
    *,
    is_quiet: bool,
) -> None:
    """Take the outcomes that an archive holds, else those of a replay."""
    from schemas.codec import BadEventError
    from schemas.topics import OUTCOMES
    from streams.archive.reader import Archive
    from streams.replay.logs import Logs
    from streams.replay.sources import ArchiveSource

    from_ms, until_ms = utc_ms(start) or 0, None
    if isinstance(source, ArchiveSource):
        archive, until_ms = Archive(source.address), source.until_ms
        numbers = range(archive.partitions.get(OUTCOMES.name, 0))
        if any(archive.segments(OUTCOMES.name, number) for number in numbers):
            logs = Logs(archive)
            for number in numbers:
                for _, event in logs.read(OUTCOMES.name, number):
                    is_wanted = not isinstance(event, BadEventError) and (
                        not source.assets or event.asset in source.assets
                    )
                    if is_wanted and from_ms <= event.scored_at < (until_ms or event.scored_at + 1):
                        table.add(event)
            return
    _replayed(table, source, from_ms, jobs, is_quiet=is_quiet)


def _replayed(
    table: OutcomeTable, source: Source, from_ms: int, jobs: int | None, *, is_quiet: bool
) -> None:
    from quantiva.commands.progress import replay_progress
    from schemas.topics import OUTCOMES
    from streams.replay.run import default_jobs, replay
    from streams.runner import Produced

    def take(produced: Produced) -> None:
        if produced.topic == OUTCOMES.name and produced.event.scored_at >= from_ms:
            table.add(produced.event)

    bar = contextlib.nullcontext() if is_quiet else replay_progress(source, "replaying")
    with bar as on_progress:
        replay(
            source,
            jobs=jobs or default_jobs(),
            on_progress=on_progress,
            on_output=take,
            is_brief=True,
            with_outcomes=True,
        )


def _report(found: tuple[OutcomeStatistics, ...], *, as_json: bool) -> None:
    if as_json:
        import msgspec

        for one in found:
            typer.echo(msgspec.json.encode(one).decode())
        return
    if not found:
        console.print("no outcomes: one is known an hour after its score at the earliest")
        return
    rows = [("", *_TITLES), *(_cells(one) for one in found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *cells in rows:  # plain text: a cut number is none, a wrapped line is one
        padded = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
        typer.echo("  ".join([name.ljust(widths[0]), *padded]))
    console.print(
        "IC: rank correlation of scores and later returns, with its standard error; apart: windows "
        "that do not overlap, below 30 too few; by hits: the Brier score of who knew the hit rate"
    )
    lost = sum(one.without_return for one in found)
    if lost:
        console.print(f"{lost:,} outcomes have no return: no price came in time")


def _cells(one: OutcomeStatistics) -> tuple[str, ...]:
    few = " too few" if one.is_too_few else ""
    fifths = "  ".join(f"{bucket.mean_return_pct:+.2f}" for bucket in one.buckets)
    return (
        one.name,
        one.horizon,
        f"{one.n:,}",
        f"{one.n_effective:,}{few}",
        _number(one.ic, "+.3f"),
        _number(one.ic_error, ".3f"),
        _number(one.hit_rate_pct, ".1f"),
        _number(one.hit_rate_error_pct, ".1f"),
        _number(one.base_rate_pct, ".1f"),
        _number(one.brier, ".3f"),
        _number(one.brier_base, ".3f"),
        fifths or "-",
    )


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
