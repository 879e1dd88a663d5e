"""`backlog_kafka`: six hours of market that nobody has read, worked off with 500 strategies.

The log on Apache Kafka holds the back-fill and 36 cycles of 50 assets before any worker starts;
every strategy watches every asset, so each cycle is 25,000 signals, if it goes out: an engine that
is far ahead of the others has cycles overtaken by later ones (`streams/fusion/fusion_stage.py`).
The result is the length of the backlog over the time from the workers' start until all stages have
applied it.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import AsyncExitStack
from typing import Any
from unittest import mock

import msgspec

from benchmarks import brokers, live
from benchmarks.brokers import NO_KAFKA
from benchmarks.machine import OtherLoad
from benchmarks.report import Result, SkippedError, heading
from embedded.kafka import find_kafka
from marketdata.simulated.assets import ASSETS as CATALOGUE
from marketdata.simulated.simulation import CYCLE_MS, backfill, cycle
from producers.strategies import PREBUILT
from schemas.control import Strategy
from schemas.topics import SIGNALS
from streams.agents.process import WATCHDOG
from streams.agents.supervisor import Supervisor, default_groups
from streams.topology import stage_names, stages
from transport.barrier import PipelineBarrier
from transport.publisher import Publisher

NAME = "backlog_kafka"
_LEAST = 10.0


async def measure(*, quick: bool) -> Result:
    """Fill the log, start the workers, and wait until they are done."""
    strategies, assets, cycles = (8, 5, 6) if quick else (500, live.ASSETS, 36)
    heading(NAME, f"{cycles / 6:g} h of {assets} assets x {strategies} strategies, Apache Kafka")
    if find_kafka() is None:
        raise SkippedError(NO_KAFKA)
    async with AsyncExitStack() as exits:
        site = await exits.enter_async_context(brokers.site("kafka"))
        exits.enter_context(mock.patch.dict(os.environ, site.environment))
        publisher = await exits.enter_async_context(Publisher(site.settings, site.codec))
        events = await asyncio.to_thread(_market, assets, cycles)
        await publisher.publish_many([*_strategies(strategies), *events])
        await publisher.flush()
        groups = default_groups((*stage_names(), WATCHDOG), os.cpu_count())
        supervisor = Supervisor(groups, site.settings, log_dir=site.settings.state_dir / "logs")
        exits.push_async_callback(supervisor.stop)
        other, begin = OtherLoad(), time.perf_counter()
        await supervisor.start()
        barrier = PipelineBarrier(site.settings, stages())
        await barrier.start()
        exits.push_async_callback(barrier.stop)
        await barrier(publisher.positions())
        seconds = time.perf_counter() - begin
        signals = await brokers.ends(site.bootstrap, SIGNALS.name)
        restarts = supervisor.restarts
    most = cycles * assets * strategies
    return _result(cycles, seconds, (sum(signals.values()), most), restarts, other.cores())


def _market(assets: int, cycles: int) -> list[msgspec.Struct]:
    """Return the back-fill and the cycles after it, in the order in which they were observed."""
    begin_ms = int(time.time() * 1000) // CYCLE_MS * CYCLE_MS - (cycles + 1) * CYCLE_MS
    market, events = backfill(live.SEED, begin_ms, CATALOGUE[:assets])
    found = list(events)
    for _ in range(cycles):
        market, events = cycle(market, market.now_ms)
        found += events
    return found


def _strategies(count: int) -> list[Strategy]:
    """Return variations of those that ship; no two have the same thresholds."""
    return [
        msgspec.structs.replace(
            PREBUILT[number % len(PREBUILT)],
            strategy_id=f"strategy-{number}",
            buy_threshold=0.1 + number / 2000,
        )
        for number in range(count)
    ]


def _result(
    cycles: int, seconds: float, signals: tuple[int, int], restarts: int, others: float
) -> Result:
    times = cycles * CYCLE_MS / 1000 / seconds
    records, most = signals
    print(
        f"  {records:,} records of signals in {seconds:.0f} s: {times:.1f}x real time; "
        f"{most:,} in step, the others' cycles were overtaken"
    )
    note = f"other processes kept {others:.2f} cores busy"
    detail: dict[str, Any] = {
        "seconds": round(seconds, 1),
        "signal_records": records,
        "signals_in_step": most,
        "restarts": restarts,
        "other_processes_cores": others,
    }
    return Result(
        NAME,
        round(times, 1),
        "x real time",
        goal=f">= {_LEAST:g}x real time",
        met=times >= _LEAST,
        detail=detail,
        note=note,
    )
