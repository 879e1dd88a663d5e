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
