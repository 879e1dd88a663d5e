"""`quantiva`: the commands, each in a file of its own under streams/commands."""

from __future__ import annotations

import logging
import os

import typer

from streams.commands import (
    dead_letters,
    demo,
    doctor,
    play,
    sink,
    status,
    strategies,
    tail,
    topics,
    worker,
)

app = typer.Typer(
    name="quantiva",
    help="Market events in, explained signals out: a signal platform on Kafka.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)
app.command("demo")(demo.demo)
app.command("worker")(worker.worker)
app.add_typer(sink.app, name="sink")
app.command("play")(play.play)
app.command("simulate")(play.simulate)
app.add_typer(strategies.app, name="strategies")
app.command("status")(status.status)
app.command("tail")(tail.tail)
app.command("doctor")(doctor.doctor)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(topics.app, name="topics")


def main() -> None:
    """Run the command line."""
    logging.basicConfig(
        level=os.environ.get("QUANTIVA_LOG", "WARNING"),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    app()


if __name__ == "__main__":
    main()
