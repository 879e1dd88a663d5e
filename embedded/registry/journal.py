"""A file of JSON lines: what a store did, in order, so that it can be done again."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class JournalError(RuntimeError):
    """A journal with a line that cannot be read, other than an unfinished last one."""


class Journal:
    """Appends one JSON object a line; each is on the disk when `append` returns."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def entries(self) -> Iterator[dict[str, Any]]:
        """Yield what was appended, in order.

        A crash may leave half a last line: it was never answered for, and is cut off. Raises
        JournalError for any other line that is not JSON, OSError when the file cannot be used.
        """
        if not self._path.exists():
            return
        content = self._path.read_bytes()
        complete = content[: content.rfind(b"\n") + 1]
        if len(complete) < len(content):
            os.truncate(self._path, len(complete))
        for number, line in enumerate(complete.splitlines(), start=1):
            try:
                yield json.loads(line)
            except ValueError as error:
                message = f"{self._path}, line {number}, is not JSON: {error}. Repair or remove it."
                raise JournalError(message) from error

    def append(self, entry: dict[str, Any]) -> None:
        """Write one entry. Raises OSError; the entry may then be there in part."""
        with self._path.open("ab") as file:
            file.write(json.dumps(entry, separators=(",", ":")).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
