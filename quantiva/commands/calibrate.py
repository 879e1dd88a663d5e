"""`quantiva strategies calibrate`: weights and thresholds learned from what came after scores."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.table import Table

from quantiva.commands.output import console, fail
from quantiva.commands.replay_sources import (
    FromOption,
    JobsOption,
    SourceArgument,
    UntilOption,
    opened,
)

if TYPE_CHECKING:
    from schemas.control import Strategy
    from streams.backtest.calibration import Calibration, OutOfSample
    from streams.backtest.samples import Sample
    from streams.replay.sources import Source

_TICK_MS = 3_600_000
"""Of a directory of market data: no sample is nearer to the next."""
REPORT = "calibration.json"


def calibrate(
    source: SourceArgument,
    what: Annotated[
        str, typer.Argument(metavar="ID|FILE", help="A stored or shipped strategy, or a file.")
    ],
    out: Annotated[Path, typer.Option(help="Write the versions and the report here.")],
    start: FromOption = None,
    until: UntilOption = None,
    train_days: Annotated[int, typer.Option(min=1, help="Days that a version learns from.")] = 60,
    step_days: Annotated[int, typer.Option(min=1, help="Days until the next version.")] = 14,
    horizon: Annotated[str, typer.Option(help="After what time: 1h, 4h, 1d or 7d.")] = "1d",
    shrinkage: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="0: the outcomes alone; 1: the fixed weights.")
    ] = 0.5,
    jobs: JobsOption = None,
    publish: Annotated[
        bool, typer.Option("--publish", help="Save the newest version as the strategy's next.")
    ] = False,
) -> None:
    """Learn the weights and thresholds of a strategy by walk-forward, and compare out of sample.

    A version learns from outcomes known at its moment only. It may well do worse than the fixed
    weights: the comparison says so, before anything is published.
    """
    from schemas.outcomes import HORIZON_MS
    from streams.archive.reader import ArchiveError
    from streams.backtest.calibration import CalibrationError
    from streams.backtest.calibration import calibrate as learn
    from streams.replay.output import OutputError
    from streams.replay.shards import ReplayError
    from streams.replay.sources import SourceError

    if horizon not in HORIZON_MS:
        fail(f"--horizon {horizon} is none of {', '.join(HORIZON_MS)}", 2)
    if (out / REPORT).exists():
        fail(f"{out} holds a calibration already: name another folder with --out", 2)
    try:
        with opened(source, start, until, (), as_recorded=False) as found:
            strategy = _strategy(found, what)
            known = _samples(_hourly(found), horizon, jobs)
        made = learn(
            known,
            strategy,
            horizon=horizon,
            train_days=train_days,
            step_days=step_days,
            shrinkage=shrinkage,
        )
        newest = _write(out, strategy, made)
    except (
        *(
            CalibrationError,
            ArchiveError,
            OutputError,
            ReplayError,
            SourceError,
            OSError,
            ValueError,
        ),
    ) as error:
        fail(str(error))
    _report(made)
    console.print(f"{len(made.versions)} versions and {REPORT} in {out}", markup=False)
    if publish:
        from quantiva.commands.strategies import apply

        apply(newest)


def _hourly(source: Source) -> Source:
    """Return a directory with a tick an hour: more would make no sample; an archive as it is."""
    from streams.replay.sources import DirectorySource

    is_directory = isinstance(source, DirectorySource)
    return msgspec.structs.replace(source, cycle_ms=_TICK_MS) if is_directory else source


def _strategy(source: Source, what: str) -> Strategy:
    from schemas.strategy_files import did_you_mean, read_strategies
    from streams.replay.sources import stored_strategies

    if Path(what).exists():
        try:
            found = read_strategies(Path(what))
        except (OSError, ValueError) as error:
            fail(str(error), 2)
        if len(found) != 1:
            fail(f"{what} has {len(found)} strategies: one is calibrated at a time", 2)
        return found[0]
    stored = {one.strategy_id: one for one in stored_strategies(source)}
    if what not in stored:
        fail(f"{what} is no file, and no strategy of the source{did_you_mean(what, stored)}", 2)
    return stored[what]


def _samples(source: Source, horizon: str, jobs: int | None) -> list[Sample]:
    from streams.archive.reader import Archive
    from streams.backtest.samples import samples
    from streams.replay.run import default_jobs, scratch
    from streams.replay.score_tape import record_scores, tape

    with scratch() as name:
        folder = Path(name) / "scores"
        record_scores(source, (), folder, jobs=jobs or default_jobs())
        return samples((one.event for one in tape(Archive(str(folder)))), horizon)


def _write(out: Path, strategy: Strategy, made: Calibration) -> Path:
    """Write a file for each version and the report; return the newest version's file."""
    from schemas.strategy_files import to_yaml
    from streams.backtest.calibration import version_of

    out.mkdir(parents=True, exist_ok=True)
    path = out
    for one in made.versions:
        since = datetime.fromtimestamp(one.valid_from_ms / 1000, UTC)
        path = out / f"{strategy.strategy_id}-{since:%Y%m%dT%H%MZ}.yaml"
        head = (
            f"# Valid from {since:%Y-%m-%d %H:%M} UTC: learned from {one.outcomes} outcomes after "
            f"{made.horizon},\n# known by then, with the shrinkage {made.shrinkage:g}.\n"
        )
        path.write_text(head + to_yaml(version_of(strategy, one)), "utf-8")
    encoded = msgspec.json.encode({"strategy_id": strategy.strategy_id, "calibration": made})
    (out / REPORT).write_bytes(msgspec.json.format(encoded, indent=2) + b"\n")
    return path


def _report(made: Calibration) -> None:
    table = Table(box=None, pad_edge=False)
    first = made.versions[0]
    for column in ("valid from", "outcomes", *first.weights, "buy", "sell"):
        table.add_column(column, justify="left" if column == "valid from" else "right")
    for one in made.versions:
        since = datetime.fromtimestamp(one.valid_from_ms / 1000, UTC)
        numbers = (*one.weights.values(), one.buy_threshold, one.sell_threshold)
        table.add_row(
            f"{since:%Y-%m-%d}", f"{one.outcomes:,}", *(f"{number:.3f}" for number in numbers)
        )
    console.print(table)
    console.print(f"out of sample, after {made.horizon}:")
    for name, worth in (("calibrated", made.calibrated), ("fixed", made.fixed)):
        console.print(f"  {name:<11}{_line(worth)}", markup=False, soft_wrap=True)
    console.print(made.verdict, markup=False, soft_wrap=True)


def _line(one: OutOfSample) -> str:
    found = one.statistics
    if found is None:
        return "no scores"
    ic = "-" if found.ic is None else f"{found.ic:+.3f} +- {found.ic_error or 0.0:.3f}"
    hits = "-" if found.hit_rate_pct is None else f"{found.hit_rate_pct:.1f} %"
    after = "-" if one.return_after_buy_pct is None else f"{one.return_after_buy_pct:+.3f} %"
    return (
        f"information coefficient {ic}, hit rate {hits}, "
        f"{one.buys:,} scores would buy: {after} on average"
    )
