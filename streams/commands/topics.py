"""`quantiva topics create|list|check`: the table of topics and the broker."""

from __future__ import annotations

from datetime import timedelta

import typer
from rich.table import Table

from streams import admin
from streams.commands.output import console, fail
from streams.discovery import load_settings
from streams.topics import FOREVER_MS, TOPICS, physical

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
