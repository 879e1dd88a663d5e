"""`quantiva replay SOURCE`: the worker's topology over what was recorded, at full speed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quantiva.commands.output import console, fail, utc_ms
from quantiva.commands.play import speed_of
from quantiva.commands.progress import replay_progress
from quantiva.commands.replay_sources import (
    AssetsOption,
    FieldsOption,
    FromOption,
    JobsOption,
    SourceArgument,
    StrategiesOption,
    ThresholdsOption,
    UntilOption,
    WeightsOption,
    WithoutOption,
    assets_in,
    opened,
)
from quantiva.commands.results import report_results, report_silent, report_unseen

if TYPE_CHECKING:
    from streams.replay.changes import Changes
    from streams.replay.run import Summary
    from streams.replay.sources import Source

_ORDERS = {"recorded": True, "observed": False, "auto": None}


def replay(
    source: SourceArgument,
    start: FromOption = None,
    until: UntilOption = None,
    assets: AssetsOption = "",
    out: Annotated[
        Path | None, typer.Option(help="Write what the stages make here, as an archive.")
    ] = None,
    jobs: JobsOption = None,
    order: Annotated[
        str,
        typer.Option(help="recorded: as the live run had it; observed: by observed_at; or auto."),
    ] = "auto",
    without: WithoutOption = None,
    weights: WeightsOption = None,
    thresholds: ThresholdsOption = None,
    strategy: StrategiesOption = None,
    entry_rule: Annotated[
        str | None, typer.Option(help='What if: this entry rule; "" for none.')
    ] = None,
    exit_rule: Annotated[
        str | None, typer.Option(help='What if: this exit rule; "" for none.')
    ] = None,
    fields: FieldsOption = None,
    publish: Annotated[
        bool, typer.Option("--publish", help="Publish into topics of --prefix instead.")
    ] = False,
    prefix: Annotated[str, typer.Option(help="With --publish: before every topic.")] = "rehearsal.",
    speed: Annotated[str, typer.Option(help="With --publish: times the data's own pace.")] = "max",
) -> None:
    """Replay what was recorded: no broker, no network, no clock; the same inputs, the same bytes.

    State is built from the beginning of an archive; --from says from when on outputs count.
    What-ifs change all strategies that are replayed, and are compared with the same ones unchanged.
    """
    from streams.archive.reader import ArchiveError
    from streams.replay.changes import ChangeError, parse_changes
    from streams.replay.output import OutputError
    from streams.replay.shards import ReplayError
    from streams.replay.sources import SourceError

    if order not in _ORDERS:
        fail(f"--order {order} is none of {', '.join(_ORDERS)}", 2)
    wanted = assets_in(assets)
    try:
        rules = {"entry_rule": entry_rule, "exit_rule": exit_rule}
        items = [f"{name}={text}" for name, text in rules.items() if text is not None]
        changes = parse_changes(
            without, weights, thresholds, strategy or (), [*items, *(fields or ())]
        )
        with opened(source, start, until, wanted, as_recorded=_ORDERS[order]) as found:
            if publish and changes:
                fail("--publish publishes market data: it takes no what-if and no --strategy", 2)
            if publish:
                _publish(found, prefix, speed, start)
            else:
                _replay(found, changes, out, jobs, start)
    except ChangeError as error:
        fail(str(error), 2)
    except (ArchiveError, OutputError, ReplayError, SourceError, OSError, ValueError) as error:
        fail(str(error))


def _replay(
    source: Source, changes: Changes, out: Path | None, jobs: int | None, start: datetime | None
) -> None:
    from streams.replay.run import default_jobs, scratch
    from streams.replay.run import replay as run_replay
    from streams.replay.sources import stored_strategies

    def run(title: str, wanted: Changes, folder: Path | None, *, by_clock: bool) -> Summary:
        with replay_progress(source, title) as on_progress:
            return run_replay(
                source,
                jobs=jobs or default_jobs(),
                changes=wanted,
                out=folder,
                from_ms=utc_ms(start) or 0,
                on_progress=on_progress,
                by_clock=by_clock,
            )

    stored = stored_strategies(source)
    changes.check(stored)
    base = changes.base(stored) if changes else None
    if base is None:
        summary = run("replaying", changes, out, by_clock=False)
        report(summary, changes)
        if out is not None:
            console.print(f"outputs in {out}; `quantiva archive list {out}` shows them")
        return
    with scratch() as name:
        before, after = (out or Path(name)) / "as-it-was", (out or Path(name)) / "what-if"
        summary = run("as it was", base, before, by_clock=True)
        changed = run("what if  ", changes, after, by_clock=True)
        _print(summary.notes)
        _compare(before, after, changes, out)
        report_results({"as it was": summary.results, "what if": changed.results})
        report_unseen(changes.own, changed.results)
        report_silent(summary.market, changes.without)


def _compare(base: Path, changed: Path, changes: Changes, out: Path | None) -> None:
    from quantiva.commands.what_if import ChangeFile, report_diff
    from streams.archive.reader import Archive
    from streams.replay.diff import compare

    with ChangeFile(None if out is None else out / "changes.csv") as changed_signals:
        diff = compare(Archive(str(base)), Archive(str(changed)), changed_signals.add)
    report_diff(diff, changes, changed_signals)


def report(summary: Summary, changes: Changes) -> None:
    """Print what a replay came to."""
    from streams.settings_tree import current_version

    events = summary.market.total()
    console.print(
        f"replayed {events:,} market records in {summary.wall_s:.1f} s "
        f"({summary.events_per_s:,.0f}/s; processes: {summary.jobs}, "
        f"{summary.peak_kib / 1024:.0f} MB each at most)"
    )
    for topic, records in sorted(summary.market.items()):
        console.print(f"  {topic}: {records:,}")
    console.print(f"came out, with the settings {current_version()}")
    for topic, records in sorted(summary.produced.items()):
        console.print(f"  {topic}: {records:,}")
    actions = ", ".join(f"{count:,} {action}" for action, count in sorted(summary.actions.items()))
    console.print(f"  {actions or 'no signals'}")
    report_results({"": summary.results})
    _print(summary.notes)
    report_unseen(changes.own, summary.results)
    report_silent(summary.market, changes.without)
    if summary.refused:
        console.print(f"{summary.refused:,} records could not be used; the first of them:")
        for one in summary.shown[:3]:
            place = f"{one.topic}[{one.partition}] offset {one.offset}"
            console.print(f"  {place} ({one.stage}): {one.reason}", markup=False)


def _print(notes: list[str]) -> None:
    for sentence in notes:
        console.print(sentence, markup=False)


def _publish(source: Source, prefix: str, speed: str, start: datetime | None) -> None:
    import asyncio

    from quantiva.commands.rehearsal import rehearse

    asyncio.run(rehearse(source, prefix, speed_of(speed), utc_ms(start) or 0))
