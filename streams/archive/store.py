"""Where the files of an archive lie: a local folder, or any file system that fsspec knows.

A file appears whole or not at all. In a folder it is written under a temporary name, brought to
the disk and renamed, under a lock that only one process holds and that ends with the process;
an object store shows an object once it is whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Protocol

from streams.archive.records import ArchiveError


class ArchiveStore(Protocol):
    """Files by paths relative to `address`, with slashes. All calls block.

    OSError: the file system is away or refuses.
    """

    @property
    def address(self) -> str:
        """Where it is, for people."""

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, None when there is no such file."""

    def open(self, path: str) -> IO[bytes]:
        """Return a file for reading."""

    def write(self, path: str, data: bytes) -> None:
        """Write a file as a whole, in place of one that is there."""

    def files(self, folder: str) -> Iterator[tuple[str, int]]:
        """Yield (path, size in bytes) of every file below a folder, "" for all; any order.

        Without temporary files and locks; nothing when there is no such folder.
        """

    def locked(self) -> AbstractContextManager[None]:
        """Keep other writers out; writing needs it. OSError when another one does not let go."""

    def sweep(self) -> int:
        """Remove what a writer left that was killed; return how many files. Under the lock."""


def open_store(address: str) -> ArchiveStore:
    """Return the files at an address: a folder, or a URL of fsspec such as s3://bucket/folder.

    Raises ArchiveError when fsspec does not know it or lacks a package for it.
    """
    path = local_path(address)
    if path is not None:
        from streams.archive.local_store import LocalStore

        return LocalStore(path)
    from streams.archive.remote_store import RemoteStore

    return RemoteStore(address)


def local_path(address: str) -> Path | None:
    """Return the folder that an address names, None when it is elsewhere."""
    if not address:
        msg = "An archive needs an address: a folder, or a URL such as s3://bucket/folder."
        raise ArchiveError(msg)
    scheme, found, rest = address.partition("://")
    if "::" in address:
        return None
    if not found:
        return Path(address).expanduser()
    return Path(rest) if scheme in ("file", "local") else None
