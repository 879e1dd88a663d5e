"""A program that is kept running: when it is ready, when it dies, and when it is given up."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from transport.supervision.keeper import GivenUpError, Keeper
from transport.supervision.processes import Command

pytestmark = pytest.mark.embedded
READY = "READY here"
WORKS = f"print('* half way', flush=True); print('{READY}', flush=True); time.sleep(60)"


def keeper(folder: Path, script: str, **options: object) -> tuple[Keeper, list[str]]:
    events: list[str] = []
    argv = (sys.executable, "-I", "-S", "-c", f"import os, pathlib, sys, time; {script}")
    command = Command(name="The program", argv=argv, log=folder / "log", cwd=folder)
    kept = Keeper(
        command,
        name="program",
        ready_line="READY",
        on_event=lambda who, what: events.append(f"{who}: {what}"),
        progress_line="* ",
        **options,  # type: ignore[arg-type]
    )
    return kept, events


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_it_tells_progress_until_it_is_ready_and_ends_with_its_owner_s_stop(
    folder: Path,
) -> None:
    kept, events = keeper(folder, WORKS)
    kept.begin()
    await asyncio.wait_for(kept.ready(), 20)
    pid = kept.pid
    assert pid is not None
    assert events == ["program: started", "program: half way", "program: ready"]
    await kept.stop()
    assert kept.pid is None
    assert not psutil.pid_exists(pid)


async def test_a_half_written_line_is_no_line(folder: Path) -> None:
    kept, events = keeper(
        folder,
        "sys.stdout.write('REA'); sys.stdout.flush(); time.sleep(0.3); "
        "print('DY', flush=True); time.sleep(60)",
    )
    kept.begin()
    try:
        await asyncio.wait_for(kept.ready(), 20)
        assert events[-1] == "program: ready"
    finally:
        await kept.stop()


async def test_killed_it_starts_again_and_tells_its_status_first(folder: Path) -> None:
    exits: list[int] = []

    async def on_exit(status: int) -> None:
        exits.append(status)

    kept, events = keeper(folder, WORKS, on_exit=on_exit)
    kept.begin()
    try:
        await asyncio.wait_for(kept.ready(), 20)
        first = kept.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: events.count("program: ready") == 2)
        assert kept.pid != first
        assert exits == [128 + signal.SIGKILL]
        assert kept.restarts == 1
        assert "program: ended with status 137, starting again in 0.2 s" in events
    finally:
        await kept.stop()


async def test_the_pauses_between_starts_grow(folder: Path) -> None:
    kept, events = keeper(folder, "raise SystemExit(3)")
    kept.begin()
    try:
        await until(lambda: kept.restarts >= 3)
        pauses = [line.rsplit(" ", 2)[1] for line in events if "starting again" in line]
        assert pauses[:3] == ["0.2", "0.4", "0.8"]
    finally:
        await kept.stop()


async def test_a_program_that_cannot_work_is_given_up_with_its_last_words(folder: Path) -> None:
    kept, events = keeper(folder, "print('no broker: set an address'); raise SystemExit(2)")
    kept.begin()
    with pytest.raises(GivenUpError, match=r"The program cannot work:\n.*no broker: set an addr"):
        await asyncio.wait_for(kept.ready(), 20)
    with pytest.raises(GivenUpError):
        kept.check()
    assert kept.restarts == 0
    assert events == ["program: started"]
    await kept.stop()


async def test_it_must_be_begun(folder: Path) -> None:
    kept, _ = keeper(folder, WORKS)
    with pytest.raises(RuntimeError, match="program was not begun"):
        await kept.ready()
    kept.check()
    await kept.stop()
