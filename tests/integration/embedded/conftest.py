"""Fixtures for the embedded parts. No part is replaced: each test starts what it names."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]
ENDS_S = 120.0
"""Only what never ends takes so long, also on a busy machine."""


@pytest.fixture
def readiness(request: pytest.FixtureRequest) -> Callable[[str, float], None]:
    """Print how long something took; never a reason to fail."""
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")

    def show(what: str, since: float) -> None:
        took = time.perf_counter() - since
        if reporter is not None:
            reporter.write_line(f"    {what}: {took:.2f} s")

    return show


def runs(process: psutil.Process) -> bool:
    """Return whether it runs; what has ended and waits for pid 1 to take note does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Owner:
    """A process of its own that starts parts, as `quantiva demo` does, and waits for its end."""

    def __init__(self, what: str) -> None:
        self.temporary = Path(tempfile.mkdtemp(prefix="quantiva-own-"))
        self.temporary.chmod(0o755)
        self._popen = subprocess.Popen(
            [sys.executable, str(HERE / "owner.py"), what],
            cwd=REPOSITORY,
            env={**os.environ, "TMPDIR": str(self.temporary)},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._popen.stdout is not None
        line = self._popen.stdout.readline()
        assert line, "the owner ended before its parts were ready"
        self.ready: dict[str, int] = json.loads(line)
        self.family = psutil.Process(self._popen.pid).children(recursive=True)

    def signal(self, number: int) -> None:
        os.kill(self._popen.pid, number)

    def interrupt(self) -> None:
        """Do what the terminal does on Ctrl-C: SIGINT to the whole process group."""
        os.killpg(self._popen.pid, signal.SIGINT)

    def wait(self) -> int:
        return self._popen.wait(ENDS_S)

    def left_over(self, within_s: float = ENDS_S) -> list[psutil.Process]:
        """Return the processes of the family that still run after `within_s` seconds."""
        deadline = time.monotonic() + within_s
        while (left := [p for p in self.family if runs(p)]) and time.monotonic() < deadline:
            time.sleep(0.02)
        return left

    def close(self) -> None:
        if self._popen.poll() is None:
            self._popen.kill()
            self._popen.wait()
        if self._popen.stdout is not None:
            self._popen.stdout.close()
        self.left_over()
        shutil.rmtree(self.temporary)


@pytest.fixture
def start_owner() -> Iterator[Callable[[str], Owner]]:
    owners: list[Owner] = []

    def start(what: str) -> Owner:
        owners.append(Owner(what))
        return owners[-1]

    yield start
    for owner in owners:
        owner.close()
