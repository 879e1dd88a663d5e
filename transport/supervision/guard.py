"""The small process that stands between an owner and one child: `python -I -S guard.py SPEC`.

Why a process and not `PR_SET_PDEATHSIG` on the child itself: Linux sends that signal when the
*thread* that forked ends, which may be a worker thread of a healthy owner; it is lost when the
child changes its user; it leaves no time for an orderly end; and nobody is left to remove files.
The guard instead holds one end of a pipe (its standard input) whose other end only the owner has.
However the owner ends, SIGKILL included, the kernel closes that end, the guard reads the end of
the file and ends the child. Should the guard itself be killed, PDEATHSIG does end the child: the
guard has a single thread, so there the signal means what it seems to mean.

SPEC is a JSON object: `argv` (the child's command line), `cwd` (folder or null), `owner` (pid),
`user` (null, or [uid, gid] to become), `stop_signal` (number), `grace_s` (seconds from that signal
to SIGKILL when the owner is gone), `remove` (folders to delete when the owner is gone),
`log` and `log_bytes` (the child's log, and the size at which it is begun anew).
Standard input: one byte is the number of a signal for the child's process group; the end of the
file means that the owner is gone. Standard output: one JSON line, {"pid": n} or {"error": text}.
Standard error is the child's log, opened to append: once it is too large it is copied to LOG.1 and
emptied, so the two take no more than twice that and what the child writes in a second.
The exit status is the child's, 128 + n after signal n.
This file imports only the standard library's light parts: it starts in some 20 ms.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
OWNER_CHECK_S = 1.0  # covers a fork of the owner that keeps the pipe open after the owner's end
COPY_BYTES = 1_048_576
ORPHAN_GRACE_S = 1.0  # what the child's own children get after it: PostgreSQL's need some 10 ms
REAP_EVERY_S = 0.005
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def prctl() -> Callable[..., int]:
    """Return Linux's prctl, or a function that does nothing elsewhere."""
    if sys.platform != "linux":
        return lambda *_: 0
    call: Callable[..., int] = ctypes.CDLL(None, use_errno=True).prctl
    return call


def start(spec: dict[str, Any]) -> "subprocess.Popen[bytes]":
    """Start the child in a new session, bound to this process's life.

    Raises OSError when it cannot be executed, PermissionError when the user cannot be taken.
    """
    control = prctl()
    # Orphans of the child come to the guard and not to init, so that none is overlooked.
    control(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    guard = os.getpid()

    def die_with_guard() -> None:
        control(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != guard:  # it ended before the line above
            os._exit(1)

    uid, gid = spec["user"] or (None, None)
    return subprocess.Popen(
        spec["argv"],
        cwd=spec["cwd"],
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        stderr=sys.stderr,
        start_new_session=True,
        user=uid,
        group=gid,
        extra_groups=None if uid is None else [],
        # Safe here: one thread. It runs after the change of user, which would undo the setting.
        preexec_fn=die_with_guard,  # noqa: PLW1509
    )


def send(child: "subprocess.Popen[bytes]", number: int) -> None:
    """Send a signal to the child's process group, if the child is there."""
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)


def wakeup_pipe() -> int:
    """Return a file descriptor that gets a byte, the signal's number, for each signal received."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, *STOP_SIGNALS):
        signal.signal(number, lambda *_: None)
    return reader


def begin_log_anew(path: str, limit: int) -> None:
    """Keep the log below a limit in bytes: what it has goes to LOG.1, in place of what was there.

    Written by its own descriptor and emptied in place, since the child cannot be told of another.
    A line that comes between copy and emptying is lost; on a full disk so is the copy.
    """
    if os.fstat(2).st_size <= limit:
        return
    with contextlib.suppress(OSError), open(path, "rb") as old, open(f"{path}.1", "wb") as kept:
        old.seek(-min(limit, os.fstat(2).st_size), os.SEEK_END)  # the rest is older still
        while data := old.read(COPY_BYTES):
            kept.write(data)
    with contextlib.suppress(OSError):
        os.ftruncate(2, 0)


def watch(child: "subprocess.Popen[bytes]", spec: dict[str, Any], wakeup: int) -> bool:
    """Pass signals on until the child ends (True) or has to be ended (False)."""
    while child.poll() is None:
        ready, _, _ = select.select([0, wakeup], [], [], OWNER_CHECK_S)
        begin_log_anew(spec["log"], spec["log_bytes"])
        if os.getppid() != spec["owner"]:
            return False
        if wakeup in ready and any(number in STOP_SIGNALS for number in os.read(wakeup, 64)):
            return False
        if 0 in ready:
            orders = os.read(0, 64)
            if not orders:
                return False
            for number in orders:
                send(child, number)
    return True


def end(child: "subprocess.Popen[bytes]", stop_signal: int, grace_s: float) -> None:
    """Ask the child to end, and kill it after `grace_s` seconds."""
    send(child, stop_signal)
    try:
        child.wait(grace_s)
    except subprocess.TimeoutExpired:
        send(child, signal.SIGKILL)
        child.wait()


def own_children() -> list[int]:
    """Return the pids of this process's children, [] where the kernel does not list them."""
    me = os.getpid()
    try:
        with open(f"/proc/{me}/task/{me}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def sweep() -> None:
    """Wait for the orphans of the child, and kill those that stay longer than the grace."""
    deadline = time.monotonic() + ORPHAN_GRACE_S
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            if time.monotonic() > deadline:
                for orphan in own_children():
                    os.kill(orphan, signal.SIGKILL)
            time.sleep(REAP_EVERY_S)


def remove(folders: list[str]) -> None:
    """Delete folders; what cannot be deleted stays."""
    import shutil  # here: only the guard of an owner that crashed needs it

    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Run one child to its end and return its exit status, 127 where it could not be started."""
    spec = json.loads(sys.argv[1])
    wakeup = wakeup_pipe()
    try:
        child = start(spec)
    except (OSError, subprocess.SubprocessError) as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return 127
    print(json.dumps({"pid": child.pid}), flush=True)
    os.dup2(2, 1)
    ended_itself = watch(child, spec, wakeup)
    if not ended_itself:
        end(child, spec["stop_signal"], spec["grace_s"])
    sweep()
    if not ended_itself:
        remove(spec["remove"])
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


if __name__ == "__main__":
    sys.exit(main())
