"""Children that end when their owner ends, however it ends, and that only the owner may stop.

A child is started through `guard.py`, a small process that watches a pipe to the owner; the
docstring there says why. The child has its own session, so the terminal's Ctrl-C does not reach
it: the owner gets the signal and stops its parts in the order that it wants.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from transport.logs import file_bytes
from transport.supervision.ports import free_port

__all__ = ["Child", "Command", "StartError", "free_port", "kill_all", "tail"]

GUARD = Path(__file__).with_name("guard.py")
POLL_S = 0.005
_guards: "weakref.WeakSet[subprocess.Popen[bytes]]" = weakref.WeakSet()
GUARD_START_S = 15.0  # 0.03 s on an idle machine; a loaded one must not fail for it


class StartError(RuntimeError):
    """A part could not be started: the message has the failure, the log and the remedy."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, and how to end it.

    `name` is for messages. `log` gets the child's output, appended; its folder must exist, and once
    it is larger than QUANTIVA_LOG_FILE_MB it is begun anew, the older part beside it as LOG.1.
    `environment` replaces the owner's, None keeps it. `user` is the (uid, gid) to become, only for
    root. `stop_signal` asks for an orderly end (0: it ends by itself), `grace_s` is the time in
    seconds until SIGKILL follows. `remove` are folders to delete should the owner crash.
    """

    name: str
    argv: tuple[str, ...]
    log: Path
    cwd: Path | None = None
    environment: Mapping[str, str] | None = None
    user: tuple[int, int] | None = None
    stop_signal: int = signal.SIGTERM
    grace_s: float = 5.0
    remove: tuple[Path, ...] = ()

    def spec(self) -> str:
        """Return the guard's argument: JSON, see guard.py."""
        return json.dumps(
            {
                "argv": self.argv,
                "cwd": None if self.cwd is None else str(self.cwd),
                "owner": os.getpid(),
                "user": self.user,
                "stop_signal": int(self.stop_signal),
                "grace_s": self.grace_s,
                "remove": [str(folder) for folder in self.remove],
                "log": str(self.log.absolute()),
                "log_bytes": file_bytes(),
            }
        )


class Child:
    """A running child and its guard."""

    def __init__(self, command: Command, guard: "subprocess.Popen[bytes]", pid: int) -> None:
        self.command = command
        self.pid = pid
        self._guard = guard

    @classmethod
    async def start(cls, command: Command) -> Self:
        """Start `command`; returns once it is executing, in some 0.05 s.

        Raises StartError when it cannot be executed. Cancelled, it leaves nothing behind.
        """
        guard = _start_guard(command)
        try:
            report = await _read_report(guard)
        except TimeoutError:
            _abandon(guard)
            report = {"error": f"its guard said nothing within {GUARD_START_S:g} s"}
        except BaseException:
            _abandon(guard)
            raise
        if "pid" not in report:
            _abandon(guard)
            message = f"{command.name} could not be started: {report['error']}"
            raise StartError(message)
        return cls(command, guard, int(report["pid"]))

    @property
    def returncode(self) -> int | None:
        """The exit status, 128 + n after signal n, or None while it runs."""
        return self._guard.poll()

    def is_running(self) -> bool:
        """Return whether the child runs; False means that all of its processes have gone."""
        return self.returncode is None

    def send(self, number: int) -> None:
        """Send a signal to the child's process group; nothing happens when it has ended."""
        # Through the guard, which has not reaped it yet: no signal ever meets a reused pid.
        _order(self._guard, number)

    async def wait(self, timeout_s: float | None = None) -> int:
        """Return the exit status once all processes have gone; TimeoutError after `timeout_s`."""
        async with asyncio.timeout(timeout_s):
            while (code := self.returncode) is None:
                await asyncio.sleep(POLL_S)
        _close(self._guard)
        return code

    async def stop(self) -> int:
        """Ask the child to end, kill it after its grace, and return the exit status.

        Cancelled, it kills at once and waits for the end all the same, at most some 1.1 s.
        """
        self.send(self.command.stop_signal)
        try:
            return await self.wait(self.command.grace_s)
        except TimeoutError:
            return await self.kill()
        except BaseException:
            _abandon(self._guard)
            raise

    async def kill(self) -> int:
        """Kill the child (SIGKILL) and return the exit status once all processes have gone."""
        self.send(signal.SIGKILL)
        return await self.wait()


def kill_all() -> None:
    """Kill every child of this process and return once all of their processes have gone.

    For a process that could not end its children in order; from any thread, blocking some 1.1 s.
    """
    left = [guard for guard in list(_guards) if guard.poll() is None]
    for guard in left:
        _order(guard, signal.SIGKILL)
    for guard in left:
        with contextlib.suppress(subprocess.TimeoutExpired):
            guard.wait(2.0)


def _start_guard(command: Command) -> "subprocess.Popen[bytes]":
    with command.log.open("ab") as log:
        # -I and -S: neither the environment nor site-packages may change or slow the guard.
        guard = subprocess.Popen(
            [sys.executable, "-I", "-S", str(GUARD), command.spec()],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=None if command.environment is None else dict(command.environment),
            start_new_session=True,
        )
    _guards.add(guard)
    return guard


async def _read_report(guard: "subprocess.Popen[bytes]") -> dict[str, str]:
    """Read the guard's one line without blocking the event loop."""
    assert guard.stdout is not None  # noqa: S101 - for mypy: it was started with a pipe
    output = guard.stdout.fileno()
    os.set_blocking(output, False)
    line = b""
    async with asyncio.timeout(GUARD_START_S):
        while not line.endswith(b"\n"):
            try:
                chunk = os.read(output, 65536)
            except BlockingIOError:
                await asyncio.sleep(POLL_S)
                continue
            if not chunk:
                return {"error": f"its guard ({GUARD.name}) ended with status {guard.wait()}"}
            line += chunk
    report: dict[str, str] = json.loads(line)
    return report


def _order(guard: "subprocess.Popen[bytes]", number: int) -> None:
    """Have the guard send a signal; nothing happens when it has ended."""
    if guard.stdin is None or guard.stdin.closed or guard.poll() is not None:
        return
    with contextlib.suppress(BrokenPipeError):
        guard.stdin.write(bytes([number]))


def _abandon(guard: "subprocess.Popen[bytes]") -> None:
    """Kill what the guard has started and wait for the end, at most some 1.1 s, blocking."""
    _order(guard, signal.SIGKILL)
    _close(guard)
    guard.wait()


def _close(guard: "subprocess.Popen[bytes]") -> None:
    """Close the pipes; a guard that still runs takes it as its owner's end, and ends its child."""
    for pipe in (guard.stdin, guard.stdout):
        if pipe is not None:
            pipe.close()
    guard.poll()


def tail(log: Path, lines: int = 8) -> str:
    """Return the last lines of a log, indented, at most 2,000 characters; "" when unreadable."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])[-2000:]
