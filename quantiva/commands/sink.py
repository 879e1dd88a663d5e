"""`quantiva sink ...`: the log into PostgreSQL, and signals into explanations."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import typer

from quantiva.commands.output import console, fail
from quantiva.discovery import load_settings

if TYPE_CHECKING:
    from sinks.runner import SinkRunner

READY = "READY explanations"

app = typer.Typer(help="Write the log into other systems.", no_args_is_help=True)


@app.command("postgres")
def postgres() -> None:
    """Write to PostgreSQL until Ctrl-C; migrates the schema first."""
    _complete(_run_postgres())


@app.command("explanations")
def explanations() -> None:
    """Explain the top signals of each cycle until Ctrl-C.

    Asks the model of OPENAI_API_KEY and OPENAI_BASE_URL within a budget a day; without them, and
    where the model fails, a template writes. Needs PostgreSQL and `quantiva sink postgres`.
    """
    from pydantic import ValidationError

    from sinks.explanations.settings import ExplanationSettings

    try:
        chosen = ExplanationSettings()
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)[0]
        fail(f"setting {'.'.join(map(str, wrong['loc']))}: {wrong['msg']}", 2)
    _complete(_run_explanations(chosen))


def _complete(running: Coroutine[Any, Any, None]) -> None:
    """Run a sink to its end; a sentence where it cannot go on."""
    from sinks.base import SinkError

    try:
        asyncio.run(running)
    except (SinkError, ValueError) as error:
        fail(str(error))


async def _run_postgres() -> None:
    from quantiva.wiring.postgres import postgres_runner
    from transport.registered_codec import codec_of

    settings = load_settings()
    codec, registry = await codec_of(settings)
    runner = postgres_runner(settings, codec, registry)
    await _until_stopped(runner, "writing to PostgreSQL; Ctrl-C stops")
    rows = ", ".join(f"{count:,} {table}" for table, count in runner.status.rows.items())
    console.print(f"stopped; rows written: {rows or 'none'}")


async def _run_explanations(chosen: Any) -> None:
    from quantiva.wiring.explanations import explanations_runner
    from transport.registered_codec import codec_of

    settings = load_settings()
    codec, registry = await codec_of(settings)
    runner, sink = explanations_runner(settings, codec, registry, chosen)
    await _until_stopped(runner, f"{READY}: {_who_writes(chosen)}; Ctrl-C stops")
    counted = ", ".join(f"{count:,} {what}" for what, count in sorted(sink.tally.items()))
    console.print(f"stopped; explanations: {counted or 'none'}")


def _who_writes(chosen: Any) -> str:
    if not chosen.enabled:
        return "explanations by a model are switched off, the template writes"
    if not chosen.has_model:
        return "no OPENAI_API_KEY: the template writes the explanations"
    limit = f"at most {chosen.budget_usd_per_day:f} USD a day"
    return f"{chosen.model} writes the explanations, {limit}"


async def _until_stopped(runner: SinkRunner, saying: str) -> None:
    """Run until Ctrl-C or SIGTERM; raises what the runner raised."""
    running = asyncio.create_task(runner.run())
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    console.print(saying)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
    if not running.done():
        await runner.stop()
    running.result()
