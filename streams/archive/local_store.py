"""An archive's files in a local folder."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from streams.archive.layout import LOCK, TEMPORARY

_LOCK_WAIT_S = 10.0
_LOCK_POLL_S = 0.02


class Disk:
    """The operations that change a disk, one by one: a test puts itself between them."""

    def make_folder(self, path: Path) -> None:
        """Make one folder; nothing happens when it is there."""
        path.mkdir(exist_ok=True)

    def write(self, path: Path, data: bytes) -> None:
        """Write a file and wait until it is on the disk."""
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def rename(self, path: Path, target: Path) -> None:
        """Give a file its name, in place of another."""
        path.replace(target)

    def sync_folder(self, path: Path) -> None:
        """Bring the names in a folder to the disk."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, path: Path) -> None:
        """Remove a file."""
        path.unlink(missing_ok=True)


class LocalStore:
    """See `streams.archive.store.Store`."""

    def __init__(self, root: Path, disk: Disk | None = None) -> None:
        self._root = root.absolute()
        self._disk = disk or Disk()

    @property
    def address(self) -> str:
        """The folder."""
        return str(self._root)

    @property
    def root(self) -> Path:
        """The folder."""
        return self._root

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, None when there is no such file."""
        try:
            return (self._root / path).read_bytes()
        except FileNotFoundError:
            return None

    def open(self, path: str) -> IO[bytes]:
        """Return a file for reading."""
        return (self._root / path).open("rb", buffering=1 << 18)

    def write(self, path: str, data: bytes) -> None:
        """Write a file as a whole, in place of one that is there."""
        target = self._root / path
        self._make_folders(target.parent)
        temporary = target.with_name(target.name + TEMPORARY)
        self._disk.write(temporary, data)
        self._disk.rename(temporary, target)
        self._disk.sync_folder(target.parent)

    def files(self, folder: str) -> Iterator[tuple[str, int]]:
        """Yield (path, size) of every file below a folder."""
        for entry in self._entries(self._root / folder):
            if not entry.name.endswith((TEMPORARY, LOCK)):
                size = entry.stat().st_size
                yield Path(entry.path).relative_to(self._root).as_posix(), size

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes and other stores of this one out."""
        self._make_folders(self._root)
        descriptor = os.open(self._root / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            self._wait_for(descriptor)
            yield
        finally:
            os.close(descriptor)  # also lets go

    def sweep(self) -> int:
        """Remove temporary files; under the lock nobody is writing one."""
        left = [e.path for e in self._entries(self._root) if e.name.endswith(TEMPORARY)]
        for path in left:
            self._disk.remove(Path(path))
        return len(left)

    def _wait_for(self, descriptor: int) -> None:
        deadline_s = time.monotonic() + _LOCK_WAIT_S
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            if time.monotonic() > deadline_s:
                msg = f"another process has written to {self._root} for {_LOCK_WAIT_S:.0f} s"
                raise TimeoutError(msg)
            time.sleep(_LOCK_POLL_S)

    def _make_folders(self, path: Path) -> None:
        """Make a folder and those above it, each one on the disk before the next."""
        if path.is_dir():
            return
        self._make_folders(path.parent)
        self._disk.make_folder(path)
        self._disk.sync_folder(path.parent)

    def _entries(self, folder: Path) -> Iterator[os.DirEntry[str]]:
        try:
            found = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except FileNotFoundError:
            return
        for entry in found:
            if entry.is_dir():
                yield from self._entries(Path(entry.path))
            else:
                yield entry
