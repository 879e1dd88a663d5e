"""The worker's parent process: a child per group of stages, started again when it dies."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from schemas.topics import physical
from streams.agents.cycle_watchdog import WATCHED
from streams.agents.process import EXIT_NOT_READY, READY_LINE, WATCHDOG
from streams.topology import stage
from transport import groups
from transport.settings import Settings
from transport.supervision.keeper import Keeper
from transport.supervision.processes import Command


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
        self._settings = settings
        self._environment = {**os.environ, **(environment or {})}
        self._log_dir = log_dir
        tell = on_event or (lambda name, what: None)
        self._keepers = [self._keeper(tuple(group), tell) for group in groups]

    def _keeper(self, group: tuple[str, ...], tell: Callable[[str, str], None]) -> Keeper:
        command = Command(
            name=f"worker {' '.join(group)}",
            argv=(sys.executable, "-m", "streams.agents.process", *group),
            log=self._log_dir / f"worker-{'-'.join(group)}.log",
            environment=self._environment,
            grace_s=12.0,
        )
        return Keeper(
            command,
            name=" ".join(group),
            ready_line=f"{READY_LINE} ",
            on_event=tell,
            on_exit=partial(self._free_groups, group),
        )

    @property
    def restarts(self) -> int:
        """Number of times that a process was started again."""
        return sum(keeper.restarts for keeper in self._keepers)

    def pids(self) -> dict[str, int]:
        """Return the process id of each group of stages that runs, by its stages' names."""
        return {keeper.name: pid for keeper in self._keepers if (pid := keeper.pid) is not None}

    async def start(self) -> None:
        """Start every process and wait until all are ready; GivenUpError if one cannot work."""
        self._log_dir.mkdir(parents=True, exist_ok=True)
        for keeper in self._keepers:
            keeper.begin()
        # Not a task group: whoever starts workers wants the one error, not a group of them.
        await asyncio.gather(*(keeper.ready() for keeper in self._keepers))

    async def check(self) -> None:
        """Raise the error of a process that was given up."""
        for keeper in self._keepers:
            keeper.check()

    async def stop(self) -> None:
        """Ask every process to end, kill what does not, and wait for it."""
        await asyncio.gather(*(keeper.stop() for keeper in self._keepers))

    async def _free_groups(self, group: tuple[str, ...], status: int) -> None:
        """Free consumer groups that nobody could join; their members are dead."""
        if status != EXIT_NOT_READY:
            return
        for name in group:
            inputs = WATCHED if name == WATCHDOG else stage(name).inputs
            topics = [physical(topic, self._settings.prefix) for topic in inputs]
            group_id = self._settings.group_id(name)
            await asyncio.to_thread(groups.free_stuck, self._settings, group_id, topics)


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
