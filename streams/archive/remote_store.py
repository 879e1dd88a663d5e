"""An archive's files on any file system that fsspec knows."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from streams.archive.layout import LOCK, TEMPORARY
from streams.archive.records import ArchiveError


class RemoteStore:
    """See `streams.archive.store.Store`.

    An object store shows an object once it is whole, so it is put under its name at once. A file
    system that can rename (SFTP, SMB, HDFS) shows a file while it grows, so it is renamed.
    There is no lock: the writer's look before it writes narrows the gap, readers take each offset
    once.
    """

    def __init__(self, address: str) -> None:
        import fsspec

        try:
            self._fs, root = fsspec.core.url_to_fs(address)
        except (ImportError, ValueError) as error:
            msg = f"The address {address} cannot be used: {error}."
            raise ArchiveError(msg) from error
        self._root = root.rstrip("/")
        self._address = address
        self._renames = _renames(self._fs)

    @property
    def address(self) -> str:
        """The URL."""
        return self._address

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, None when there is no such file."""
        try:
            return bytes(self._call("cat_file", self._at(path)))
        except FileNotFoundError:
            return None

    def open(self, path: str) -> IO[bytes]:
        """Return a file for reading; it is fetched as a whole."""
        return io.BytesIO(self._call("cat_file", self._at(path)))

    def write(self, path: str, data: bytes) -> None:
        """Write a file as a whole, in place of one that is there."""
        target = self._at(path)
        if not self._renames:
            self._call("pipe_file", target, data)
            return
        self._call("makedirs", target.rpartition("/")[0], exist_ok=True)
        self._call("pipe_file", target + TEMPORARY, data)
        self._call("mv", target + TEMPORARY, target)

    def files(self, folder: str) -> Iterator[tuple[str, int]]:
        """Yield (path, size) of every file below a folder."""
        for path, size in self._find(folder):
            if not path.endswith((TEMPORARY, LOCK)):
                yield path, size

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Do nothing: there is no lock that ends with its process."""
        yield

    def sweep(self) -> int:
        """Remove temporary files, where there are any."""
        if not self._renames:
            return 0
        left = [path for path, _ in self._find("") if path.endswith(TEMPORARY)]
        for path in left:
            self._call("rm_file", self._at(path))
        return len(left)

    def fetch(self, folder: str) -> None:
        """Copy all files into a local folder."""
        self._call("get", f"{self._root}/", f"{folder}/", recursive=True)

    def _find(self, folder: str) -> Iterator[tuple[str, int]]:
        self._fs.invalidate_cache()
        try:
            found = self._call("find", self._at(folder).rstrip("/"), detail=True)
        except FileNotFoundError:
            return
        for path, info in sorted(found.items()):
            if path.startswith(f"{self._root}/"):  # of one file, fsspec returns the file itself
                yield path[len(self._root) + 1 :], int(info.get("size") or 0)

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _call(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Call the file system; what its libraries raise when it is away becomes OSError."""
        try:
            return getattr(self._fs, name)(*arguments, **options)
        except OSError:
            raise
        except Exception as error:
            msg = f"{self._address} fails: {type(error).__name__}: {error}"
            raise OSError(msg) from error


_WHOLE_OBJECTS = frozenset(
    ("memory", "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "oci", "hf", "http")
)


def _renames(filesystem: Any) -> bool:
    """Return whether to write under another name first, and whether a rename is one step there."""
    from fsspec.spec import AbstractFileSystem

    protocol = filesystem.protocol
    names = {protocol} if isinstance(protocol, str) else set(protocol)
    return not names & _WHOLE_OBJECTS and type(filesystem).mv is not AbstractFileSystem.mv
