"""`quantiva verify SOURCE`: whether a replay gives what the live run gave, to the byte."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quantiva.commands.output import console, fail
from quantiva.commands.progress import records_progress
from quantiva.commands.replay_sources import JobsOption, SourceArgument, local_archive

if TYPE_CHECKING:
    from streams.replay.parity import Divergence, Parity

_SHOWN = 5


def verify(
    source: SourceArgument,
    jobs: JobsOption = None,
    complete: Annotated[
        bool,
        typer.Option(help="The recording is whole: nothing may be missing at its end either."),
    ] = False,
    json: Annotated[Path | None, typer.Option(help="Write the result to a file.")] = None,
) -> None:
    """Replay a recorded live run and compare all that its stages wrote byte by byte.

    Exit status 1 when anything differs; the first difference is shown with its place.
    """
    from streams.archive.reader import ArchiveError
    from streams.replay.run import default_jobs, total_of
    from streams.replay.run import verify as run_verify
    from streams.replay.shards import ReplayError
    from streams.replay.sources import ArchiveSource, SourceError

    try:
        with local_archive(source) as archive:
            total = total_of(ArchiveSource(address=archive.address, as_recorded=True))
            with records_progress("replaying", total) as progress:
                result = run_verify(
                    archive.address,
                    jobs=jobs or default_jobs(),
                    on_progress=lambda _, records, __: progress.advance(records),
                )
    except (ArchiveError, ReplayError, SourceError, OSError, ValueError) as error:
        fail(str(error))
    if json is not None:
        json.write_bytes(as_json(result))
    report(result)
    cut_off = result.unanswered.total() + result.ahead.total()
    if not result.is_exact or (complete and cut_off):
        raise typer.Exit(1)


def report(result: Parity) -> None:
    """Print a result: the verdict, what was compared, and the first differences."""
    equal, total = result.equal.total(), result.total
    # Rounded down: 100 is said only of all.
    share = int(1_000_000 * equal / total) / 10_000 if total else 0.0
    console.print(f"parity {share:.4f} % ({equal:,} of {total:,})")
    console.print(f"  {result.market.total():,} market records replayed")
    for topic in sorted({*result.equal, *result.differing}):
        said = f"  {topic}: {result.equal[topic]:,} equal"
        if result.differing[topic]:
            said += f", {result.differing[topic]:,} differ"
        if result.repeated[topic]:
            said += f", {result.repeated[topic]:,} sent again after a restart"
        console.print(said)
    if result.decisions.total():
        console.print(
            f"  {result.decisions.total():,} decisions of the edge taken from the log "
            "(missing answers, ends of cycles, records given up)"
        )
    if result.refused:
        console.print(f"  {result.refused:,} records that both refuse")
    if result.unanswered.total():
        console.print(
            f"  {result.unanswered.total():,} outputs came after the end of the recording "
            "(--complete takes them for lost)"
        )
    if result.ahead.total():
        console.print(
            f"  {result.ahead.total():,} outputs were recorded whose inputs were not any more "
            "(--complete takes them for wrong)"
        )
    _report_settings(result)
    for sentence in result.disputed[:_SHOWN]:
        console.print(f"dead letter {sentence}")
    for number, divergence in enumerate(result.first[:_SHOWN]):
        console.print(("first divergence\n" if number == 0 else "then\n") + _said(divergence))


def _report_settings(result: Parity) -> None:
    from streams.settings_tree import current_version

    if result.settings:
        versions = ", ".join(f"{name} ({n:,})" for name, n in result.settings.most_common())
        console.print(
            f"  recorded with other settings: {versions} outputs; replayed with "
            f"{current_version()}, which `quantiva settings` shows"
        )


def _said(divergence: Divergence) -> str:
    place = f"{divergence.topic}[{divergence.partition}]"
    offset = f" offset {divergence.offset}" if divergence.offset >= 0 else ""
    return (
        f"  {place}{offset}, {divergence.subject}\n"
        f"  {divergence.field}: recorded {divergence.recorded}, replayed {divergence.replayed}"
    )


def as_json(result: Parity) -> bytes:
    """Return a result for programs."""
    import msgspec

    found = {
        "parity_pct": 100.0 * result.equal.total() / result.total if result.total else 0.0,
        "exact": result.is_exact,
        "compared": result.total,
        "market": result.market,
        "equal": result.equal,
        "differing": result.differing,
        "repeated": result.repeated,
        "unanswered": result.unanswered,
        "ahead": result.ahead,
        "decisions": result.decisions,
        "refused": result.refused,
        "disputed": result.disputed,
        "settings": result.settings,
        "first": result.first[:_SHOWN],
    }
    return msgspec.json.format(msgspec.json.encode(found)) + b"\n"
