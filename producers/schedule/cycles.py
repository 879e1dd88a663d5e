"""When cycles begin. Pure: the time is given, ms since 1970 UTC.

A cycle is named by its start; cycles of one cadence begin at its multiples since 1970, so those of
10 minutes at the tens, hourly ones on the hour.
"""

from __future__ import annotations

import random
from typing import Final

CYCLE_MS: Final = 600_000
HOUR_MS: Final = 3_600_000
MINUTE_MS: Final = 60_000


def cycle_of(now_ms: int, cadence_ms: int = CYCLE_MS) -> int:
    """Return the start of the cycle that a time lies in."""
    return now_ms // cadence_ms * cadence_ms


def next_start(now_ms: int, jitter_ms: int = 0, cadence_ms: int = CYCLE_MS) -> int:
    """Return the first time after `now_ms` that lies `jitter_ms` after the start of a cycle.

    ValueError unless 0 <= jitter_ms < cadence_ms: the run would belong to another cycle.
    """
    _check(jitter_ms, cadence_ms)
    return cycle_of(now_ms - jitter_ms, cadence_ms) + cadence_ms + jitter_ms


def missed(last_cycle_ms: int | None, now_ms: int, cadence_ms: int = CYCLE_MS) -> range:
    """Return the starts of the cycles between the last one that ran and the present one.

    Both are left out; nothing is missed when none has run yet (None).
    """
    if last_cycle_ms is None:
        return range(0)
    return range(last_cycle_ms + cadence_ms, cycle_of(now_ms, cadence_ms), cadence_ms)


def jitter_of(seed: int, name: str, cycle_ms: int, most_ms: int) -> int:
    """Return how long after its start a cycle's run begins: 0 to `most_ms`.

    It depends on nothing but the arguments, so it is the same after a restart.
    """
    return random.Random(f"{seed}:{name}:{cycle_ms}").randint(0, most_ms)


def _check(jitter_ms: int, cadence_ms: int) -> None:
    if not 0 <= jitter_ms < cadence_ms:
        msg = f"a jitter of {jitter_ms} ms does not lie within the cadence of {cadence_ms} ms"
        raise ValueError(msg)
