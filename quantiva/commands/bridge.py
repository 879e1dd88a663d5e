"""`quantiva bridge`: websocket, REST interface and page."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from quantiva.commands.output import console, fail
from quantiva.discovery import load_settings

if TYPE_CHECKING:
    from sinks.bridge.settings import BridgeSettings

READY = "READY bridge"


def bridge(
    port: Annotated[
        int | None, typer.Option(help="Port; 0 takes a free one.", min=0, max=65_535)
    ] = None,
    no_page: Annotated[bool, typer.Option("--no-page", help="Without the page at /.")] = False,
) -> None:
    """Serve signals to frontends until Ctrl-C: a websocket, a REST interface and a page.

    QUANTIVA_BRIDGE_TOKENS says who may come in; without tokens nobody may. Any number of bridges
    run side by side.
    """
    from pydantic import ValidationError

    from schemas.registry_client import RegistryError
    from sinks.base import SinkError
    from sinks.bridge.settings import BridgeSettings
    from transport.admin import BrokerError
    from transport.publisher import PublishError

    try:
        given = BridgeSettings()
        chosen = given if port is None else given.model_copy(update={"port": port})
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)[0]
        fail(f"setting {'.'.join(map(str, wrong['loc']))}: {wrong['msg']}", 2)
    try:
        asyncio.run(_run(chosen, page=not no_page))
    except ValueError as error:
        fail(str(error), 2)
    except (BrokerError, OSError, PublishError, RegistryError, SinkError) as error:
        fail(str(error))


async def _run(chosen: BridgeSettings, *, page: bool) -> None:
    from quantiva.wiring.bridge import serve

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def on_ready(address: str) -> None:
        console.print(f"{READY} {address}; Ctrl-C stops", markup=False)
        if chosen.tokens is None and chosen.tokens_file is None:
            console.print("nobody may come in: set QUANTIVA_BRIDGE_TOKENS")

    await serve(load_settings(), chosen, stop, on_ready, page=page)
    console.print("stopped")
