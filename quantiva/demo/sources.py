"""The market of a demo: simulated, or recorded."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from marketdata.recorded.source import Counts, ReadReport, play, read_directory
from marketdata.simulated.assets import ASSETS
from marketdata.simulated.source import Progress as Simulated
from marketdata.simulated.source import simulate
from producers.schedule.cycles import cycle_of
from quantiva.commands.output import console
from quantiva.demo.options import DemoOptions
from quantiva.demo.screen import Screen
from quantiva.demo.tally import LatencyTally
from quantiva.demo.upstreams import CycleCount, asked
from schemas.times import CYCLE_MS
from schemas.topics import MARKET_TOPICS
from transport.barrier import PipelineBarrier
from transport.clock import wall_ms
from transport.publisher import Publisher

_COLUMNS = (
    TextColumn("        {task.description}"),
    BarColumn(bar_width=30),
    TextColumn("{task.percentage:>5.1f} %  {task.fields[events]:>9,} events"),
    TimeRemainingColumn(compact=True),
)


async def run_source(
    options: DemoOptions,
    publisher: Publisher,
    barrier: PipelineBarrier,
    screen: Screen,
    cycles: CycleCount,
    tally: LatencyTally,
    log_dir: Path,
    newest_ms: int,
) -> None:
    """Publish the whole market that the options ask for.

    `newest_ms` is the market's time of an earlier run's last tick, 0 without one.

    Latencies count from where the back-fill has been applied: a recorded play waits for that by
    itself, unless it is paced.
    """
    if options.data is not None:
        tally.live()
        await _recorded(options, options.data, publisher, barrier, screen)
    elif options.source == "direct":
        await _simulated(options, publisher, barrier, screen, tally, newest_ms)
    else:
        async with (
            asked(options, screen, log_dir, newest_ms) as keepers,
            _live_when_applied(barrier, tally),
        ):
            while not cycles.reached.is_set():
                for keeper in keepers:
                    keeper.check()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(cycles.reached.wait(), 1.0)


@contextlib.asynccontextmanager
async def _live_when_applied(barrier: PipelineBarrier, tally: LatencyTally) -> AsyncIterator[None]:
    """Count latencies once every stage has applied what is in the market topics now.

    The producers are ready, so that is the back-fill; the first cycle queues behind it.
    """

    async def wait() -> None:
        await barrier(await barrier.ends([topic.name for topic in MARKET_TOPICS]))
        tally.live()

    waiting = asyncio.create_task(wait())
    try:
        yield
    finally:
        waiting.cancel()
        await asyncio.wait([waiting])


async def _simulated(
    options: DemoOptions,
    publisher: Publisher,
    barrier: PipelineBarrier,
    screen: Screen,
    tally: LatencyTally,
    newest_ms: int,
) -> None:
    backfilled = False
    start_ms = max(cycle_of(wall_ms()), cycle_of(newest_ms) + CYCLE_MS)

    def on_progress(progress: Simulated) -> None:
        nonlocal backfilled
        if not backfilled:
            backfilled = True
            tally.live()
            screen.say(f"back-fill of {progress.events:,} events published and scored")

    async def wait(positions: Mapping[tuple[str, int], int]) -> None:
        """Let the engines take the whole back-fill in before the first tick comes."""
        if not backfilled or options.cycle_s == 0.0:
            await barrier(positions)

    screen.say(f"publishing 300 candles a timeframe, news, books ... of {options.assets} assets")
    await simulate(
        *(publisher, options.seed, options.cycles, options.cycle_s, on_progress, wait),
        start_ms=start_ms,
        assets=ASSETS[: options.assets],
    )


async def _recorded(
    options: DemoOptions,
    data: Path,
    publisher: Publisher,
    barrier: PipelineBarrier,
    screen: Screen,
) -> None:
    report = ReadReport()
    events = read_directory(data, options.from_ms, options.until_ms, report=report)
    ordered = options.speed is None and options.ordered
    with Progress(*_COLUMNS, console=console, transient=True) as bar:
        span_ms = options.until_ms - options.from_ms
        task = bar.add_task("playing", total=span_ms, events=0)

        def on_progress(counts: Counts) -> None:
            done_ms = min(max(counts.last_observed_ms - options.from_ms, 0), span_ms)
            bar.update(task, completed=done_ms, events=counts.events)

        counts = await play(
            events,
            publisher,
            options.speed,
            barrier if ordered else None,
            on_progress,
            paced_from_ms=options.from_ms,
        )
    screen.say(
        f"played {counts.events:,} events of {len(report.files)} files in {counts.batches} batches"
    )
    for sentence in report.sentences():
        screen.say(sentence)
