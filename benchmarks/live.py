"""The whole platform on the embedded broker, as `latency_500` and `full_cycle` measure it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks import brokers
from marketdata.simulated.assets import ASSETS as CATALOGUE
from marketdata.simulated.simulation import CYCLE_MS, backfill, cycle
from marketdata.simulated.state import MarketState
from producers.strategies import publish_prebuilt
from streams.agents.process import WATCHDOG
from streams.agents.supervisor import Supervisor, default_groups
from streams.topology import stage_names, stages
from transport import clients
from transport.barrier import PipelineBarrier
from transport.publisher import Publisher

SEED = 11
ASSETS, QUICK_ASSETS = 50, 5
_PAST_CYCLES = 40
"""The simulated market starts that long ago, so that its records are never of the future."""

OnRecord = Callable[[Any, float], None]


@dataclass(slots=True)
class Platform:
    """Workers that run, a publisher, and a simulated market that goes on cycle by cycle."""

    site: brokers.Site
    publisher: Publisher
    barrier: PipelineBarrier
    market: MarketState
    layout: str
    supervisor: Supervisor
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def publish(self, events: list[msgspec.Struct]) -> None:
        """Publish events in bulk and wait until every stage has applied them."""
        await self.publisher.publish_many(events)
        await self.publisher.flush()
        await self.barrier(self.publisher.positions())

    def next_cycle(self) -> list[msgspec.Struct]:
        """Return the events of the next ten minutes, one tick an asset first."""
        self.market, events = cycle(self.market, self.market.now_ms)
        return list(events)

    async def follow(self, topics: list[str], on_record: OnRecord) -> None:
        """Call `on_record(record, wall clock in ms)` for whatever comes from now on."""
        consumer = clients.consumer(self.site.settings)
        await consumer.start()
        ends: dict[TopicPartition, int] = {}
        for topic in topics:
            ends |= await brokers.ends(self.site.bootstrap, topic)
        consumer.assign(list(ends))
        for tp, offset in ends.items():
            consumer.seek(tp, offset)
        self.tasks.append(asyncio.create_task(_read(consumer, on_record)))


async def _read(consumer: AIOKafkaConsumer, on_record: OnRecord) -> None:
    try:
        while True:
            fetched = await consumer.getmany(timeout_ms=1000)
            now_ms = time.time() * 1000
            for records in fetched.values():
                for record in records:
                    on_record(record, now_ms)
    finally:
        await consumer.stop()


@contextlib.asynccontextmanager
async def platform(kind: str = "embedded", assets: int = ASSETS) -> AsyncIterator[Platform]:
    """Start everything, publish strategies and the back-fill of some assets, wait until applied."""
    async with contextlib.AsyncExitStack() as exits:
        site = await exits.enter_async_context(brokers.site(kind))
        exits.enter_context(mock.patch.dict(os.environ, site.environment))
        publisher = await exits.enter_async_context(Publisher(site.settings, site.codec))
        await publish_prebuilt(publisher)
        groups = default_groups((*stage_names(), WATCHDOG), os.cpu_count())
        supervisor = Supervisor(groups, site.settings, log_dir=site.settings.state_dir / "logs")
        exits.push_async_callback(supervisor.stop)
        await supervisor.start()
        barrier = PipelineBarrier(site.settings, stages())
        await barrier.start()
        exits.push_async_callback(barrier.stop)
        start_ms = int(time.time() * 1000) // CYCLE_MS * CYCLE_MS - _PAST_CYCLES * CYCLE_MS
        market, events = await asyncio.to_thread(backfill, SEED, start_ms, CATALOGUE[:assets])
        layout = f"{len(groups)} worker processes"
        running = Platform(site, publisher, barrier, market, layout, supervisor)
        exits.push_async_callback(_end, running.tasks)
        await running.publish(list(events))
        yield running


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def until(
    condition: Callable[[], bool], limit_s: float, check: Callable[[], Awaitable[None]]
) -> None:
    """Wait for a condition; raise TimeoutError, or the error that `check` finds, if it fails."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            await check()
            msg = f"not done within {limit_s:.0f} s"
            raise TimeoutError(msg)
        await asyncio.sleep(0.002)
