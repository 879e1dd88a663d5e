"""`quantiva worker [STAGES]`: the stages of the topology, a process each, kept running."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated

import typer

from quantiva.commands.output import console, fail
from quantiva.discovery import load_settings


def worker(
    stages: Annotated[
        list[str] | None,
        typer.Argument(help="Which stages; all of them when none is named.", show_default=False),
    ] = None,
    processes: Annotated[
        int | None, typer.Option(help="Spread the stages over so many processes.", min=1)
    ] = None,
) -> None:
    """Run scoring engines, fusion, the confidence agent and the cycle watchdog until Ctrl-C.

    Start it several times and the workers share the partitions. A process that dies is started
    again; one that has records to read and commits nothing for 30 s is ended and started again.
    """
    from streams.agents.process import WATCHDOG
    from streams.topology import stage_names
    from transport.supervision.keeper import GivenUpError

    known = [*stage_names(), WATCHDOG]
    unknown = [name for name in stages or [] if name not in known]
    if unknown:
        fail(f"no stage {unknown[0]!r}; there are {', '.join(known)}", 2)
    try:
        asyncio.run(_run(list(stages or known), processes))
    except (GivenUpError, ValueError) as error:
        fail(str(error))


async def _run(stages: list[str], processes: int | None) -> None:
    from streams.agents.supervisor import Supervisor, default_groups

    settings = load_settings()
    settings.require_bootstrap()
    settings.require_registry()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    supervisor = Supervisor(
        default_groups(stages, processes),
        settings,
        log_dir=settings.state_dir / "logs",
        on_event=lambda name, what: console.print(f"worker {name}: {what}"),
    )
    starting = asyncio.ensure_future(supervisor.start())
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            console.print(f"all {len(stages)} stages are ready; Ctrl-C stops them")
        while not stop.is_set():
            await supervisor.check()
            try:
                await asyncio.wait_for(stop.wait(), 1.0)
            except TimeoutError:
                continue
    finally:
        starting.cancel()
        await supervisor.stop()
