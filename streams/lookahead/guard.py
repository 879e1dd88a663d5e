"""Takes the disk away from a process, for good: what is on it may be the future.

Code may be read at any time, so that a late import works. The files of installed packages may be
read until `close`; after it nothing but code may be opened.
"""

from __future__ import annotations

import sys
import sysconfig
from importlib.machinery import all_suffixes
from typing import Any

REFUSAL = "refused: "
_CODE = (*all_suffixes(), ".pyc")
_REFUSED_EVENTS = ("mmap.__new__", "sqlite3.connect", "ctypes.dlopen")
_WRITING = frozenset("wax+")


class RefusedFileError(PermissionError):
    """Something opened a file that a proof does not let it see."""


class FileGuard:
    """An audit hook; it stays until the process ends. `refusal` says what was tried last.

    The refusal is kept besides being raised, since an engine may swallow the error.
    """

    def __init__(self) -> None:
        self._closed = False
        self._refusal = ""
        places = ("stdlib", "platstdlib", "purelib", "platlib")
        self._packages = tuple({f"{sysconfig.get_path(place)}/" for place in places})
        sys.addaudithook(self._audit)

    def close(self) -> None:
        """Refuse the files of packages too, from now on."""
        self._closed = True

    def refusal(self) -> str:
        """Return what was refused since the last call, "" if nothing was."""
        said, self._refusal = self._refusal, ""
        return said

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, _ = arguments
            text = path.decode(errors="replace") if isinstance(path, bytes) else str(path)
            if isinstance(path, int) or not self._is_allowed(text, mode or "r"):
                self._refuse(f"opens {text}")
        elif self._closed and event in _REFUSED_EVENTS:
            self._refuse(f"{event} {arguments[0] if arguments else ''}".rstrip())

    def _is_allowed(self, path: str, mode: str) -> bool:
        if path.endswith(_CODE):
            return _WRITING.isdisjoint(mode) or not self._closed  # imports write their cache
        return not self._closed and path.startswith(self._packages)

    def _refuse(self, what: str) -> None:
        self._refusal = REFUSAL + what
        raise RefusedFileError(self._refusal)
