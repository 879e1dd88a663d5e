"""The wall's clock, and one that runs faster, for a rehearsal against the simulator.

Schedules, limits, retries and pauses all go by it, so that a day at 600x is a day to them. Network
timeouts do not: a local server does not answer 600 times as fast.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """The present time, and waiting."""

    def now_ms(self) -> int:
        """Return ms since 1970 UTC; it does not go back by more than the wall clock does."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for a number of this clock's seconds."""
        ...


@dataclass(frozen=True, slots=True)
class ScaledClock:
    """A clock that stood at `start_ms` at the wall time `wall_start_ms`, `speed` times as fast.

    Processes that share the three values agree on the time.
    """

    start_ms: int
    wall_start_ms: int
    speed: float

    def now_ms(self) -> int:
        """Return the scaled time, ms since 1970 UTC."""
        return self.start_ms + int((time.time_ns() / 1e6 - self.wall_start_ms) * self.speed)

    def spec(self) -> str:
        """Return what another process makes the same clock of, see `SourceSettings.clock`."""
        return f"{self.start_ms},{self.wall_start_ms},{self.speed}"

    async def sleep(self, seconds: float) -> None:
        """Wait for a number of scaled seconds."""
        await asyncio.sleep(seconds / self.speed)


class WallClock:
    """The wall's clock."""

    def now_ms(self) -> int:
        """Return the wall time, ms since 1970 UTC."""
        return wall_ms()

    async def sleep(self, seconds: float) -> None:
        """Wait for a number of seconds."""
        await asyncio.sleep(seconds)


def scaled(start_ms: int, speed: float) -> ScaledClock:
    """Return a clock that stands at `start_ms` now. ValueError unless `speed` is above 0."""
    if not speed > 0.0:
        msg = f"speed {speed} is not above 0"
        raise ValueError(msg)
    return ScaledClock(start_ms, wall_ms(), speed)


def wall_ms() -> int:
    """Return the wall time, ms since 1970 UTC."""
    return time.time_ns() // 1_000_000
