"""`quantiva sink NAME`: the log into another system; the sinks are those of the wiring."""

from __future__ import annotations

import asyncio
import inspect
import signal
from collections.abc import Callable

import typer

from quantiva.commands.output import console, fail
from quantiva.discovery import load_settings
from quantiva.wiring.sinks import SINKS, SinkEntry, sink_runner

app = typer.Typer(help="Write the log into other systems.", no_args_is_help=True)


def _command(entry: SinkEntry) -> Callable[[], None]:
    def run() -> None:
        _run(entry)

    return run


for _entry in SINKS:
    app.command(_entry.name, help=inspect.cleandoc(_entry.help))(_command(_entry))


def _run(entry: SinkEntry) -> None:
    """Run a sink until Ctrl-C; a sentence where it cannot go on."""
    from pydantic import ValidationError

    from sinks.base import SinkError

    try:
        line = entry.doing() if entry.doing else f"{entry.ready_line}; Ctrl-C stops"
        asyncio.run(_until_stopped(entry, line))
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)[0]
        fail(f"setting {'.'.join(map(str, wrong['loc']))}: {wrong['msg']}", 2)
    except (SinkError, ValueError) as error:
        fail(str(error))


async def _until_stopped(entry: SinkEntry, line: str) -> None:
    """Run until Ctrl-C or SIGTERM; raises what the runner raised."""
    from transport.registered_codec import codec_of

    settings = load_settings()
    codec, registry = await codec_of(settings)
    runner = sink_runner(entry, settings, codec, registry)
    running = asyncio.create_task(runner.run())
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    console.print(line)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
    if not running.done():
        await runner.stop()
    running.result()
    counts = getattr(runner.sink, entry.counts) if entry.counts else runner.status.rows
    what = entry.name if entry.counts else "rows written"
    counted = ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))
    console.print(f"stopped; {what}: {counted or 'none'}")
