"""The market of a demo through the real producers, asking the simulator or the real upstreams."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from embedded.keeper import Keeper
from embedded.ports import free_port
from embedded.processes import Command
from producers.clock import ScaledClock
from producers.schedule.cycles import CYCLE_MS, cycle_of
from producers.simulator.server import environment_of
from schemas.signals import TopSignals
from streams.commands.producers import PROGRESS, READY
from streams.demo.options import DemoOptions
from streams.demo.screen import Screen

_SIMULATOR_START_MS = 4_000  # wall time until it has computed the market's past


@contextlib.asynccontextmanager
async def asked(options: DemoOptions, screen: Screen, log_dir: Path) -> AsyncIterator[Keeper]:
    """Run the producers, and the simulator unless the real upstreams are asked, in the context.

    Both have processes of their own and are started again when they die. Raises GivenUpError when
    one cannot work.
    """
    log_dir.mkdir(parents=True, exist_ok=True)
    environment = dict(os.environ)
    async with contextlib.AsyncExitStack() as exits:
        if options.source == "upstreams":
            clock = _clock(options)
            simulator, url = _simulator(options, clock, screen, log_dir)
            exits.push_async_callback(simulator.stop)
            simulator.begin()
            await simulator.ready()
            environment |= environment_of(url, clock)
        keeper = _producers(environment, screen, log_dir)
        exits.push_async_callback(keeper.stop)
        keeper.begin()
        await keeper.ready()
        yield keeper


def _clock(options: DemoOptions) -> ScaledClock:
    """Return a clock that begins a cycle when the simulator is ready, as fast as cycles go."""
    wall_ms = int(time.time() * 1000)
    speed = CYCLE_MS / 1000 / options.cycle_s
    return ScaledClock(cycle_of(wall_ms), wall_ms + _SIMULATOR_START_MS, speed)


def _simulator(
    options: DemoOptions, clock: ScaledClock, screen: Screen, log_dir: Path
) -> tuple[Keeper, str]:
    port = free_port()
    # With start, wall time and port it is the same market again after a crash.
    arguments = {
        "--seed": options.seed,
        "--start": clock.start_ms,
        "--wall-start-ms": clock.wall_start_ms,
        "--speed": clock.speed,
        "--port": port,
    }
    command = Command(
        name="simulator",
        argv=(
            sys.executable,
            "-m",
            "producers.simulator",
            *(str(part) for pair in arguments.items() for part in pair),
        ),
        log=log_dir / "simulator.log",
    )
    keeper = Keeper(command, name="simulator", ready_line="READY ", on_event=screen.part)
    return keeper, f"http://127.0.0.1:{port}"


def _producers(environment: Mapping[str, str], screen: Screen, log_dir: Path) -> Keeper:
    command = Command(
        name="producers",
        argv=(sys.executable, "-m", "streams.cli", "producers", "run"),
        log=log_dir / "producers.log",
        environment={**environment, "COLUMNS": "100"},
        grace_s=30.0,
    )
    return Keeper(
        command,
        name="producers",
        ready_line=READY,
        on_event=screen.part,
        progress_line=PROGRESS,
    )


class CycleCount:
    """Sets `reached` when so many cycles have been ranked for every strategy."""

    def __init__(self, cycles: int | None, strategies: int) -> None:
        self._cycles, self._strategies = cycles, strategies
        self._ranked: dict[int, set[str]] = {}
        self.reached = asyncio.Event()

    def __call__(self, top: TopSignals) -> None:
        """Take a ranking."""
        self._ranked.setdefault(top.cycle, set()).add(top.strategy_id)
        whole = sum(len(names) >= self._strategies for names in self._ranked.values())
        if self._cycles is not None and whole >= self._cycles:
            self.reached.set()
