"""`quantiva backtest SOURCE`: a replay whose portfolios become a report."""

from __future__ import annotations

import os
import shlex
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from quantiva.commands.output import console, fail, utc_ms
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

if TYPE_CHECKING:
    from quantiva.backtest.collecting import Backtest
    from streams.backtest.run_data import RunInfo
    from streams.replay.changes import Changes
    from streams.replay.run import Summary
    from streams.replay.sources import Source

_NOT_IN_THE_COMMAND = frozenset({"html", "json_file", "jobs", "ctx"})
_FILLS = {"fee_bps": "QUANTIVA__FILLS__FEE_BPS", "slippage_bps": "QUANTIVA__FILLS__BOOKLESS_BPS"}


def backtest(
    ctx: typer.Context,
    source: SourceArgument,
    start: FromOption = None,
    until: UntilOption = None,
    strategy: StrategiesOption = None,
    assets: AssetsOption = "",
    capital: Annotated[
        float | None, typer.Option(help="USD that every strategy begins with.", min=1)
    ] = None,
    fee_bps: Annotated[
        float | None, typer.Option(help="Fee of a fill, in basis points of its value.", min=0)
    ] = None,
    slippage_bps: Annotated[
        float | None,
        typer.Option(help="Half the spread and slippage where there is no order book.", min=0),
    ] = None,
    without: WithoutOption = None,
    weights: WeightsOption = None,
    thresholds: ThresholdsOption = None,
    fields: FieldsOption = None,
    jobs: JobsOption = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the report here, as a page that needs no other host.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report here.")] = None,
) -> None:
    """Report what strategies would have earned, with the engines, rules and portfolios as live.

    It needs only what is there: candles alone give a run by rules and charts, and the report says
    which engines were absent. With a what-if, the same run without it stands beside.
    """
    from marketdata.recorded.files import RecordedDataError
    from streams.archive.reader import ArchiveError
    from streams.replay.changes import ChangeError, parse_changes
    from streams.replay.shards import ReplayError
    from streams.replay.sources import SourceError

    for name, value in {"fee_bps": fee_bps, "slippage_bps": slippage_bps}.items():
        if value is not None:
            os.environ[_FILLS[name]] = repr(value)  # settings of this process and of its shards
    wanted = assets_in(assets)
    _check_files(html, json_file)
    try:
        own = parse_changes(None, None, None, strategy or (), _capital(capital))
        changes = parse_changes(
            *(without, weights, thresholds, strategy or ()), [*_capital(capital), *(fields or ())]
        )
        with opened(source, start, until, wanted) as found:
            runs = {"backtest": own} if own == changes else {"as it is": own, "what if": changes}
            made = {
                name: _run(found, one, name, _info(ctx, start, until), jobs, by_clock=len(runs) > 1)
                for name, one in runs.items()
            }
    except ChangeError as error:
        fail(str(error), 2)
    except (ArchiveError, RecordedDataError, ReplayError, SourceError, OSError) as error:
        fail(str(error))
    try:
        _report(made, html, json_file)
    except OSError as error:
        fail(str(error))


def _check_files(html: Path | None, json_file: Path | None) -> None:
    """End at once where what is asked for could not be written after a long run."""
    from importlib.util import find_spec

    if html is not None and find_spec("plotly") is None:
        fail("--html needs plotly: pip install 'quantiva-streams[backtest]'")
    for option, path in (("--html", html), ("--json", json_file)):
        if path is not None and path.is_dir():
            fail(f"{option} {path} is a folder: name a file", 2)
        if path is not None and not path.parent.is_dir():
            fail(f"{option} {path}: there is no folder {path.parent}", 2)


def _capital(capital: float | None) -> list[str]:
    return [] if capital is None else [f"portfolio_value_usd={capital!r}"]


def _info(ctx: typer.Context, start: datetime | None, until: datetime | None) -> RunInfo:
    from streams.backtest.run_data import RunInfo
    from streams.settings_tree import current, current_version

    fills = current()["fills"]
    return RunInfo(
        command=_command(ctx),
        source=str(ctx.params["source"]),
        code_version=_code_version(),
        settings=current_version(),
        from_ms=utc_ms(start) or 0,
        until_ms=utc_ms(until) or 0,
        fee_bps=fills.fee_bps,
        slippage_bps=fills.bookless_bps,
    )


def _command(ctx: typer.Context) -> str:
    """Return the command again, without what changes no number."""
    words = ["quantiva", "backtest"]
    for one in ctx.command.params:
        given = ctx.params.get(one.name or "")
        if one.name in _NOT_IN_THE_COMMAND or given is None or given in ("", (), []):
            continue
        if one.param_type_name == "argument":
            words.append(str(given))
            continue
        for value in given if isinstance(given, list | tuple) else (given,):
            said = f"{value:%Y-%m-%dT%H:%M:%S}" if isinstance(value, datetime) else str(value)
            words += [one.opts[0], said.removesuffix("T00:00:00")]
    return shlex.join(words)


def _code_version() -> str:
    from importlib.metadata import version

    return version("quantiva-streams")


def _run(
    source: Source,
    changes: Changes,
    title: str,
    info: RunInfo,
    jobs: int | None,
    *,
    by_clock: bool,
) -> Backtest:
    """Replay once, and return the report of it.

    `by_clock`: it is compared with a changed run, which cannot follow recorded decisions either.
    """
    from quantiva.backtest.collecting import Backtest, RunCollector, run_data
    from streams.backtest.report import make_report
    from streams.replay.run import default_jobs, replay
    from streams.replay.sources import stored_strategies

    stored = stored_strategies(source)
    changes.check(stored)
    collector = RunCollector()
    with replay_progress(source, title) as on_progress:
        summary = replay(
            source,
            jobs=jobs or default_jobs(),
            changes=changes,
            from_ms=info.from_ms,
            on_progress=on_progress,
            on_output=collector.take,
            is_brief=True,
            by_clock=by_clock,
        )
    own = {one.strategy_id for one in changes.own}
    ran = [one for one in stored if changes.wants(one.strategy_id) and one.strategy_id not in own]
    strategies = [changes.strategy(one) for one in (*ran, *changes.own)]
    facts: dict[str, Any] = {
        "engines_absent": _absent(summary, changes),
        "notes": tuple(summary.notes),
    }
    console.print(
        f"{title}: {summary.market.total():,} market records, {summary.wall_s:.1f} s, "
        f"{summary.jobs} {'process' if summary.jobs == 1 else 'processes'}"
    )
    if not collector.assets:
        fail(" ".join(["there was nothing to decide about:", *summary.notes]))
    run = run_data(collector, strategies, msgspec.structs.replace(info, **facts), source)
    return Backtest(make_report(run), run.prices)


def _absent(summary: Summary, changes: Changes) -> tuple[str, ...]:
    """Return the engines that had nothing to go by, or were left out."""
    from schemas.topics import evidence_topic
    from streams.topology import scoring_engines

    return tuple(
        one.name
        for one in scoring_engines()
        if one.name in changes.without or not summary.market.get(evidence_topic(one.topic))
    )


def _report(runs: dict[str, Backtest], html: Path | None, json_file: Path | None) -> None:
    from quantiva.backtest.terminal import show

    reports = {name: one.report for name, one in runs.items()}
    show(reports)
    whole = reports if len(reports) > 1 else next(iter(reports.values()))
    if json_file is not None:
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n")
        console.print(f"report written to {json_file}", markup=False)
    if html is not None:
        from quantiva.backtest.page import render

        html.write_text(render(runs), "utf-8")
        console.print(f"page written to {html}: open it in a browser", markup=False)
