"""Keeps a program running: a child that is started again when it dies, with growing pauses."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable

from transport.supervision.processes import Child, Command, tail

_FIRST_BACKOFF_S = 0.2
_LAST_BACKOFF_S = 10.0
_HEALTHY_S = 60.0
"""A child that lived this long starts again without a backoff."""
EXIT_CONFIG = 2
"""The exit status of a program that cannot work as it is configured."""


class GivenUpError(RuntimeError):
    """A program cannot work as configured; starting it again would not help."""


class Keeper:
    """One program. It is ready when it has written a line that begins with `ready_line`.

    `on_event(name, text)` is called for starts, exits and, until ready, lines of progress;
    `on_exit(status)` runs before it is started again.
    """

    def __init__(
        self,
        command: Command,
        *,
        name: str,
        ready_line: str,
        on_event: Callable[[str, str], None],
        on_exit: Callable[[int], Awaitable[None]] | None = None,
        progress_line: str | None = None,
    ) -> None:
        self.name = name
        self._command = command
        self._ready_line = ready_line
        self._on_event = on_event
        self._on_exit = on_exit
        self._progress_line = progress_line
        self._child: Child | None = None
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return None if self._child is None else self._child.pid

    def begin(self) -> None:
        """Start it and return at once; await `ready` for the rest."""
        self._task = asyncio.create_task(self._keep())

    async def ready(self) -> None:
        """Wait until it is ready for the first time; GivenUpError when it cannot work."""
        if self._task is None:
            msg = f"{self.name} was not begun"
            raise RuntimeError(msg)
        waiting = asyncio.create_task(self._ready.wait())
        await asyncio.wait([waiting, self._task], return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            waiting.cancel()
            self.check()

    def check(self) -> None:
        """Raise the error for which it was given up."""
        if self._task is not None and self._task.done():
            self._task.result()

    async def stop(self) -> None:
        """Ask it to end, kill it when it does not, and wait for it."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError, GivenUpError):
                await self._task

    async def _keep(self) -> None:
        backoff_s = _FIRST_BACKOFF_S
        while True:
            started_s = time.monotonic()
            status = await self._run_once()
            if status == EXIT_CONFIG:
                msg = f"{self._command.name} cannot work:\n{tail(self._command.log)}"
                raise GivenUpError(msg)
            if time.monotonic() - started_s > _HEALTHY_S:
                backoff_s = _FIRST_BACKOFF_S
            if self._on_exit is not None:
                await self._on_exit(status)
            self.restarts += 1
            pause = f"starting again in {backoff_s:.1f} s"
            self._on_event(self.name, f"ended with status {status}, {pause}")
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, _LAST_BACKOFF_S)

    async def _run_once(self) -> int:
        log = self._command.log
        start_of_log = log.stat().st_size if log.exists() else 0
        child = await Child.start(self._command)
        self._child = child
        self._on_event(self.name, "started")
        try:
            await self._wait_ready(child, start_of_log)
            return await child.wait()
        except asyncio.CancelledError:
            await child.stop()
            raise
        finally:
            self._child = None

    async def _wait_ready(self, child: Child, position: int) -> None:
        while child.is_running():
            with self._command.log.open("rb") as file:
                if file.seek(0, os.SEEK_END) < position:
                    position = 0  # it was begun anew
                file.seek(position)
                lines = [line for line in file.readlines() if line.endswith(b"\n")]
            position += sum(map(len, lines))
            for line in lines:
                if self._is_ready(line.decode(errors="replace").strip()):
                    return
            await asyncio.sleep(0.05)

    def _is_ready(self, line: str) -> bool:
        if line.startswith(self._ready_line):
            self._ready.set()
            self._on_event(self.name, "ready")
            return True
        if self._progress_line is not None and line.startswith(self._progress_line):
            self._on_event(self.name, line.removeprefix(self._progress_line))
        return False
