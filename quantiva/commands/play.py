"""`quantiva play DIR` and `quantiva simulate`: a market into the topics, without the rest."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quantiva.commands.output import console, fail, utc_ms
from quantiva.discovery import load_settings

if TYPE_CHECKING:
    from transport.publisher import Publisher


def speed_of(text: str) -> float | None:
    """Return the multiple of the data's own pace, None for max; ends the command otherwise."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not speed > 0.0:
        fail(f"--speed {text} is neither max nor a number above 0", 2)
    return speed


@contextlib.asynccontextmanager
async def connected() -> AsyncIterator[Publisher]:
    """Yield a publisher on the broker of the settings."""
    from transport.publisher import Publisher
    from transport.registered_codec import codec_of

    settings = load_settings()
    settings.require_bootstrap()
    codec, _ = await codec_of(settings)
    async with Publisher(settings, codec) as publisher:
        yield publisher


def play(
    directory: Annotated[Path, typer.Argument(help="A directory of recorded market data.")],
    start: Annotated[
        datetime, typer.Option("--from", help="First day to play, UTC.", formats=["%Y-%m-%d"])
    ],
    until: Annotated[
        datetime, typer.Option("--until", help="Day to stop at.", formats=["%Y-%m-%d"])
    ],
    speed: Annotated[str, typer.Option(help="Multiple of the data's own pace, or max.")] = "max",
) -> None:
    """Publish recorded candles, headlines and books in the order they were observed.

    Old records need topics that keep them: create these with QUANTIVA_RETENTION_MS=-1.
    """
    from marketdata.recorded.source import RecordedDataError
    from transport.publisher import PublishError

    try:
        asyncio.run(_play(directory, utc_ms(start), utc_ms(until), speed_of(speed)))
    except (PublishError, RecordedDataError, ValueError) as error:
        fail(str(error))


async def _play(directory: Path, start_ms: int, until_ms: int, speed: float | None) -> None:
    from marketdata.recorded.source import Counts, ReadReport, read_directory
    from marketdata.recorded.source import play as play_events

    report = ReadReport()
    events = read_directory(directory, start_ms, until_ms, report=report)

    def on_progress(counts: Counts) -> None:
        when = datetime.fromtimestamp(counts.last_observed_ms / 1000, UTC)
        console.print(f"{when:%Y-%m-%d %H:%M}  {counts.events:>12,} events", end="\r")

    async with connected() as publisher:
        counts = await play_events(
            events, publisher, speed, None, on_progress, paced_from_ms=start_ms
        )
    console.print(f"played {counts.events:,} events of {len(report.files)} files")
    for sentence in report.sentences():
        console.print(sentence, markup=False)


def simulate(
    cycles: Annotated[int | None, typer.Option(help="End after so many cycles.", min=1)] = None,
    cycle_seconds: Annotated[
        float, typer.Option(help="Wall seconds of a 10-minute cycle; 600 is real time.", min=0)
    ] = 600.0,
    seed: Annotated[int, typer.Option(help="Seed of the market.")] = 1,
) -> None:
    """Publish a simulated market of 50 assets until Ctrl-C."""
    from transport.publisher import PublishError

    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(_simulate(cycles, cycle_seconds, seed))
        except (PublishError, ValueError) as error:
            fail(str(error))


async def _simulate(cycles: int | None, cycle_s: float, seed: int) -> None:
    from marketdata.simulated.source import Progress
    from marketdata.simulated.source import simulate as simulate_events

    def on_progress(progress: Progress) -> None:
        when = datetime.fromtimestamp(progress.cycle_ms / 1000, UTC)
        console.print(
            f"cycle {progress.cycles} ({when:%Y-%m-%d %H:%M} UTC)  {progress.events:,} events"
        )

    async with connected() as publisher:
        await simulate_events(publisher, seed, cycles, cycle_s, on_progress)
