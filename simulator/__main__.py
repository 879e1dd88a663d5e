"""`python -m simulator`: serves every upstream on 127.0.0.1 until it is stopped."""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from marketdata.recorded.files import RecordedDataError
from marketdata.simulated.assets import ASSETS
from producers.http_client.upstream import Limits
from simulator.recorded_world import RecordedWorld
from simulator.server import Simulator
from simulator.world import SeededWorld, World
from transport import logs
from transport.clock import ScaledClock, wall_ms


def main(
    seed: Annotated[int, typer.Option(help="Seed of the market.")] = 7,
    assets: Annotated[
        int, typer.Option(help="Assets of the market.", min=2, max=len(ASSETS))
    ] = len(ASSETS),
    start: Annotated[
        str, typer.Option(help="Where its clock begins: an ISO time, ms, or now.")
    ] = "now",
    speed: Annotated[float, typer.Option(min=0.01, help="How fast its clock runs.")] = 1.0,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8099,
    data: Annotated[
        Path | None, typer.Option(help="A recorded directory, in place of the seeded market.")
    ] = None,
    wall_start_ms: Annotated[
        int | None,
        typer.Option(help="Wall time (ms) at which its clock stood at --start; unset: when READY."),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(help="Requests a minute and a day: lunarcrush=10/2000. Can be repeated."),
    ] = None,
) -> None:
    """Serve the stand-ins of every upstream.

    The first line printed is READY and the address. With --start and --wall-start-ms of an earlier
    run (the second line) it is the same market again, at the time that it would have come to.
    """
    logs.set_up()
    try:
        start_ms, limits = _start_ms(start), dict(map(_limit, limit or []))
        if start == "now" and wall_start_ms is None:
            wall_start_ms = start_ms  # not when READY: the past takes seconds to compute
        world = (
            SeededWorld(seed, start_ms, ASSETS[:assets])
            if data is None
            else _recorded(data, start_ms)
        )
    except (RecordedDataError, ValueError) as error:
        print(f"The simulator cannot start: {error}", file=sys.stderr)
        raise typer.Exit(2) from error
    try:
        asyncio.run(_serve(world, start_ms, wall_start_ms, speed, port, limits))
    except OSError as error:
        print(f"The simulator cannot listen on port {port}: {error.strerror}", file=sys.stderr)
        raise typer.Exit(1) from error


def _recorded(data: Path, start_ms: int) -> RecordedWorld:
    world = RecordedWorld(data, start_ms)
    for sentence in world.report.sentences():
        print(sentence, file=sys.stderr)
    return world


async def _serve(
    world: World,
    start_ms: int,
    wall_start_ms: int | None,
    speed: float,
    port: int,
    limits: dict[str, Limits],
) -> None:
    print("computing the past of the market ...", file=sys.stderr, flush=True)
    await world.ready(start_ms)
    wall_start_ms = wall_ms() if wall_start_ms is None else wall_start_ms
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    clock = ScaledClock(start_ms, wall_start_ms, speed)
    async with Simulator(world, clock, port=port, limits=limits) as simulator:
        print(f"READY {simulator.url}", flush=True)
        print(f"start_ms={start_ms} {wall_start_ms=} speed={speed:g}", flush=True)
        await stopped.wait()


def _start_ms(text: str) -> int:
    """Return the start in ms; ValueError for what is no time. Without a zone it is UTC."""
    if text == "now":
        return wall_ms()
    if text.isdigit():
        return int(text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        msg = f"--start {text} is not an ISO time such as 2026-10-01T00:00"
        raise ValueError(msg) from error
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return int(at.timestamp() * 1000.0)


def _limit(text: str) -> tuple[str, Limits]:
    """Return upstream and limits of NAME=PER_MINUTE/PER_DAY; ValueError for anything else."""
    name, _, numbers = text.partition("=")
    minute, _, day = numbers.partition("/")
    if not (name and minute.isdigit() and (day.isdigit() or not day)):
        msg = f"--limit {text} is not of the form lunarcrush=10/2000"
        raise ValueError(msg)
    return name, Limits(per_minute=int(minute), per_day=int(day) if day else None)


if __name__ == "__main__":
    typer.run(main)
