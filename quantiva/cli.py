"""`quantiva`: the commands, one file each under quantiva/commands."""

from __future__ import annotations

import sys

import typer

from quantiva.commands.on_demand import Commands
from quantiva.commands.output import errors
from transport import logs

app = typer.Typer(
    name="quantiva",
    cls=Commands,
    help="Market events in, explained signals out: a signal platform on Kafka.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)


@app.callback()
def _root() -> None:
    """Make it a group, whose commands `Commands` knows."""


def main() -> None:
    """Run the command line."""
    logs.set_up("aiokafka")  # that a broker is away is said in a sentence of ours
    try:
        app()
    except ValueError as error:
        if type(error).__name__ != "SettingsError":  # imported, it would cost every command
            raise
        errors.print(f"quantiva: {error}", markup=False)
        sys.exit(2)


if __name__ == "__main__":
    main()
