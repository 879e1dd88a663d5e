"""`quantiva demo`: everything on this machine, with a simulated or a recorded market."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import uvloop

from quantiva.commands.output import console, fail, utc_ms
from quantiva.commands.play import speed_of
from quantiva.demo.options import MOST_ASSETS, DemoOptions
from transport.supervision.processes import kill_all

if TYPE_CHECKING:
    from quantiva.demo.summary import Summary


def demo(
    cycles: Annotated[
        int | None, typer.Option(help="End after so many cycles; without it, Ctrl-C ends.", min=1)
    ] = None,
    cycle_seconds: Annotated[
        float,
        typer.Option(help="Wall seconds of a simulated 10-minute cycle; 0: --direct.", min=0),
    ] = 10.0,
    seed: Annotated[int, typer.Option(help="Seed of the simulated market.")] = 1,
    assets: Annotated[
        int, typer.Option(help="Assets of the simulated market.", min=2, max=MOST_ASSETS)
    ] = MOST_ASSETS,
    direct: Annotated[
        bool,
        typer.Option(
            help="Publish the simulated market itself, without producers that ask upstreams."
        ),
    ] = False,
    data: Annotated[
        Path | None, typer.Option(help="Play this directory of recorded data instead.")
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option("--from", help="First day to play, UTC.", formats=["%Y-%m-%d"]),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--until", help="Day to stop at.", formats=["%Y-%m-%d"])
    ] = None,
    speed: Annotated[
        str, typer.Option(help="Multiple of the data's own pace (1, 600), or max.")
    ] = "max",
    unordered: Annotated[
        bool, typer.Option(help="At max speed, do not wait between waves: faster, not repeatable.")
    ] = False,
    processes: Annotated[int, typer.Option(help="Worker processes.", min=1)] = 2,
    page: Annotated[
        bool, typer.Option("--page/--no-page", help="Bridge, page and explanations too.")
    ] = True,
    directory: Annotated[
        Path | None,
        typer.Option(help="Keep everything here for the next run; without it, all is temporary."),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the summary to this file too.")
    ] = None,
) -> None:
    """Run the whole platform: broker, database, engines, fusion, sink and a market.

    Parts whose address is given in the environment (KAFKA_BOOTSTRAP_SERVERS, DATABASE_URL,
    SCHEMA_REGISTRY_URL) are used as they are, the others are started here and stopped at the end.
    """
    _check(data, start, until)
    options = DemoOptions(
        source="direct" if direct or cycle_seconds == 0.0 else "upstreams",
        cycles=cycles,
        cycle_s=cycle_seconds,
        seed=seed,
        assets=assets,
        data=data,
        from_ms=utc_ms(start) if start else 0,
        until_ms=utc_ms(until) if until else 0,
        speed=speed_of(speed),
        ordered=not unordered,
        processes=processes,
        delivery=page,
        directory=directory,
    )
    uvloop.install()
    asyncio.run(run_options(options, json_file))


def _check(data: Path | None, start: datetime | None, until: datetime | None) -> None:
    """End the command when the recorded data that it asks for cannot be played."""
    if data is not None and (start is None or until is None):
        fail("--data needs --from and --until, for example --from 2022-03-01 --until 2022-03-03", 2)
    if data is not None and not data.is_dir():
        fail(f"--data {data} is not a directory", 2)


async def run_options(options: DemoOptions, json_file: Path | None) -> None:
    """Run a demo until its end, Ctrl-C or SIGTERM, and print its summary."""
    from producers.strategies import PREBUILT
    from quantiva.demo.ending import STOP_WITHIN_S, Course
    from quantiva.demo.run import run_demo
    from quantiva.demo.screen import Screen

    course = Course(asyncio.Event())
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def last_resort() -> None:
        """End a process whose event loop stands, or that waits for a thread that never ends."""
        kill_all()
        if course.summary is not None and not shown.is_set():
            _show(course.summary, json_file)
        os._exit(130 if course.summary is None else 0)

    shown = threading.Event()
    ending = threading.Timer(STOP_WITHIN_S - 1.0, last_resort)
    ending.daemon = True

    def on_signal() -> None:
        """Ask for an end; a second signal cancels what is still under way."""
        if not course.stop.is_set():
            ending.start()
        elif task is not None:
            task.cancel()
        course.stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    try:
        summary = await run_demo(options, Screen(console, len(PREBUILT)), course)
    except asyncio.CancelledError:
        fail("stopped before the end", 130)
    except (RuntimeError, ValueError, OSError) as error:
        fail(str(error))
    shown.set()
    _show(summary, json_file)


def _show(summary: Summary, json_file: Path | None) -> None:
    from quantiva.demo.summary import render

    console.print()
    console.print(render(summary))
    if json_file is not None:
        json_file.write_text(json.dumps(summary.to_json(), indent=2) + "\n", "utf-8")
        console.print(f"\nsummary written to {json_file}")
