"""`quantiva sink postgres`: signals, rankings, news and strategies into PostgreSQL."""

from __future__ import annotations

import asyncio
import signal

import typer

from streams.commands.output import console, fail
from streams.discovery import load_settings

app = typer.Typer(help="Write the log into other systems.", no_args_is_help=True)


@app.callback()
def _sinks() -> None:
    """Keep `postgres` a command of its own, also while it is the only one."""


@app.command("postgres")
def postgres() -> None:
    """Write to PostgreSQL until Ctrl-C; migrates the schema first."""
    from sinks.base import SinkError

    try:
        asyncio.run(_run_postgres())
    except (SinkError, ValueError) as error:
        fail(str(error))


async def _run_postgres() -> None:
    from streams.agents.process import codec_of
    from streams.sinking import postgres_runner

    settings = load_settings()
    codec, registry = await codec_of(settings)
    runner = postgres_runner(settings, codec, registry)
    running = asyncio.create_task(runner.run())
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    console.print("writing to PostgreSQL; Ctrl-C stops")
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
    if not running.done():
        await runner.stop()
    running.result()
    rows = ", ".join(f"{count:,} {table}" for table, count in runner.status.rows.items())
    console.print(f"stopped; rows written: {rows or 'none'}")
