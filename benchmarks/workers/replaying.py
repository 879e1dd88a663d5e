"""One whole replay, bound to cores: a JSON order as argument, a JSON line as result."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from typing import Any

from benchmarks.workers import RESULT
from producers.strategies import PREBUILT
from streams.replay.run import replay
from streams.replay.sources import ArchiveSource, DirectorySource, Source

PARTITIONS = 8


def source_of(order: dict[str, Any]) -> Source:
    """Return the source that an order names."""
    if "archive" in order:
        return ArchiveSource(address=order["archive"])
    return DirectorySource(
        path=order["directory"],
        start_ms=order["start_ms"],
        until_ms=order["until_ms"],
        cycle_ms=order["cycle_ms"],
        partitions=PARTITIONS,
        strategies=PREBUILT,
    )


def main() -> None:
    """Replay on the cores of the order: every process of the replay is bound to them."""
    order = json.loads(sys.argv[1])
    if order["cores"]:
        os.sched_setaffinity(0, order["cores"])
    started_s = time.perf_counter()
    summary = replay(source_of(order), jobs=order["jobs"], is_brief=order.get("is_brief", False))
    wall_s = time.perf_counter() - started_s
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = sum(one.ru_utime + one.ru_stime for one in (own, children))
    found = {
        "events": summary.market.total(),
        "market": dict(summary.market),
        "produced": dict(summary.produced),
        "peak_mib": round(summary.peak_kib / 1024, 1),
        "wall_s": round(wall_s, 3),
        "cpu_s": round(cpu_s, 3),
    }
    sys.stdout.write(RESULT + json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
