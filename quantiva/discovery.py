"""How a second terminal finds the stack that a first one started: a small file with addresses."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from quantiva.demo.folder import default_folder
from transport.settings import Settings

STACK_FILE = "stack.json"


@contextmanager
def announced(environment: Mapping[str, str], *folders: Path) -> Iterator[None]:
    """Write the addresses of a running stack for other commands; remove them at the end."""
    content = json.dumps({"pid": os.getpid(), "environment": dict(environment)}, indent=2)
    paths = [folder / STACK_FILE for folder in folders]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # it holds a password: never one that others can read
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(content)
    try:
        yield
    finally:
        for path in paths:
            path.unlink(missing_ok=True)


def running_stack(state_dir: Path) -> dict[str, str]:
    """Return the environment of the stack announced there, {} when none runs."""
    try:
        found = json.loads((state_dir / STACK_FILE).read_text("utf-8"))
        os.kill(found["pid"], 0)
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    environment: dict[str, str] = found["environment"]
    return environment


def load_settings() -> Settings:
    """Return the settings of the environment, with the addresses of a running stack where unset.

    It is the one that runs in this folder, else the `quantiva up` of this user. The addresses also
    go into this process's environment, where child processes find them.
    """
    given = Settings()
    if given.bootstrap is None:
        found = running_stack(given.state_dir) or running_stack(default_folder())
        for name, value in found.items():
            os.environ.setdefault(name, value)
    return Settings()
