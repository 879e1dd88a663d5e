"""`quantiva up`: the whole platform on the real market."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from quantiva.commands.demo import run_options
from quantiva.demo.folder import default_folder
from quantiva.demo.options import DemoOptions


def up(
    processes: Annotated[int, typer.Option(help="Worker processes.", min=1)] = 2,
    directory: Annotated[
        Path | None,
        typer.Option(help="Where everything is kept; without it ~/.local/share/quantiva."),
    ] = None,
) -> None:
    """Run everything on the real market: broker, database, engines, sink, live producers.

    Works without keys; `quantiva producers run --help` says which keys add what. Parts whose
    address is given in the environment (KAFKA_BOOTSTRAP_SERVERS, DATABASE_URL, SCHEMA_REGISTRY_URL)
    are used as they are, the others are started here. Topics, database, schemas, strategies and
    state are kept in the directory and are there at the next start.
    """
    uvloop.install()
    options = DemoOptions(
        source="live", processes=processes, directory=directory or default_folder()
    )
    asyncio.run(run_options(options, None))
