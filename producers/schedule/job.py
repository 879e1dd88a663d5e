"""What a scheduler runs, and what it tells of the runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from producers.schedule.cycles import CYCLE_MS

Outcome = Literal["done", "failed", "cut", "missed"]


@dataclass(frozen=True, slots=True)
class Job:
    """Work that is due once in every cycle.

    `run` gets the cycle's start, ms since 1970 UTC. A run begins up to `jitter_ms` after that
    start, always after the same pause for a cycle. `last_cycle_ms` is the cycle that had its run
    before this process began (None: unknown): without it the present cycle runs at once, with it
    what lies between is told as missed. ValueError for a cadence or a jitter that cannot be.
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
class Told:
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
