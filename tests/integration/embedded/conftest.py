"""Fixtures for the embedded parts. No part is replaced: each test starts what it names."""

import json
import os
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


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder every user can enter; pytest's is closed to the user who runs PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="quantiva-test-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@pytest.fixture
def readiness(request: pytest.FixtureRequest) -> Callable[[str, float], None]:
    """Print how long something took; never a reason to fail."""
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")

    def show(what: str, since: float) -> None:
        took = time.perf_counter() - since
        if reporter is not None:
            reporter.write_line(f"    {what}: {took:.2f} s")

    return show


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
        return self._popen.wait(20)

    def left_over(self, within_s: float = 10.0) -> list[psutil.Process]:
        """Return the processes of the family that are still there after `within_s` seconds."""
        return psutil.wait_procs(self.family, timeout=within_s)[1]

    def close(self) -> None:
        if self._popen.poll() is None:
            self._popen.kill()
            self._popen.wait()
        if self._popen.stdout is not None:
            self._popen.stdout.close()
        self.left_over()
        for path in sorted(self.temporary.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        self.temporary.rmdir()


@pytest.fixture
def start_owner() -> Iterator[Callable[[str], Owner]]:
    owners: list[Owner] = []

    def start(what: str) -> Owner:
        owners.append(Owner(what))
        return owners[-1]

    yield start
    for owner in owners:
        owner.close()
