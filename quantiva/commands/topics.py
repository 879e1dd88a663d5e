"""`quantiva topics create|list|check|asyncapi`: the table of topics and the broker."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import orjson
import typer
from rich.table import Table

from quantiva.commands.output import console, fail
from quantiva.discovery import load_settings
from schemas.topics import FOREVER_MS, TOPICS, physical
from transport import admin

app = typer.Typer(help="The topics: create, list, check against the table.", no_args_is_help=True)


@app.command("create")
def create() -> None:
    """Create the topics that are missing."""
    try:
        created = admin.create(load_settings())
    except (admin.BrokerError, ValueError) as error:
        fail(str(error))
    for name in created:
        console.print(f"created {name}")
    if not created:
        console.print("nothing to create: all topics exist")


@app.command("list")
def list_topics() -> None:
    """Show the table of topics: name, key, schema, partitions, retention, cleanup."""
    settings = load_settings()
    table = Table(box=None, pad_edge=False)
    for column in ("topic", "key", "schema", "partitions", "retention", "cleanup"):
        table.add_column(column, justify="right" if column == "partitions" else "left")
    for topic in TOPICS:
        retention = settings.retention_ms or topic.retention_ms
        table.add_row(
            physical(topic.name, settings.prefix),
            topic.key,
            topic.schema,
            str(admin.wanted_partitions(topic, settings)),
            "for ever"
            if retention == FOREVER_MS
            else f"{timedelta(milliseconds=retention).days} d",
            topic.cleanup,
        )
    console.print(table)


@app.command("check")
def check() -> None:
    """Compare the broker's topics with the table; exit status 1 when something differs."""
    try:
        states = admin.states(load_settings())
    except (admin.BrokerError, ValueError) as error:
        fail(str(error))
    wrong = 0
    for state in states:
        for problem in state.problems:
            wrong += 1
            console.print(f"[red]{state.name}[/red] {problem}")
    if wrong:
        raise typer.Exit(1)
    console.print(f"all {len(states)} topics are as the table says")


@app.command("asyncapi")
def asyncapi(
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of YAML.")] = False,
) -> None:
    """Print the AsyncAPI 3.0 document of topics and websocket, as this deployment has them."""
    try:
        from quantiva.asyncapi import as_yaml, document
        from sinks.bridge.settings import BridgeSettings

        made = document(load_settings(), BridgeSettings())
        text = orjson.dumps(made, option=orjson.OPT_INDENT_2).decode() if as_json else as_yaml(made)
    except ImportError as error:
        fail(f"the document needs {error.name}: pip install 'quantiva-streams[bridge]'")
    typer.echo(text.rstrip("\n"))
