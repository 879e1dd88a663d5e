"""Output of commands: one console, at most 100 columns, errors as one sentence."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime
from typing import NoReturn, overload

import typer
from rich.console import Console

_width = min(shutil.get_terminal_size((100, 24)).columns, 100)
console = Console(width=_width, highlight=False)
errors = Console(width=_width, highlight=False, stderr=True)


def fail(message: str, code: int = 1) -> NoReturn:
    """Print an error and end with an exit status."""
    errors.print(f"quantiva: {message}", style="red" if sys.stderr.isatty() else "", markup=False)
    raise typer.Exit(code)


@overload
def utc_ms(moment: datetime) -> int: ...
@overload
def utc_ms(moment: None) -> None: ...
@overload
def utc_ms(moment: datetime | None) -> int | None: ...
def utc_ms(moment: datetime | None) -> int | None:
    """Return a time that was given without a zone as UTC, in ms since 1970."""
    return None if moment is None else int(moment.replace(tzinfo=UTC).timestamp() * 1000)
