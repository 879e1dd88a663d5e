"""The worker's parent process: a child per group of stages, started again when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from embedded.processes import Child, Command, tail
from streams.agents.cycle_watchdog import WATCHED
from streams.agents.process import EXIT_CONFIG, EXIT_NOT_READY, READY_LINE, WATCHDOG
from streams.settings import Settings
from streams.shell import tansu
from streams.topics import physical
from streams.topology import stage

_log = logging.getLogger("quantiva.supervisor")

_FIRST_BACKOFF_S = 0.2
_LAST_BACKOFF_S = 10.0
_HEALTHY_S = 60.0
"""A child that lived this long starts again without a backoff."""


class WorkerFailedError(RuntimeError):
    """A worker process cannot work as configured; starting it again would not help."""


class Supervisor:
    """Keeps worker processes running. `groups` names the stages of each process.

    `await start()` returns when all of them are ready; `await stop()` ends them, then returns.
    """

    def __init__(
        self,
        groups: Sequence[Sequence[str]],
        settings: Settings,
        *,
        environment: Mapping[str, str] | None = None,
        log_dir: Path,
        on_event: Callable[[str, str], None] | None = None,
    ) -> None:
        self._groups = [tuple(group) for group in groups]
        self._settings = settings
        self._environment = {**os.environ, **(environment or {})}
        self._log_dir = log_dir
        self._on_event = on_event or (lambda name, what: None)
        self._children: dict[tuple[str, ...], Child] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._ready = {group: asyncio.Event() for group in self._groups}
        self.restarts = 0

    def pids(self) -> dict[str, int]:
        """Return the process id of each group of stages that runs, by its stages' names."""
        return {" ".join(group): child.pid for group, child in self._children.items()}

    async def start(self) -> None:
        """Start every process and wait until all are ready; WorkerFailedError if one cannot."""
        self._log_dir.mkdir(parents=True, exist_ok=True)
        self._tasks = [asyncio.create_task(self._keep(group)) for group in self._groups]
        waiting = asyncio.create_task(self._all_ready())
        await asyncio.wait([waiting, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            waiting.cancel()
            await self.check()

    async def _all_ready(self) -> None:
        for event in self._ready.values():
            await event.wait()

    async def check(self) -> None:
        """Raise the error of a process that was given up."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def _keep(self, group: tuple[str, ...]) -> None:
        backoff_s = _FIRST_BACKOFF_S
        name = " ".join(group)
        while True:
            started = time.monotonic()
            code = await self._run_once(group)
            if code == EXIT_CONFIG:
                msg = f"worker {name} cannot work:\n{tail(self._log(group))}"
                raise WorkerFailedError(msg)
            if time.monotonic() - started > _HEALTHY_S:
                backoff_s = _FIRST_BACKOFF_S
            if code == EXIT_NOT_READY and tansu.is_embedded():
                await asyncio.to_thread(self._free_groups, group)
            self.restarts += 1
            self._on_event(name, f"ended with status {code}, starting again in {backoff_s:.1f} s")
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, _LAST_BACKOFF_S)

    def _free_groups(self, group: tuple[str, ...]) -> None:
        """Free consumer groups that the embedded broker let nobody join; its members are dead."""
        for name in group:
            inputs = WATCHED if name == WATCHDOG else stage(name).inputs
            topics = [physical(topic, self._settings.prefix) for topic in inputs]
            group_id = self._settings.group_id(name)
            tansu.unwedge(self._settings.require_bootstrap(), group_id, topics)

    async def _run_once(self, group: tuple[str, ...]) -> int:
        log = self._log(group)
        command = Command(
            name=f"worker {' '.join(group)}",
            argv=(sys.executable, "-m", "streams.agents.process", *group),
            log=log,
            environment=self._environment,
            grace_s=12.0,
        )
        start_of_log = log.stat().st_size if log.exists() else 0
        child = await Child.start(command)
        self._children[group] = child
        self._on_event(" ".join(group), "started")
        try:
            await self._wait_ready(group, child, log, start_of_log)
            return await child.wait()
        except asyncio.CancelledError:
            await child.stop()
            raise
        finally:
            self._children.pop(group, None)

    async def _wait_ready(
        self, group: tuple[str, ...], child: Child, log: Path, position: int
    ) -> None:
        while child.is_running():
            with log.open("rb") as file:
                file.seek(position)
                if f"{READY_LINE} ".encode() in file.read():
                    self._ready[group].set()
                    self._on_event(" ".join(group), "ready")
                    return
            await asyncio.sleep(0.05)

    def _log(self, group: tuple[str, ...]) -> Path:
        return self._log_dir / f"worker-{'-'.join(group)}.log"

    async def stop(self) -> None:
        """Ask every process to end, kill what does not, and wait for it."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError, WorkerFailedError):
                await task


def default_groups(stages: Sequence[str], processes: int | None = None) -> list[list[str]]:
    """Spread stages over processes: a process each, or round-robin over `processes`.

    The cycle watchdog is light: it shares the last process.
    """
    working = [name for name in stages if name != WATCHDOG]
    count = min(processes or len(working), len(working)) or 1
    groups: list[list[str]] = [working[number::count] for number in range(count)]
    if WATCHDOG in stages:
        groups[-1].append(WATCHDOG)
    return groups
