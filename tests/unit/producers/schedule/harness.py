"""A scheduler on a virtual clock, and what it did."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from producers.schedule.cycles import Job, JobReport
from producers.schedule.scheduler import Scheduler
from tests.unit.producers.schedule.virtual_clock import VirtualClock, settle

NOON = 1_767_614_400_000
"""2026-01-05 12:00 UTC."""


class Harness:
    """A scheduler on a virtual clock, and what it did."""

    def __init__(self, now_ms: int) -> None:
        self.clock = VirtualClock(now_ms)
        self.told: list[JobReport] = []
        self.runs: list[tuple[str, int, int]] = []

    def job(self, name: str, takes_s: float = 0.0, **options: Any) -> Job:
        """Return a job that takes so long and notes (name, cycle, when it began)."""

        async def run(cycle_ms: int) -> None:
            self.runs.append((name, cycle_ms, self.clock.now_ms()))
            if takes_s:
                await self.clock.sleep(takes_s)

        return Job(name, run, **options)

    def outcomes(self) -> list[tuple[str, int, int]]:
        return [(told.outcome, told.cycle_ms - NOON, told.count) for told in self.told]

    @asynccontextmanager
    async def running(self, *jobs: Job, seed: int = 0) -> AsyncIterator[Scheduler]:
        scheduler = Scheduler(self.clock, jobs, self.told.append, seed=seed)
        serving = asyncio.create_task(scheduler.run())
        await settle()
        yield scheduler
        await scheduler.stop(deadline_s=0.0)
        await serving
