"""`quantiva lookahead SOURCE`: proof that no score knows what came after it."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quantiva.commands.output import console, fail, utc_ms
from quantiva.commands.progress import RecordsProgress, records_progress
from quantiva.commands.replay_sources import KAFKA, FromOption, UntilOption, local_archive
from quantiva.discovery import load_settings

if TYPE_CHECKING:
    from streams.lookahead.findings import Proof
    from streams.lookahead.proof import OnProgress
    from streams.lookahead.records import Source
    from streams.lookahead.warmup import WarmUp


def lookahead(
    source: Annotated[
        str | None,
        typer.Argument(
            help="An archive, a directory of market data, or `kafka`; none: a seeded market."
        ),
    ] = None,
    start: FromOption = None,
    until: UntilOption = None,
    assets: Annotated[str, typer.Option(help="Only these, with commas: BTC,ETH.")] = "",
    every: Annotated[
        int | None,
        typer.Option(
            min=1, help="Plant records of the future at one record in N, not at 50,000 in all."
        ),
    ] = None,
    engine: Annotated[
        list[str] | None,
        typer.Option(help="MODULE:ATTRIBUTE of an engine to check in place of the topology's."),
    ] = None,
    warm_up: Annotated[bool, typer.Option(help="Measure the engines' warm-up too.")] = True,
    seed: Annotated[int, typer.Option(help="Of the seeded market.")] = 1,
    days: Annotated[int, typer.Option(min=1, help="Of the seeded market.")] = 3,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write everything to this file too.")
    ] = None,
) -> None:
    """Prove that no score and no signal knows what came after it; exit status 1 if one does.

    The engines, fusion and the confidence agent run over everything, and beside it in a sealed
    process that is given one record at a time. What both say must be the same after every record.
    Extreme records from the future, planted on the way, must change nothing. Then: how much history
    each engine needs.
    """
    from marketdata.recorded.source import RecordedDataError
    from streams.archive.reader import ArchiveError
    from streams.lookahead.proof import SourceChangedError
    from streams.lookahead.twin import TwinError

    span = utc_ms(start), utc_ms(until)
    names = tuple(one.strip().upper() for one in assets.split(",") if one.strip())
    try:
        with _opened(source, span, names, seed, days) as records:
            result = _run(records, engine or [], every, warm_up=warm_up)
            for sentence in records.notes():
                console.print(sentence, markup=False)
    except (
        RecordedDataError,
        ArchiveError,
        SourceChangedError,
        TwinError,
        LookupError,
        ImportError,
        ValueError,
        OSError,
    ) as error:
        fail(str(error))
    proof = result[0]
    _show(*result, json_file)
    if not proof.clean:
        raise typer.Exit(1)


@contextlib.contextmanager
def _opened(
    address: str | None,
    span: tuple[int | None, int | None],
    assets: Collection[str],
    seed: int,
    days: int,
) -> Iterator[Source]:
    """Yield the source; Kafka and archives that are far away are copied first: it is read often."""
    from streams.archive.layout import MANIFEST
    from streams.lookahead import sources

    if address is None:
        yield sources.seeded(seed, days, assets)
    elif address == KAFKA or "://" in address or (Path(address) / MANIFEST).exists():
        with local_archive(address) as archive:
            yield sources.archive(archive, *span, assets)
    elif Path(address).is_dir():
        yield sources.directory(Path(address), *span, assets, load_settings().partitions)
    else:
        fail(f"{address} is neither an archive nor a directory of market data")


def _run(
    records: Source, chosen: Sequence[str], every: int | None, *, warm_up: bool
) -> tuple[Proof, list[WarmUp], dict[str, str]]:
    """Return the proof, the table, and what the engines declare by name."""
    from producers.strategies import PREBUILT
    from streams.engines.scoring_stage import ScoringStage
    from streams.lookahead.declared_memory import memory_of
    from streams.lookahead.proof import prove
    from streams.lookahead.steps import load_stage
    from streams.lookahead.warmup import measure
    from streams.topology import stage_names

    if chosen:
        sys.path.insert(0, str(Path.cwd()))  # `--engine` may name a module of the user's own
    names = chosen or stage_names()
    stages = [load_stage(name) for name in names]
    engines = [one.engine for one in stages if isinstance(one, ScoringStage)]
    with _progress() as tell:
        proof = prove(records, names, PREBUILT, every=every, on_progress=tell)
        lines = measure(records, engines, tell) if warm_up else []
    return proof, lines, {one.name: memory_of(one) for one in engines}


@contextlib.contextmanager
def _progress() -> Iterator[OnProgress]:
    """Show one bar a part, one after the other."""
    with contextlib.ExitStack() as exits:
        bars: dict[str, RecordsProgress] = {}

        def tell(part: str, done: int, total: int | None) -> None:
            if part not in bars:
                exits.close()
                bars[part] = exits.enter_context(records_progress(part, total))
            bars[part].at(done, total)

        yield tell


def _show(
    proof: Proof, lines: list[WarmUp], declared: dict[str, str], json_file: Path | None
) -> None:
    from streams.lookahead import render

    if lines:
        console.print(render.warm_up_table(lines))
        for name, sentence in declared.items():
            console.print(f"{name} {sentence}", markup=False)
        console.print()
    for leak in proof.leaks:
        for line in render.leak_lines(leak, proof.records):
            console.print(line, markup=False)
    for early in proof.early:
        console.print(f"warning: {render.early_line(early)}", markup=False)
    if json_file is not None:
        text = json.dumps(render.as_json(proof, lines, declared), indent=2)
        json_file.write_text(f"{text}\n", "utf-8")
        console.print(f"written to {json_file}", markup=False)
    console.print(
        f"{proof.records:,} records, {proof.planted:,} with records planted from the future"
    )
    console.print(render.verdict(proof), markup=False)
