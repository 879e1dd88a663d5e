"""Starts the whole platform, runs a source through it, and returns a summary."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from embedded.stack import Stack
from producers.strategies import PREBUILT, publish_prebuilt
from quantiva.demo.delivery import delivering
from quantiva.demo.options import DemoOptions
from quantiva.demo.screen import Screen
from quantiva.demo.sources import run_source
from quantiva.demo.summary import Summary, percentiles
from quantiva.demo.tally import LatencyTally, dead_letters, signals_by, stored_rows
from quantiva.demo.upstreams import CycleCount
from quantiva.discovery import announced
from quantiva.wiring.sinks import POSTGRES, sink_runner
from schemas.codec import Codec
from schemas.signals import TopSignals
from schemas.topics import FOREVER_MS, MARKET_TOPICS, logical
from sinks.runner import SinkRunner
from streams.agents.process import WATCHDOG
from streams.agents.supervisor import Supervisor, default_groups
from streams.topology import stage_names, stages
from transport import admin
from transport.barrier import PipelineBarrier
from transport.clients import shortest_session_s
from transport.publisher import Publisher
from transport.registered_codec import codec_of
from transport.settings import Settings


@dataclass(frozen=True, slots=True)
class Running:
    """The started platform, as a source and the summary need it."""

    settings: Settings
    codec: Codec
    publisher: Publisher
    barrier: PipelineBarrier
    supervisor: Supervisor
    sink: SinkRunner
    tally: LatencyTally
    cycles: CycleCount
    begins: Mapping[tuple[str, int], int]


async def run_demo(options: DemoOptions, screen: Screen, stop: asyncio.Event) -> Summary:
    """Run a demo to its end, or until `stop` is set, and return its summary.

    Everything that it started has ended when it returns or raises.
    """
    given = Settings()
    dsn = given.database_url.get_secret_value() if given.database_url else None
    async with Stack(
        bootstrap=given.bootstrap,
        database_url=dsn,
        registry_url=given.registry_url,
        on_progress=screen.part,
    ) as stack:
        os.environ.update(stack.env())
        os.environ.setdefault("QUANTIVA_SESSION_TIMEOUT_S", str(shortest_session_s()))
        if options.data is not None:
            # Records of 2022 are older than any retention: a broker would delete them at once.
            os.environ.setdefault("QUANTIVA_RETENTION_MS", str(FOREVER_MS))
            os.environ.setdefault("QUANTIVA_COMMIT_IDLE_S", "0.01")  # each wave waits for commits
        settings = Settings()
        with announced(_addresses(), settings.state_dir):
            async with _platform(settings, options, screen) as running:
                return await _play(running, options, screen, stop)


def _addresses() -> dict[str, str]:
    wanted = ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL", "SCHEMA_REGISTRY_URL")
    return {
        name: value
        for name, value in os.environ.items()
        if name in wanted or name.startswith("QUANTIVA_")
    }


@contextlib.asynccontextmanager
async def _platform(
    settings: Settings, options: DemoOptions, screen: Screen
) -> AsyncIterator[Running]:
    """Topics, strategies, workers and sink; all stopped at the end, the source's side first."""
    created = await asyncio.to_thread(admin.create, settings)
    screen.part("topics", f"{len(created)} created")
    codec, registry = await codec_of(settings)
    cycles = CycleCount(options.cycles, len(PREBUILT))

    def on_top(top: TopSignals) -> None:
        screen.top(top)
        cycles(top)

    tally = LatencyTally(on_top)
    async with contextlib.AsyncExitStack() as exits:
        publisher = await exits.enter_async_context(Publisher(settings, codec))
        await publish_prebuilt(publisher)
        await publisher.flush()
        supervisor = Supervisor(
            default_groups((*stage_names(), WATCHDOG), options.processes),
            settings,
            log_dir=settings.state_dir / "logs",
            on_event=screen.part,
        )
        sink = sink_runner(POSTGRES, settings, codec, registry, tally)
        sinking = asyncio.create_task(sink.run())
        exits.push_async_callback(_stop_sink, sink, sinking)
        exits.push_async_callback(supervisor.stop)
        await supervisor.start()
        if options.delivery:
            await exits.enter_async_context(delivering(screen, settings.state_dir / "logs"))
        barrier = PipelineBarrier(settings, stages())
        await barrier.start()
        exits.push_async_callback(barrier.stop)
        begins = await barrier.ends(_MARKET)
        screen.say("everything is ready")
        yield Running(settings, codec, publisher, barrier, supervisor, sink, tally, cycles, begins)


async def _stop_sink(sink: SinkRunner, sinking: asyncio.Task[None]) -> None:
    await sink.stop()
    await sinking


async def _play(
    running: Running, options: DemoOptions, screen: Screen, stop: asyncio.Event
) -> Summary:
    """Run the source to its end or until stopped, let everything through, and sum up."""
    started = time.monotonic()
    log_dir = running.settings.state_dir / "logs"
    source = asyncio.create_task(
        run_source(
            options,
            running.publisher,
            running.barrier,
            screen,
            running.cycles,
            running.tally,
            log_dir,
        )
    )
    stopping = asyncio.create_task(stop.wait())
    failing = asyncio.create_task(_failure(running))
    await asyncio.wait({source, stopping, failing}, return_when=asyncio.FIRST_COMPLETED)
    try:
        if failing.done():
            failing.result()
        if source.done():
            source.result()
        else:
            screen.say("stopping")
            await _cancelled(source)
        await _drain(running)
    finally:
        for task in (source, stopping, failing):
            await _cancelled(task)
    return await _summary(running, time.monotonic() - started)


async def _failure(running: Running) -> None:
    """Raise what makes the demo impossible: a worker that was given up, a sink that ended."""
    while True:
        await running.supervisor.check()
        if running.sink.status.state == "failed":
            msg = f"the PostgreSQL sink ended: {running.sink.status.last_error}"
            raise RuntimeError(msg)
        await asyncio.sleep(0.5)


async def _cancelled(task: asyncio.Task[Any]) -> None:
    if not task.done():
        task.cancel()
    await asyncio.wait([task])


async def _drain(running: Running) -> None:
    """Wait until every stage and the sink have applied all that was published."""
    await running.publisher.flush()
    await running.barrier(await running.barrier.ends(_MARKET))
    group = running.settings.group_id(POSTGRES.stage)
    await running.barrier.read_by(group, POSTGRES.topics)


_MARKET = tuple(topic.name for topic in MARKET_TOPICS)


async def _summary(running: Running, seconds: float) -> Summary:
    settings = running.settings
    url = settings.database_url
    dsn = url.get_secret_value() if url else ""
    stored = await stored_rows(dsn)
    events: Counter[str] = Counter()
    for place, end in (await running.barrier.ends(_MARKET)).items():
        events[logical(place[0], settings.prefix)] += end - running.begins.get(place, 0)
    return Summary(
        events=dict(events),
        signals=await signals_by(dsn, "action"),
        triggers=await signals_by(dsn, "trigger"),
        stored=stored,
        ranked=stored["signal_explanations"],
        dead_letters=await dead_letters(settings, running.codec),
        latency_ms=percentiles(list(running.tally.latencies_ms)),
        behind_backfill=running.tally.behind_backfill,
        restarts=running.supervisor.restarts,
        seconds=round(seconds, 3),
    )
