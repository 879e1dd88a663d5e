"""`quantiva status`: lag, rate, freshness and state of everything on one screen."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from quantiva.commands.output import console, fail
from quantiva.discovery import load_settings
from quantiva.status.collect import collect
from quantiva.status.lag import StageState
from quantiva.status.report import Report, problems
from quantiva.status.sources import SILENT_MS, requests, universe
from quantiva.status.stages import LATE_MS
from schemas.sources import SourceStatus
from schemas.text import age, cut, moment, rate
from transport.admin import BrokerError
from transport.settings import Settings

_MAX_DEGRADED = 6
_MAX_PROBLEMS = 10
_MAX_LINES = 12
_COLOURS = {StageState.OK: "green", StageState.BEHIND: "yellow"}
_QUIET = ("ok", "off")
_SOURCE_COLOURS = {"ok": "green", "degraded": "yellow", "off": "dim"}


def status(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    watch: Annotated[bool, typer.Option(help="Show it again and again until Ctrl-C.")] = False,
    sample: Annotated[
        float, typer.Option(help="Seconds over which rates are measured.", min=0.1)
    ] = 1.0,
) -> None:
    """Show how every stage and topic does; exit status 1 when something is not ok.

    Ages are by the wall clock, from when the market event behind a record was published. "applied"
    is the newest record that a stage has read, "said" the newest on the topics that it writes.
    """
    settings = load_settings()
    try:
        if watch:
            asyncio.run(_watch(settings, sample, as_json))
            return
        report = asyncio.run(collect(settings, sample))
    except BrokerError as error:
        fail(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    if as_json:
        typer.echo(to_json(report))
    else:
        console.print(screen(report))
    if problems(report):
        raise typer.Exit(1)


async def _watch(settings: Settings, sample_s: float, as_json: bool) -> None:
    if as_json:
        while True:
            typer.echo(to_json(await collect(settings, sample_s)))
    with Live(console=console, auto_refresh=False, screen=console.is_terminal) as live:
        while True:
            try:
                shown: Any = screen(await collect(settings, sample_s))
            except BrokerError as error:  # it may come back
                shown = Text(str(error), style="red")
            live.update(shown, refresh=True)
            await asyncio.sleep(sample_s)


def to_json(report: Report) -> str:
    """Return the report as one JSON object, with `ok` and the problems as sentences."""
    found = problems(report)
    return msgspec.json.encode(
        {"ok": not found, "problems": found, **msgspec.to_builtins(report)}
    ).decode()


def screen(report: Report) -> Group:
    """Return the report for people: problems first, then everything."""
    shown: list[Any] = [_head(report)]
    if any(part.address for part in report.parts):
        shown.append(_parts(report))
    if report.stages:
        shown += [Text(), _stages(report)]
        if any(one.members is None for one in report.stages):
            shown.append(Text("? the embedded broker cannot say who is alive", style="dim"))
        shown += [Text(), _topics(report)]
    if report.sources:
        shown += [Text(), _sources(report)]
        if lines := universe(report.sources):
            shown += [Text(), _lines("why an asset is in the universe", lines)]
    if report.confidence:
        told = ", ".join(f"{name} {value:.2f}" for name, value in report.confidence.items())
        shown += [Text(), _lines("confidence, the mean over the assets", [told])]
    if report.degraded:
        shown += [Text(), _degraded(report)]
    return Group(*shown)


def _head(report: Report) -> Text:
    found = problems(report)
    at = moment(report.at_ms, "%Y-%m-%d %H:%M:%S UTC")
    if not found:
        return Text(f"All is well at {at}.\n", style="green")
    lines = [cut(text, 2 * console.width) for text in found[:_MAX_PROBLEMS]]
    if len(found) > _MAX_PROBLEMS:
        lines.append(f"... and {len(found) - _MAX_PROBLEMS} more (`quantiva status --json`)")
    return Text("\n".join(lines) + "\n", style="red")


def _parts(report: Report) -> Table:
    table = _table("part", "", "address", "")
    for part in report.parts:
        mark = Text("ok" if part.ok else "DOWN", style="green" if part.ok else "red")
        table.add_row(part.name, mark, Text(part.address or "-"), Text(cut(part.detail, 48)))
    return table


def _stages(report: Report) -> Table:
    table = _table("stage", "state", "lag>", "rate>", "members>", "applied>", "said>")
    for one in report.stages:
        table.add_row(
            one.stage,
            Text(one.state.value, style=_COLOURS.get(one.state, "red")),
            f"{one.lag:,}",
            rate(one.rate_per_s),
            "?" if one.members is None else str(one.members),
            age(one.applied_age_ms),
            age(one.output_age_ms),
        )
    return table


def _topics(report: Report) -> Table:
    table = _table("market topic", "records>", "rate>", "newest>", "")
    for one in report.topics:
        late = one.age_ms is not None and one.age_ms > LATE_MS[one.topic]
        word = "missing" if one.missing else "empty" if not one.records else "late" if late else ""
        table.add_row(
            one.topic,
            f"{one.records:,}",
            rate(one.rate_per_s),
            age(one.age_ms),
            Text(word, style="red"),
        )
    letters = sum(report.dead_letters.values())
    table.add_row("dead letters", f"{letters:,}", "", "", "in the last hour")
    return table


def _sources(report: Report) -> Table:
    table = _table("upstream", "state", "age>", "asked today>", "refresh>", "")
    for one in report.sources:
        status = one.status
        state = "silent" if one.told_age_ms > SILENT_MS else status.state
        table.add_row(
            status.source,
            Text(state, style=_SOURCE_COLOURS.get(state, "red")),
            age(one.age_ms),
            requests(status),
            age(None if status.refresh_s is None else status.refresh_s * 1000),
            Text(
                cut(_source_detail(status), max(console.width - 60, 40)),
                style="dim" if state in _QUIET else "yellow",
            ),
        )
    return table


def _source_detail(status: SourceStatus) -> str:
    """Return what there is to know, or else what the source feeds."""
    return status.detail or ", ".join(status.feeds)


def _lines(title: str, lines: list[str]) -> Text:
    """Return lines under a title; long ones are cut."""
    shown = Text(title, style="dim")
    for line in lines[:_MAX_LINES]:
        shown.append(f"\n{cut(line, 2 * console.width)}", style="default")
    if len(lines) > _MAX_LINES:
        shown.append(f"\nand {len(lines) - _MAX_LINES} more (`quantiva status --json`)")
    return shown


def _degraded(report: Report) -> Table:
    table = _table("degraded", "assets", "")
    for one in report.degraded[:_MAX_DEGRADED]:
        part = cut(f"{one.engine}.{one.part}", 28)
        text = cut(one.text, console.width - 44)
        table.add_row(part, f"{one.assets} of {one.of}", Text(text, style="yellow"))
    if len(report.degraded) > _MAX_DEGRADED:
        more = len(report.degraded) - _MAX_DEGRADED
        table.add_row(f"and {more} more", "", Text("quantiva status --json", style="dim"))
    return table


def _table(*columns: str) -> Table:
    """Return a table without lines; a column whose name ends in > stands to the right."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in columns:
        table.add_column(
            name.rstrip(">"), justify="right" if name.endswith(">") else "left", no_wrap=True
        )
    return table
