"""The three sides of `stage_*`, a process each: a JSON order as argument, a JSON line as result."""

from __future__ import annotations

import json
import os
import sys
from typing import NamedTuple

from benchmarks.job import Times

RESULT = "RESULT "


class Order(NamedTuple):
    """What a side is to do. `schema_ids` are the registry's, `core` the only one it may use."""

    bootstrap: str
    registry_url: str
    schema_ids: dict[str, int]
    input_topic: str
    output_topic: str
    events: int
    partitions: int
    session_timeout_s: float
    group: str
    state_dir: str
    core: int | None


def order() -> Order:
    """Return this process's order, after binding the process to its core."""
    given = Order(**json.loads(sys.argv[1]))
    if given.core is not None:
        os.sched_setaffinity(0, {given.core})
    return given


def report(times: Times) -> None:
    """Report the times, and end the process: the threads of a client may still run."""
    sys.stdout.write(RESULT + json.dumps(times._asdict()) + "\n")
    sys.stdout.flush()
    os._exit(0)
