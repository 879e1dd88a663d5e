"""`quantiva strategies publish`: the pre-built strategies into control.strategies."""

from __future__ import annotations

import asyncio

import typer

from quantiva.commands.output import console, fail
from quantiva.commands.play import connected

app = typer.Typer(help="The strategies.", no_args_is_help=True)


@app.callback()
def _strategies() -> None:
    """Keep `publish` a separate command, also while it is the only one."""


@app.command("publish")
def publish() -> None:
    """Publish the four pre-built strategies; again changes nothing."""
    from transport.publisher import PublishError

    try:
        count = asyncio.run(_publish())
    except (PublishError, ValueError) as error:
        fail(str(error))
    console.print(f"published {count} strategies")


async def _publish() -> int:
    from producers.strategies import PREBUILT, publish_prebuilt

    async with connected() as publisher:
        await publish_prebuilt(publisher)
    return len(PREBUILT)
