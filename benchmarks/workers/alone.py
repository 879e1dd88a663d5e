"""What the three sides of `technical_alone` share: a JSON order in, one JSON line out."""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from benchmarks.job import Stopwatch, Times
from benchmarks.workers import RESULT

NAMES = ("MA20", "MA50", "MA200", "RSI14", "RSI30", "MACD", "MACD_SIGNAL", "MACD_HIST", "ATR14")
"""What every side computes of every candle, in the order of its ten `values`: CLOSE is the last."""


class Task(NamedTuple):
    """How many candles of each market (None: all), and the only core to use (None: any)."""

    limit: int | None
    core: int | None


def task() -> Task:
    """Return this process's task, after binding the process to its core."""
    given = Task(**json.loads(sys.argv[1]))
    if given.core is not None:
        os.sched_setaffinity(0, {given.core})
    return given


def timed(work: Callable[[], Any]) -> Times:
    """Return what `work` takes; what was loaded before is no burden on the collector."""
    gc.collect()
    gc.freeze()
    watch = Stopwatch()
    watch.first()
    work()
    return watch.read()


def report(times: Times, values: dict[str, Any], **more: Any) -> None:
    """Report the times and the last ten values of each market, and end the process."""
    result = {"times": times, "values": values, **more}
    plain = {k: v._asdict() if isinstance(v, Times) else v for k, v in result.items()}
    sys.stdout.write(f"\n{RESULT}{json.dumps(plain)}\n")
    sys.stdout.flush()
    os._exit(0)
