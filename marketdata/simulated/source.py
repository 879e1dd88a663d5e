"""Publishes the simulated market: its back-fill, then cycle after cycle at a given pace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from marketdata.conflict_free_batches import chunks, conflict_free_batches
from marketdata.recorded.source import Barrier
from marketdata.simulated.assets import ASSETS, Asset
from marketdata.simulated.simulation import backfill, cycle
from schemas.events import MarketEvent
from schemas.times import CYCLE_MS
from transport.clock import wall_ms
from transport.publisher import Publisher


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a simulation is: cycles published, the last one's start (ms), events in all.

    `cycles` is 0 after the back-fill.
    """

    cycles: int
    cycle_ms: int
    events: int


async def simulate(
    publisher: Publisher,
    seed: int,
    cycles: int | None,
    cycle_s: float,
    on_progress: Callable[[Progress], None] | None = None,
    barrier: Barrier | None = None,
    *,
    start_ms: int | None = None,
    assets: Sequence[Asset] = ASSETS,
) -> Progress:
    """Publish a back-fill and then `cycles` ten-minute cycles (None: until cancelled).

    Each cycle's events are spread over `cycle_s` wall seconds; 600 is real time, 0 as fast as it
    goes. `start_ms` is the first cycle's start (default: the last multiple of ten minutes before
    the wall clock); with less than 600 s a cycle, event time runs ahead of the wall clock. With
    `barrier` events go in waves as in `recorded.play`. `on_progress` is called after the back-fill
    and after each cycle, when all is acknowledged. Raises ValueError for a negative `cycle_s` or
    a `start_ms` that is no cycle's start, PublishError as the publisher does.
    """
    if cycle_s < 0.0:
        msg = f"cycle_s {cycle_s} is negative"
        raise ValueError(msg)
    if start_ms is None:
        start_ms = wall_ms() // CYCLE_MS * CYCLE_MS
    # Seconds of pure computing: beside the event loop, so that others go on.
    state, events = await asyncio.to_thread(backfill, seed, start_ms, assets)
    await _publish(publisher, events, barrier)
    progress = Progress(0, start_ms, len(events))
    _report(on_progress, progress)
    begun_s = time.monotonic()
    while cycles is None or progress.cycles < cycles:
        cycle_ms = state.now_ms
        state, events = await asyncio.to_thread(cycle, state, cycle_ms)
        due_s = begun_s + progress.cycles * cycle_s
        await _paced(publisher, events, barrier, cycle_ms, cycle_s, due_s)
        progress = Progress(progress.cycles + 1, cycle_ms, progress.events + len(events))
        _report(on_progress, progress)
    return progress


def _report(on_progress: Callable[[Progress], None] | None, progress: Progress) -> None:
    if on_progress is not None:
        on_progress(progress)


async def _paced(
    publisher: Publisher,
    events: Sequence[MarketEvent],
    barrier: Barrier | None,
    cycle_ms: int,
    cycle_s: float,
    due_s: float,
) -> None:
    """Publish a cycle's events, each when its part of the cycle has passed since `due_s`."""
    position = 0
    while position < len(events):
        share = (events[position].observed_at - cycle_ms) / CYCLE_MS
        await asyncio.sleep(max(0.0, due_s + share * cycle_s - time.monotonic()))
        passed = (time.monotonic() - due_s) / cycle_s if cycle_s > 0.0 else 1.0
        until_ms = max(cycle_ms + passed * CYCLE_MS, events[position].observed_at)
        end = position
        while end < len(events) and events[end].observed_at <= until_ms:
            end += 1
        await _publish(publisher, events[position:end], barrier)
        position = end


async def _publish(
    publisher: Publisher, events: Sequence[MarketEvent], barrier: Barrier | None
) -> None:
    for group in chunks(events) if barrier is None else conflict_free_batches(events):
        await publisher.publish_many(group)
        if barrier is not None:
            await publisher.flush()
            await barrier(publisher.positions())
    await publisher.flush()
