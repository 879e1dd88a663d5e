"""`quantiva sweep SOURCE`: many values of a strategy's numbers, and how much is luck."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from quantiva.commands.output import console, fail, utc_ms
from quantiva.commands.progress import RecordsProgress, records_progress
from quantiva.commands.replay_sources import (
    AssetsOption,
    FromOption,
    JobsOption,
    SourceArgument,
    UntilOption,
    assets_in,
    opened,
)

if TYPE_CHECKING:
    from quantiva.sweep.run import SweepRun, Telling
    from quantiva.sweep.scores import About
    from streams.backtest.sweep_report import SweepReport


def sweep(
    source: SourceArgument,
    strategy: Annotated[Path, typer.Option(help="A YAML file with one strategy.")],
    grid: Annotated[
        list[str],
        typer.Option(help="NAME=FROM:TO:STEP or NAME=A,B,C: a field, weights.ENGINE or a param."),
    ],
    out: Annotated[Path, typer.Option(help="Folder of scores, trials and the report.")],
    start: FromOption = None,
    until: UntilOption = None,
    assets: AssetsOption = "",
    without: Annotated[
        str | None, typer.Option(help="Leave out engines or topics: news,liquidity.")
    ] = None,
    at_random: Annotated[
        int | None, typer.Option("--random", min=1, help="So many of the grid, drawn by --seed.")
    ] = None,
    guided: Annotated[
        int | None, typer.Option(min=1, help="So many, each where the earlier ones point (TPE).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of --random and --guided.")] = 1,
    walk_forward: Annotated[
        int, typer.Option(min=0, help="Windows: chosen on one span, judged on the next.")
    ] = 0,
    train_days: Annotated[int | None, typer.Option(min=1, help="Of a window.")] = None,
    test_days: Annotated[int | None, typer.Option(min=1, help="Of a window.")] = None,
    metric: Annotated[str, typer.Option(help="What the best has most of.")] = "sharpe",
    jobs: JobsOption = None,
    ray: Annotated[bool, typer.Option("--ray", help="Make the trials as tasks of Ray.")] = False,
) -> None:
    """Try a strategy with many values of its numbers; see how much of the best one is luck.

    The engines run once, their scores are kept in --out, and each trial is fusion, confidence and
    portfolio over them: the same trades as a backtest of that strategy. A sweep that was stopped
    goes on where it was when it is started again with the same --out.
    """
    from quantiva.sweep.run import Search, SweepRun, Windows
    from quantiva.sweep.scores import asked_for
    from quantiva.sweep.trials import SweepFolderError
    from schemas.strategy_files import StrategyFileError
    from streams.archive.reader import ArchiveError
    from streams.backtest.sweep import StrategyFile, SweepError, parse_axes
    from streams.backtest.trials import METRICS
    from streams.backtest.walk_forward import WindowError
    from streams.replay.changes import ChangeError, parse_changes
    from streams.replay.output import OutputError
    from streams.replay.run import default_jobs
    from streams.replay.shards import ReplayError
    from streams.replay.sources import SourceError

    if metric not in METRICS:
        fail(f"--metric {metric} is none of {', '.join(METRICS)}", 2)
    if at_random is not None and guided is not None:
        fail("--random and --guided are two ways to choose; say one of them", 2)
    if not walk_forward and (train_days is not None or test_days is not None):
        fail("--train-days and --test-days are of --walk-forward; say how many windows", 2)
    wanted = assets_in(assets)
    try:
        with _telling() as telling:
            run = SweepRun(
                StrategyFile(_text(strategy), str(strategy)),
                parse_axes(grid),
                Search(at_random, guided, seed, metric),
                telling,
            )
            engines = parse_changes(without=without).without
            asked = asked_for(source, utc_ms(start), utc_ms(until), wanted, engines)
            plan = Windows(walk_forward, train_days, test_days)
            with opened(source, start, until, wanted, as_recorded=False) as found:
                made = run.run(found, asked, out, jobs or default_jobs(), plan, with_ray=ray)
    except (ChangeError, SweepError, StrategyFileError, WindowError) as error:
        fail(str(error), 2)
    except (
        *(ArchiveError, OutputError, ReplayError, SourceError, SweepFolderError),
        *(OSError, ValueError),
    ) as error:
        fail(str(error))
    print_sweep(run, made, out)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        fail(f"--strategy {path}: {error.strerror}", 2)
    except UnicodeDecodeError as error:
        fail(f"--strategy {path}: it is not UTF-8 at byte {error.start}", 2)


@contextlib.contextmanager
def _telling() -> Iterator[Telling]:
    """Yield what shows how far a sweep is: a bar for the scores, then one for the trials."""
    from quantiva.sweep.run import Telling

    with contextlib.ExitStack() as bars:
        scoring: list[RecordsProgress] = []
        trying: list[RecordsProgress] = []

        def progress(_shard: int, records: int, _clock_ms: int) -> None:
            if not scoring:
                scoring.append(bars.enter_context(records_progress("scores")))
            scoring[0].advance(records)

        def scores(about: About, is_new: bool) -> None:
            bars.close()
            how = "made" if is_new else "already there"
            console.print(f"scores: {about.scores:,} of {about.records:,} records, {how}")
            for sentence in about.notes if is_new else ():
                console.print(f"  {sentence}", markup=False)

        def trials(made: int, before: int, asked: int) -> None:
            if not trying:
                trying.append(bars.enter_context(records_progress("trials", unit="trials")))
            trying[0].at(made + before, asked)

        yield Telling(progress, scores, trials)


def print_sweep(run: SweepRun, made: SweepReport, out: Path) -> None:
    """Print what a sweep came to."""
    from quantiva.sweep.run import REPORT
    from streams.backtest.sweep import said
    from streams.backtest.walk_forward import days_said

    console.print(
        f"{made.trials:,} trials: {run.made:,} made now, {run.before:,} were there; "
        f"{made.counted:,} on these scores in all"
    )
    for why in list(run.refused.values())[:3]:
        console.print(f"  no strategy: {why}", markup=False)
    if made.refused > 3:
        console.print(f"  and {made.refused - 3:,} more that make no strategy")
    span = days_said(made.from_ms, made.until_ms)
    table = Table(box=None, pad_edge=False, title=f"best by {made.metric}, in sample: {span}")
    table.add_column("values")
    for title in (made.metric, "Sharpe", "return", "trades"):
        table.add_column(title, justify="right")
    for one in made.best:
        numbers = (_number(one.metric), _number(one.sharpe), _percent(one.total_return))
        table.add_row(said(one.choice), *numbers, f"{one.trades:,}")
    console.print(table)
    _print_windows(made)
    console.print(
        f"Sharpe above 0 with probability {_number(made.probabilistic)}; above the best of "
        f"{made.counted:,} trials without skill (deflated): {_number(made.deflated)}"
    )
    console.print(f"probability of backtest overfitting: {_number(made.overfit)}")
    for sentence in made.warnings:
        console.print(f"doubt: {sentence}", markup=False)
    console.print(f"the report is {out / REPORT}", markup=False)


def _print_windows(made: SweepReport) -> None:
    from streams.backtest.sweep import said
    from streams.backtest.walk_forward import days_said

    if not made.windows:
        return
    table = Table(box=None, pad_edge=False, title="walk-forward: chosen on the days before")
    table.add_column("test days")
    table.add_column("chosen")
    for title in ("in sample", "out", "median out", "rank out", "correlation"):
        table.add_column(title, justify="right")
    for one in made.windows:
        days = days_said(one.window.test_from_ms, one.window.test_until_ms)
        rank = "-" if one.rank_out is None else f"{one.rank_out:g} of {one.judged}"
        numbers = map(_number, (one.in_sample, one.out_of_sample, one.median_out))
        table.add_row(days, said(one.chosen), *numbers, rank, _number(one.correlation))
    console.print(table)
    chained = made.chained
    if chained is not None:
        console.print(
            f"the chosen ones, {chained.days} days out of sample: {made.metric} "
            f"{_number(chained.metric)}, return {_percent(chained.total_return)}; "
            f"in sample, by the mean of the windows: {_number(chained.in_sample)}"
        )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _percent(share: float) -> str:
    return f"{100.0 * share:+.2f} %"
