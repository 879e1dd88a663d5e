"""The folder in which a run keeps what is to be there at the next start."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

LOCK = "lock"
_OTHERS = ("broker", "registry", "state", "logs", "archive")


class FolderInUseError(RuntimeError):
    """Another run uses the folder."""


def default_folder() -> Path:
    """Return where `quantiva up` keeps its things: ~/.local/share/quantiva, after XDG_DATA_HOME."""
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "quantiva"


@contextlib.contextmanager
def run_folder(given: Path | None) -> Iterator[Path]:
    """Yield the folder of a run, locked; without a given one a temporary one, removed at the end.

    Raises FolderInUseError when another run uses it, OSError when it cannot be made.
    """
    if given is None:
        folder = Path(tempfile.mkdtemp(prefix="quantiva-run-"))
        try:
            yield _prepared(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    folder = given.expanduser().absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        yield _prepared(folder)


def _prepared(folder: Path) -> Path:
    """Close the folder to others, but for root: the database runs as another user then."""
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    for name in _OTHERS:
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    return folder


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a lock that ends with this process, however it ends."""
    with (folder / LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip() or "another process"
            message = (
                f"The folder {folder} is in use by {owner}. End that run, or give another "
                "--directory."
            )
            raise FolderInUseError(message) from None
        file.truncate(0)
        file.write(f"process {os.getpid()}\n")
        file.flush()
        yield
