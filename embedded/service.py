"""What a broker and a database have in common: one child, one port, one folder, one log."""

import asyncio
import shutil
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from transport.supervision.ports import free_port, is_free
from transport.supervision.processes import Child, Command, StartError, tail


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


PORT_ATTEMPTS = 3
LOOK_EVERY_S = 0.01


class Service(ABC):
    """A server in a child process on 127.0.0.1.

    `directory` keeps data and log from one run to the next; without it they are in a temporary
    folder, which `stop()` removes (after a failed start its log stays). `port` is the port to
    listen on; without it a free one is taken at the first start, and kept for later starts.
    """

    name: ClassVar[str]  # for messages
    part: ClassVar[str]  # for folders and logs
    hint: ClassVar[str]  # what to do when it does not start
    ready_within_s: ClassVar[float]
    port_count: ClassVar[int] = 1
    silent_s: ClassVar[float] = 30.0  # who runs and answers nothing for so long is ended
    restores = True  # whether a server that was killed starts with what it held

    def __init__(self, *, directory: Path | None = None, port: int | None = None) -> None:
        self._folder = Folder(self.part, directory)
        self._port = port
        self._child: Child | None = None
        self._has_run = False

    @abstractmethod
    def _command(self, port: int) -> Command:
        """Return what to run so that it listens on `port`."""

    @abstractmethod
    def _address(self, port: int) -> str:
        """Return what clients connect to."""

    @abstractmethod
    async def _answers(self, port: int) -> bool:
        """Return whether the server answers; no exception for a server that is not ready."""

    async def _prepare(self) -> None:
        """Do what precedes each start: here, make sure that the folder exists."""
        self._folder.open()

    @property
    def port(self) -> int:
        """The TCP port; RuntimeError before the first start of a part without a given one."""
        if self._port is None:
            message = f"{self.name} has no port yet: it has not been started."
            raise RuntimeError(message)
        return self._port

    @property
    def address(self) -> str:
        """Address that clients connect to; RuntimeError before the first start."""
        return self._address(self.port)

    @property
    def log(self) -> Path:
        """The log file of the child; RuntimeError before the first start."""
        return self._folder.path / f"{self.part}.log"

    @property
    def pid(self) -> int | None:
        """The process id of the server while it runs, else None."""
        return self._child.pid if self._child is not None and self.is_running() else None

    def is_running(self) -> bool:
        """Return whether the server's process runs."""
        return self._child is not None and self._child.is_running()

    @property
    def returncode(self) -> int | None:
        """The exit status of a server that ended by itself, 128 + n after signal n, else None."""
        return None if self._child is None else self._child.returncode

    async def answers(self, within_s: float) -> bool:
        """Return whether the server answers within so many seconds."""
        try:
            async with asyncio.timeout(within_s):
                return await self._answers(self.port)
        except TimeoutError:
            return False

    async def start(self) -> str:
        """Start the server and return its address once it answers; at once if it runs already.

        Raises StartError when it does not start, does not answer within `ready_within_s` seconds,
        or its port is taken. Cancelled or failed, it leaves no process behind.
        """
        if self.is_running():
            return self.address
        self._child = None
        try:
            await self._prepare()
            self._child = await self._start_on_port()
        except StartError:
            self._give_up(keep_log=True)
            raise
        except OSError as error:
            self._give_up(keep_log=False)
            message = f"{self.name} could not be started: {error}. {self.hint}"
            raise StartError(message) from error
        except BaseException:
            self._give_up(keep_log=False)
            raise
        self._has_run = True
        return self.address

    async def stop(self) -> None:
        """End the server in order, kill it if it does not end, remove a temporary folder."""
        child, self._child = self._child, None
        try:
            if child is not None:
                await child.stop()
        finally:
            self._release()
            self._has_run = False

    async def kill(self) -> None:
        """End the server with SIGKILL, as a crash would; `start()` continues with what it left."""
        child, self._child = self._child, None
        if child is not None:
            await child.kill()

    def _release(self) -> None:
        """Remove what is temporary."""
        self._folder.discard()

    def _give_up(self, *, keep_log: bool) -> None:
        """Remove what a failed first start has made; data of an earlier run stays."""
        if self._has_run:
            return
        if keep_log:
            self._folder.keep_only(f"{self.part}.log")
        else:
            self._folder.discard()

    async def _start_on_port(self) -> Child:
        """Start on the known port, or on free ones until one is not taken meanwhile."""
        if self._port is not None:
            self._refuse_taken(self._port)
            return await self._start_once(self._port)
        for attempt in range(PORT_ATTEMPTS):
            port = free_port(self.port_count)
            try:
                child = await self._start_once(port)
            except StartError:
                if is_free(port) or attempt == PORT_ATTEMPTS - 1:
                    raise
            else:
                self._port = port
                return child
        raise AssertionError

    async def _start_once(self, port: int) -> Child:
        child = await Child.start(self._command(port))
        try:
            await self._until_ready(child, port)
        except BaseException:
            await child.stop()
            raise
        return child

    async def _until_ready(self, child: Child, port: int) -> None:
        try:
            async with asyncio.timeout(self.ready_within_s):
                while not await self._answers(port):
                    self._refuse_ended(child)
                    await asyncio.sleep(LOOK_EVERY_S)
        except TimeoutError:
            message = f"did not answer on port {port} within {self.ready_within_s:g} s"
            raise StartError(self._failed(message)) from None
        # What answered may be a stranger on the same port while the child ended.
        self._refuse_ended(child)

    def _refuse_ended(self, child: Child) -> None:
        if not child.is_running():
            message = f"ended with status {child.returncode} before it was ready"
            raise StartError(self._failed(message))

    def _refuse_taken(self, port: int) -> None:
        taken = [p for p in range(port, port + self.port_count) if not is_free(p)]
        if taken:
            message = f"{self.name} cannot use port {taken[0]} of 127.0.0.1: it is taken."
            raise StartError(message + " End the process that listens there, or give another port.")

    def _failed(self, what: str) -> str:
        lines = tail(self.log)
        said = f"Its log, {self.log}, ends with:\n{lines}\n" if lines else f"Its log: {self.log}. "
        return f"{self.name} {what}. {said}{self.hint}"
