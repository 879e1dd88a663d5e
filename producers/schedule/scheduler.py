"""Runs jobs on their cadences, each alone with itself: a run never overlaps the one before it.

A job that is still running when it is due again misses that cycle, which is reported at once, not
when the run ends. Missed cycles are not caught up on: what they would have fetched is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from producers.schedule.cycles import Job, JobReport, Outcome, cycle_of, jitter_of, missed
from transport.clock import Clock

_LONGEST_SLEEP_S = 60.0
"""A sleep does not count the time that the machine was suspended: the clock is looked at again."""
_CANCEL_S = 1.0
"""Wall seconds for a cancelled run to clean up; one that takes longer is left behind."""


class Scheduler:
    """`await scheduler.run()` serves the jobs until `await scheduler.stop()`.

    `on_report` is called after every run and for every missed cycle, also after runs that raised:
    they end nothing but themselves. `seed` draws the jitter. ValueError when two jobs have one
    name.
    """

    def __init__(
        self,
        clock: Clock,
        jobs: Sequence[Job],
        on_report: Callable[[JobReport], None],
        *,
        seed: int = 0,
    ) -> None:
        names = [job.name for job in jobs]
        if len(set(names)) < len(names):
            msg = f"two jobs have one name: {', '.join(sorted(names))}"
            raise ValueError(msg)
        self._clock = clock
        self._jobs = tuple(jobs)
        self._on_report = on_report
        self._seed = seed
        self._serving: dict[str, asyncio.Task[None]] = {}
        self._running: dict[str, asyncio.Task[object]] = {}
        self._stopping = False
        self._ended = asyncio.Event()
        self._ended.set()

    @property
    def running(self) -> tuple[str, ...]:
        """The jobs that have a run under way."""
        return tuple(self._running)

    async def run(self) -> None:
        """Serve the jobs until `stop`. A defect in `on_report` ends it with an ExceptionGroup.

        Cancelled, it cancels the runs that are under way, and waits for them for 1 s.
        """
        self._ended.clear()
        try:
            async with asyncio.TaskGroup() as group:
                for job in self._jobs:
                    self._serving[job.name] = group.create_task(self._serve(job), name=job.name)
        finally:
            self._ended.set()

    async def stop(self, deadline_s: float = 10.0) -> None:
        """Begin no run any more, and return when none is under way.

        Runs get `deadline_s` wall seconds to end; then they are cancelled, which is reported.
        """
        self._stopping = True
        for name, serving in self._serving.items():
            if name not in self._running:
                serving.cancel()
        if self._running:
            _, late = await asyncio.wait(self._running.values(), timeout=deadline_s)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=_CANCEL_S)
        for name, task in list(self._running.items()):
            if not task.done():  # deaf to its cancellation
                self._serving[name].cancel()
        await self._ended.wait()

    async def _serve(self, job: Job) -> None:
        last_ms, due_ms = job.last_cycle_ms, self._clock.now_ms()
        if last_ms is not None and last_ms >= cycle_of(due_ms, job.cadence_ms):
            due_ms = self._due_after(job, last_ms)
        while not self._stopping:
            await self._until(due_ms)
            now_ms = self._clock.now_ms()
            self._report_missed(job, last_ms, now_ms, "nothing ran at that time")
            last_ms = await self._run(job, cycle_of(now_ms, job.cadence_ms))
            due_ms = self._due_after(job, last_ms)

    async def _run(self, job: Job, cycle_ms: int) -> int:
        """Run a job; return the last cycle that is settled by then, as run or as missed."""
        started_ms, last_ms = self._clock.now_ms(), cycle_ms
        task = asyncio.ensure_future(_called(job, cycle_ms))
        self._running[job.name] = task
        try:
            while not await self._is_done_by(task, self._due_after(job, last_ms)):
                last_ms = self._overrun(job, cycle_ms, last_ms)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task}, timeout=_CANCEL_S)
            self._report_end(job, cycle_ms, started_ms, task, is_cut=True)
            raise
        finally:
            del self._running[job.name]
        self._report_end(job, cycle_ms, started_ms, task, is_cut=self._stopping)
        return last_ms

    def _overrun(self, job: Job, cycle_ms: int, last_ms: int) -> int:
        """Report the cycles that have come due beside a run; return the last of them."""
        if self._stopping:
            return cycle_of(self._clock.now_ms(), job.cadence_ms)
        present_ms = cycle_of(self._clock.now_ms(), job.cadence_ms)
        late_s = (self._clock.now_ms() - cycle_ms) / 1000
        why = f"the run of the cycle that began {late_s:.0f} s ago is still under way"
        self._report_missed(job, last_ms, present_ms + job.cadence_ms, why)
        return max(present_ms, last_ms)

    async def _is_done_by(self, task: asyncio.Task[object], due_ms: int) -> bool:
        timer = asyncio.ensure_future(self._until(due_ms))
        try:
            await asyncio.wait({task, timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
        return task.done()

    async def _until(self, due_ms: int) -> None:
        while (rest_ms := due_ms - self._clock.now_ms()) > 0:
            await self._clock.sleep(min(rest_ms / 1000, _LONGEST_SLEEP_S))

    def _due_after(self, job: Job, last_ms: int) -> int:
        following_ms = last_ms + job.cadence_ms
        return following_ms + jitter_of(self._seed, job.name, following_ms, job.jitter_ms)

    def _report_missed(self, job: Job, last_ms: int | None, now_ms: int, why: str) -> None:
        cycles = missed(last_ms, now_ms, job.cadence_ms)
        if cycles:
            at_ms = self._clock.now_ms()
            count = len(cycles)
            report = JobReport(job.name, "missed", cycles[0], at_ms, at_ms, count=count, detail=why)
            self._on_report(report)

    def _report_end(
        self,
        job: Job,
        cycle_ms: int,
        started_ms: int,
        task: asyncio.Task[object],
        *,
        is_cut: bool,
    ) -> None:
        outcome, error, detail = _judged(task, is_cut=is_cut)
        ended_ms = self._clock.now_ms()
        report = JobReport(job.name, outcome, cycle_ms, started_ms, ended_ms, error, detail=detail)
        self._on_report(report)


async def _called(job: Job, cycle_ms: int) -> object:
    return await job.run(cycle_ms)


def _judged(
    task: asyncio.Task[object], *, is_cut: bool
) -> tuple[Outcome, BaseException | None, str]:
    if not task.done():
        return "cut", None, "it goes on in spite of its cancellation, and is left behind"
    if task.cancelled():
        if is_cut:
            return "cut", None, "the stop waited for it no longer"
        return "failed", None, "it was cancelled from within"
    error = task.exception()
    if error is None:
        return "done", None, ""
    return "failed", error, f"{type(error).__name__}: {error}"
