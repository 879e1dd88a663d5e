"""A command line that imports a command only when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

COMMANDS = {
    "demo": "demo:demo",
    "up": "up:up",
    "producers": "producers:app",
    "worker": "worker:worker",
    "sink": "sink:app",
    "bridge": "bridge:bridge",
    "play": "play:play",
    "simulate": "play:simulate",
    "strategies": "strategies:app",
    "signal": "signal_now:signal",
    "settings": "settings:settings",
    "sentiment": "sentiment:app",
    "status": "status:status",
    "tail": "tail:tail",
    "why": "why:why",
    "archive": "archive:app",
    "replay": "replay:replay",
    "data": "data:app",
    "export": "export:export",
    "sweep": "sweep:sweep",
    "backtest": "backtest:backtest",
    "outcomes": "outcomes:outcomes",
    "verify": "verify:verify",
    "lookahead": "lookahead:lookahead",
    "news": "news:app",
    "doctor": "doctor:doctor",
    "dead-letters": "dead_letters:app",
    "topics": "topics:app",
}
"""Module under streams/commands and name in it, by command, in the order of the help."""


class Loading(dict[str, Any]):
    """Commands by name; a value is imported when it is first taken. Keys are there at once."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(COMMANDS))

    def __getitem__(self, name: str) -> Any:
        """Return the command; KeyError for an unknown name."""
        loaded = super().__getitem__(name)
        if loaded is None:
            loaded = self[name] = _load(name)
        return loaded

    def get(self, name: str, default: Any = None) -> Any:
        """Return the command, or the default for an unknown name."""
        return self[name] if name in self else default  # noqa: SIM401  which is this method


class Commands(TyperGroup):
    """`quantiva why` is to answer within a second: it cannot wait for Faust and Confluent."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)
        self.commands = Loading()


def _load(name: str) -> Any:
    module, _, attribute = COMMANDS[name].partition(":")
    found = getattr(import_module(f"quantiva.commands.{module}"), attribute)
    if isinstance(found, typer.Typer):
        command: Any = typer.main.get_group(found)
    else:
        alone = typer.Typer(add_completion=False, pretty_exceptions_show_locals=False)
        alone.command(name)(found)
        command = typer.main.get_command(alone)
    command.name = name
    return command
