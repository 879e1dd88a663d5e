"""The market of a demo through the real producers, asking the simulator or the real upstreams."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from producers.schedule.cycles import cycle_of
from quantiva.commands.producers import PROGRESS, READY
from quantiva.demo.options import MOST_ASSETS, DemoOptions
from quantiva.demo.screen import Screen
from schemas.signals import TopSignals
from schemas.times import CYCLE_MS
from simulator.server import environment_of
from transport.clock import ScaledClock, wall_ms
from transport.supervision.keeper import Keeper
from transport.supervision.ports import free_port
from transport.supervision.processes import Command

_SIMULATOR_START_MS = 4_000  # wall time until it has computed the market's past


@contextlib.asynccontextmanager
async def asked(
    options: DemoOptions, screen: Screen, log_dir: Path, newest_ms: int
) -> AsyncIterator[tuple[Keeper, ...]]:
    """Run the producers, and the simulator unless the real upstreams are asked, in the context.

    Both are separate processes and are started again when they die. Raises GivenUpError when one
    cannot work at the start; later, `check` of the keepers raises it. `newest_ms` is the time of
    the last tick of an earlier run, 0 without one.
    """
    log_dir.mkdir(parents=True, exist_ok=True)
    environment = dict(os.environ)
    keepers: list[Keeper] = []
    async with contextlib.AsyncExitStack() as exits:

        async def run(keeper: Keeper) -> None:
            exits.push_async_callback(keeper.stop)
            keeper.begin()
            await keeper.ready()
            keepers.append(keeper)

        if options.source == "upstreams":
            clock, port = _clock(options, newest_ms), free_port()
            await run(simulator_of(clock, port, log_dir, screen.part, options.seed, options.assets))
            environment |= environment_of(f"http://127.0.0.1:{port}", clock)
        await run(_producers(environment, screen, log_dir))
        yield tuple(keepers)


def _clock(options: DemoOptions, newest_ms: int) -> ScaledClock:
    """Return a clock that begins a cycle when the simulator is ready, as fast as cycles go.

    In a directory that is kept it is the same market again, and it goes on after the last tick.
    """
    now_ms = wall_ms()
    speed = CYCLE_MS / 1000 / options.cycle_s
    start_ms = cycle_of(now_ms)
    if options.directory is not None:
        file = options.directory.expanduser() / "state" / "market_start_ms"
        if file.exists():
            start_ms = int(file.read_text("ascii"))
        else:
            file.write_text(str(start_ms), "ascii")
    ahead_ms = max(cycle_of(newest_ms) + CYCLE_MS - start_ms, 0) if newest_ms else 0
    return ScaledClock(start_ms, now_ms + _SIMULATOR_START_MS - round(ahead_ms / speed), speed)


def simulator_of(
    clock: ScaledClock,
    port: int,
    log_dir: Path,
    on_event: Callable[[str, str], None],
    seed: int = 1,
    assets: int = MOST_ASSETS,
) -> Keeper:
    """Return the simulator as a separate process, not begun yet; its log goes to `log_dir`."""
    # With start, wall time and port it is the same market again after a crash.
    arguments = {
        "--seed": seed,
        "--assets": assets,
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
            "simulator",
            *(str(part) for pair in arguments.items() for part in pair),
        ),
        log=log_dir / "simulator.log",
    )
    return Keeper(command, name="simulator", ready_line="READY ", on_event=on_event)


def _producers(environment: Mapping[str, str], screen: Screen, log_dir: Path) -> Keeper:
    command = Command(
        name="producers",
        argv=(sys.executable, "-m", "quantiva.cli", "producers", "run"),
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
    """Sets `reached` when `cycles` cycles have been ranked for every strategy; never for None."""

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
