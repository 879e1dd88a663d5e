"""The folder of a part: a given one is kept, a temporary one is removed with the part."""

import shutil
import tempfile
from pathlib import Path


class Folder:
    """A folder that exists between `open()` and `discard()`."""

    def __init__(self, part: str, given: Path | None) -> None:
        self._part = part
        self._given = given
        self._path = given

    @property
    def path(self) -> Path:
        """The folder; RuntimeError before the first `open()` of a temporary one."""
        if self._path is None:
            message = f"The {self._part} has no folder yet: it has not been started."
            raise RuntimeError(message)
        return self._path

    @property
    def temporary(self) -> tuple[Path, ...]:
        """The folder if it is to be removed, else nothing."""
        return () if self._given is not None or self._path is None else (self._path,)

    def open(self) -> Path:
        """Create the folder if it is not there. Raises OSError."""
        if self._path is None:
            # Short: the path of a Unix socket may have 107 characters.
            self._path = Path(tempfile.mkdtemp(prefix=f"quantiva-{self._part}-"))
        self._path.mkdir(parents=True, exist_ok=True)
        return self._path

    def keep_only(self, name: str) -> None:
        """Remove everything but the entry `name` if the folder is a temporary one."""
        for path in self.temporary:
            for entry in path.iterdir():
                if entry.name == name:
                    continue
                if entry.is_dir():
                    shutil.rmtree(entry, ignore_errors=True)
                else:
                    entry.unlink(missing_ok=True)
            if not any(path.iterdir()):
                self.discard()

    def discard(self) -> None:
        """Remove the folder if it is a temporary one; the next `open()` makes another."""
        for path in self.temporary:
            shutil.rmtree(path, ignore_errors=True)
        self._path = self._given
