"""When cycles begin, what runs in them, and reports of the runs. Pure: time is given, ms UTC.

A cycle is named by its start; cycles of one cadence begin at its multiples since 1970, so those of
10 minutes at the tens, hourly ones on the hour.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from schemas.times import CYCLE_MS


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


Outcome = Literal["done", "failed", "cut", "missed"]


@dataclass(frozen=True, slots=True)
class Job:
    """Work that is due once in every cycle.

    `run` gets the cycle's start, ms since 1970 UTC. A run begins up to `jitter_ms` after that
    start, always after the same pause for a cycle. `last_cycle_ms` is the cycle that had its run
    before this process began (None: unknown): without it the present cycle runs at once, with it
    the cycles between are reported as missed. ValueError for a cadence or a jitter that cannot be.
    """

    name: str
    run: Callable[[int], Awaitable[object]]
    cadence_ms: int = CYCLE_MS
    jitter_ms: int = 0
    last_cycle_ms: int | None = None

    def __post_init__(self) -> None:
        if self.cadence_ms <= 0 or not 0 <= self.jitter_ms < self.cadence_ms:
            msg = (
                f"job {self.name}: a cadence of {self.cadence_ms} ms with a jitter of "
                f"{self.jitter_ms} ms: 0 <= jitter < cadence must hold"
            )
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class JobReport:
    """What became of a job's cycles; times by the scheduler's clock.

    done: it ran. failed: it raised `error`. cut: it was cancelled, since the stop did not wait for
    it any longer. missed: `count` cycles from `cycle_ms` on had no run, for the reason in `detail`.
    """

    job: str
    outcome: Outcome
    cycle_ms: int
    started_ms: int
    ended_ms: int
    error: BaseException | None = None
    count: int = 1
    detail: str = ""

    def __str__(self) -> str:
        if self.outcome == "missed":
            return f"{self.job}: {self.count} cycle(s) missed: {self.detail}"
        seconds = (self.ended_ms - self.started_ms) / 1000
        if self.outcome == "failed":
            return f"{self.job} failed after {seconds:.1f} s: {self.detail}"
        if self.outcome == "cut":
            return f"{self.job} was cut off after {seconds:.1f} s: {self.detail}"
        return f"{self.job} took {seconds:.1f} s"
