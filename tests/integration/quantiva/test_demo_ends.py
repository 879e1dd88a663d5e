"""A demo whose parts die or hang: it starts them again or ends, and Ctrl-C always ends it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

pytestmark = [pytest.mark.embedded, pytest.mark.slow]

ENDS_S = 10.0
_SLACK_S = 3.0
"""What a busy machine may add to the end of the last process."""


class Demo:
    """A demo as its user runs it, and all that it says."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said = ""
        self.family: list[psutil.Process] = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.said += line.decode()

    async def until(self, text: str, within_s: float = 500.0) -> None:
        async with asyncio.timeout(within_s):
            while text not in self.said:
                assert self.process.returncode is None, self.said
                await asyncio.sleep(0.05)
        self.family = psutil.Process(self.process.pid).children(recursive=True)

    def signal_part(self, words: str, number: int) -> None:
        """Send a signal to the one process of this family whose command line has the words."""
        found = [p for p in self.family if words in " ".join(p.cmdline())]
        parts = [p for p in found if "guard.py" not in " ".join(p.cmdline())]
        assert parts, f"no {words} among {[p.cmdline()[:3] for p in self.family]}"
        parts[0].send_signal(number)

    async def end(self, number: int = signal.SIGINT) -> float:
        """Send a signal and return how many seconds it took to end."""
        since_s = time.monotonic()
        self.process.send_signal(number)
        await asyncio.wait_for(self.process.wait(), 60)
        await self._reading
        return time.monotonic() - since_s

    def left_over(self) -> list[psutil.Process]:
        deadline_s = time.monotonic() + _SLACK_S
        while (left := [p for p in self.family if _runs(p)]) and time.monotonic() < deadline_s:
            time.sleep(0.05)
        return left


def _runs(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "quantiva.cli", "demo", "--direct", "--assets", "4"),
        *("--cycle-seconds", "2"),
        *("--directory", str(tmp_path / "kept")),
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    found = Demo(process)
    yield found
    if process.returncode is None:
        process.kill()
        await process.wait()
    for left in found.left_over():
        left.kill()


DATABASE, WORKER = "pginstall/bin/postgres -D", "streams.agents.process"
BROKER, TANSU = "embedded.durable", "tansu broker"


@pytest.mark.parametrize(
    ("part", "said"),
    [
        pytest.param(BROKER, "broker             ended", id="broker"),
        pytest.param(TANSU, "", id="tansu", marks=pytest.mark.long),
        pytest.param(DATABASE, "database           ended", id="database", marks=pytest.mark.long),
    ],
)
async def test_case_reliability_7_a_dead_part_is_started_again(
    demo: Demo, part: str, said: str
) -> None:
    await demo.until("cycle 20")
    demo.signal_part(part, signal.SIGKILL)
    cycles = demo.said.count("cycle 20")
    async with asyncio.timeout(500):
        while demo.said.count("cycle 20") < cycles + 3:
            assert demo.process.returncode is None, demo.said
            await asyncio.sleep(0.1)
    assert said in demo.said
    assert await demo.end() < ENDS_S
    assert demo.process.returncode == 0
    assert "rows stored" in demo.said
    assert "not known" not in demo.said
    assert demo.left_over() == []


async def test_case_reliability_7_a_part_that_cannot_come_back_ends_it_with_a_sentence(
    demo: Demo, tmp_path: Path
) -> None:
    await demo.until("everything is ready")
    (tmp_path / "kept" / "broker" / "log.sqlite").write_bytes(b"no database" * 1000)
    demo.signal_part(BROKER, signal.SIGKILL)
    await asyncio.wait_for(demo.process.wait(), 12 * ENDS_S)  # with two starts of a broker
    assert demo.process.returncode == 1
    await asyncio.sleep(0.1)
    assert "log.sqlite cannot be used" in " ".join(demo.said.split())
    assert demo.left_over() == []


@pytest.mark.parametrize(
    ("part", "number"),
    [
        pytest.param(BROKER, signal.SIGINT, id="broker"),
        pytest.param(DATABASE, signal.SIGTERM, id="database", marks=pytest.mark.long),
        pytest.param(WORKER, signal.SIGINT, id="worker", marks=pytest.mark.long),
    ],
)
async def test_one_signal_ends_it_when_a_part_hangs(demo: Demo, part: str, number: int) -> None:
    await demo.until("everything is ready")
    demo.signal_part(part, signal.SIGSTOP)
    await asyncio.sleep(1.0)
    assert await demo.end(number) < ENDS_S
    assert "signals by action" in demo.said, "the summary"
    assert demo.left_over() == []


@pytest.mark.parametrize(
    "hang",
    [
        pytest.param(BROKER, id="broker hangs", marks=pytest.mark.long),
        pytest.param(None, id="all is well"),
    ],
)
async def test_one_signal_ends_it_before_it_is_ready(demo: Demo, hang: str | None) -> None:
    await demo.until("created")
    if hang is not None:
        demo.signal_part(hang, signal.SIGSTOP)
    assert await demo.end() < ENDS_S
    assert demo.process.returncode == 130
    assert demo.left_over() == []
