"""`quantiva`: the commands, each in a file of its own under streams/commands."""

from __future__ import annotations

import logging
import os

import typer

from streams.commands import demo, sink, topics, worker

app = typer.Typer(
    name="quantiva",
    help="Market events in, explained signals out: a signal platform on Kafka.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)
app.command("demo")(demo.demo)
app.command("worker")(worker.worker)
app.add_typer(topics.app, name="topics")
app.add_typer(sink.app, name="sink")


def main() -> None:
    """Run the command line."""
    logging.basicConfig(
        level=os.environ.get("QUANTIVA_LOG", "WARNING"),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    app()


if __name__ == "__main__":
    main()
