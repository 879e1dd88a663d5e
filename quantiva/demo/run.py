"""Starts the whole platform, runs a source through it, and returns a summary."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from embedded.stack import Stack
from producers.strategies import PREBUILT, publish_prebuilt
from quantiva.demo.delivery import delivering
from quantiva.demo.ending import Course, cancelled, cut_off, parts_are_back, watched
from quantiva.demo.folder import run_folder
from quantiva.demo.options import DemoOptions
from quantiva.demo.screen import Screen
from quantiva.demo.sources import run_source
from quantiva.demo.summary import Summary, percentiles
from quantiva.demo.tally import LatencyTally, dead_letters, kept_in_log, signals_by, stored_rows
from quantiva.demo.upstreams import CycleCount
from quantiva.discovery import announced
from quantiva.status.stages import ARCHIVE
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
from transport.errors import short_reason
from transport.publisher import Publisher
from transport.registered_codec import codec_of
from transport.settings import Settings
from transport.supervision.keeper import Keeper

T = TypeVar("T")
MARKET = tuple(topic.name for topic in MARKET_TOPICS)

_SOURCE_S = 1.5
_DRAIN_S = 1.0
_ASK_S = 1.5
_ASK_AT_THE_END_S = 30.0


@dataclass(frozen=True, slots=True)
class Running:
    """The started platform."""

    settings: Settings
    codec: Codec
    publisher: Publisher
    barrier: PipelineBarrier
    supervisor: Supervisor
    sink: SinkRunner
    keepers: tuple[Keeper, ...]
    tally: LatencyTally
    cycles: CycleCount
    begins: Mapping[tuple[str, int], int]
    logs: Path
    newest_ms: int


async def run_demo(options: DemoOptions, screen: Screen, course: Course) -> Summary:
    """Run a demo to its end, or until `course.stop` is set, and return its summary.

    Everything that it started has ended when it returns or raises: in order, and from five seconds
    after the stop or a failure on by force. CancelledError: stopped before the source ran.
    """
    running = asyncio.create_task(_run(options, screen, course))
    cutting = asyncio.create_task(cut_off(running, course))
    try:
        await running
    except asyncio.CancelledError:
        if course.error is None and course.summary is None:
            raise
    finally:
        cutting.cancel()
    if course.error is not None:
        raise course.error
    assert course.summary is not None  # noqa: S101 - a run without an error has one
    return course.summary


async def _run(options: DemoOptions, screen: Screen, course: Course) -> None:
    given = Settings()
    dsn = given.database_url.get_secret_value() if given.database_url else None
    async with contextlib.AsyncExitStack() as exits:
        folder = exits.enter_context(run_folder(options.directory))
        if options.directory is not None:
            screen.part("directory", str(folder))
        stack = Stack(
            bootstrap=given.bootstrap,
            database_url=dsn,
            registry_url=given.registry_url,
            directory=folder,
            memory_mb=given.broker_memory_mb,
            # What is not in the archive yet stays, where there is one.
            keep_for=given.group_id(ARCHIVE) if options.directory else "",
            on_progress=screen.part,
        )
        await exits.enter_async_context(stack)
        os.environ.update(stack.env())
        os.environ.setdefault("QUANTIVA_STATE_DIR", str(folder / "state"))
        os.environ.setdefault("QUANTIVA_SESSION_TIMEOUT_S", str(shortest_session_s()))
        if options.data is not None:
            # Records of 2022 are older than any retention: a broker would delete them at once.
            os.environ.setdefault("QUANTIVA_RETENTION_MS", str(FOREVER_MS))
            os.environ.setdefault("QUANTIVA_COMMIT_IDLE_S", "0.01")  # each wave waits for commits
        settings = Settings()
        with announced(_addresses(), given.state_dir, folder), watched(stack, course):
            # What a temporary run logged stays where it was started.
            logs = (given.state_dir if options.directory is None else folder) / "logs"
            # A Kafka of your own keeps its log itself.
            is_kept = options.directory is not None and not given.bootstrap
            archive = folder / "archive" if is_kept else None
            try:
                async with _platform(settings, options, screen, logs, archive) as running:
                    await _play(running, options, screen, course, stack)
            except Exception as error:
                course.fail(error)
                raise


def _addresses() -> dict[str, str]:
    wanted = ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL", "SCHEMA_REGISTRY_URL")
    return {
        name: value
        for name, value in os.environ.items()
        if name in wanted or name.startswith("QUANTIVA_")
    }


@contextlib.asynccontextmanager
async def _platform(
    settings: Settings, options: DemoOptions, screen: Screen, logs: Path, archive: Path | None
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
        kept = await kept_in_log(settings, codec)
        await publish_prebuilt(publisher, kept.strategies, kept.deleted)
        supervisor = Supervisor(
            default_groups((*stage_names(), WATCHDOG), options.processes),
            settings,
            log_dir=logs,
            on_event=screen.part,
        )
        sink = sink_runner(POSTGRES, settings, codec, registry, tally)
        sinking = asyncio.create_task(sink.run())
        exits.push_async_callback(_stop_sink, sink, sinking)
        exits.push_async_callback(supervisor.stop)
        await supervisor.start()
        keepers: tuple[Keeper, ...] = ()
        if options.delivery:
            keepers = await exits.enter_async_context(delivering(screen, logs, archive))
        barrier = PipelineBarrier(settings, stages())
        await barrier.start()
        exits.push_async_callback(barrier.stop)
        begins = await barrier.ends(MARKET)
        screen.say("everything is ready")
        parts = (settings, codec, publisher, barrier, supervisor, sink, keepers)
        yield Running(
            *parts, tally=tally, cycles=cycles, begins=begins, logs=logs, newest_ms=kept.newest_ms
        )


async def _stop_sink(sink: SinkRunner, sinking: asyncio.Task[None]) -> None:
    try:
        await sink.stop()
    finally:
        sinking.cancel()  # nothing happens to one that has ended
        await asyncio.wait([sinking], timeout=1.0)


async def _play(
    running: Running, options: DemoOptions, screen: Screen, course: Course, stack: Stack
) -> None:
    """Run the source to its end or until stopped, let everything through, and sum up."""
    course.begun.set()
    started = time.monotonic()
    working = asyncio.create_task(_source_and_drain(running, options, screen))
    stopping = asyncio.create_task(course.stop.wait())
    failing = asyncio.create_task(_failure(running))
    try:
        await asyncio.wait({working, stopping, failing}, return_when=asyncio.FIRST_COMPLETED)
        if failing.done():
            failing.result()
        if working.done():
            working.result()
        else:
            screen.say("stopping")
            working.cancel()
            await asyncio.wait([working], timeout=_SOURCE_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DRAIN_S):
                    await _drain(running)
        within_s = _ASK_S if stopping.done() else _ASK_AT_THE_END_S
        course.summary = await _summary(running, time.monotonic() - started, within_s)
    except Exception as error:
        await parts_are_back(stack)
        course.fail(error)
        raise
    finally:
        for task in (working, stopping, failing):
            await cancelled(task)


async def _source_and_drain(running: Running, options: DemoOptions, screen: Screen) -> None:
    await run_source(
        *(options, running.publisher, running.barrier, screen),
        *(running.cycles, running.tally, running.logs, running.newest_ms),
    )
    await _drain(running)


async def _failure(running: Running) -> None:
    """Raise what makes the demo impossible: a part that was given up, a sink that ended."""
    while True:
        await running.supervisor.check()
        for keeper in running.keepers:
            keeper.check()
        if running.sink.status.state == "failed":
            msg = f"the PostgreSQL sink ended: {running.sink.status.last_error}"
            raise RuntimeError(msg)
        await asyncio.sleep(0.5)


async def _drain(running: Running) -> None:
    """Wait until every stage and the sink have applied all that was published."""
    await running.publisher.flush()
    await running.barrier(await running.barrier.ends(MARKET))
    group = running.settings.group_id(POSTGRES.stage)
    await running.barrier.read_by(group, POSTGRES.topics)


async def _summary(running: Running, seconds: float, within_s: float) -> Summary:
    """Return what the run came to; what cannot be asked within so long is named in `unknown`."""
    settings, unknown = running.settings, list[str]()

    async def ask(what: str, asking: Awaitable[T], otherwise: T) -> T:
        try:
            async with asyncio.timeout(within_s):
                return await asking
        except Exception as error:  # whatever a client raises: the part is not there to be asked
            unknown.append(f"{what}: {short_reason(error, within_s)}")
            return otherwise

    url = settings.database_url
    dsn = url.get_secret_value() if url else ""
    none: dict[str, int] = {}
    stored, actions, triggers, ends, letters = await asyncio.gather(
        ask("rows stored", stored_rows(dsn), none),
        ask("signals by action", signals_by(dsn, "action"), none),
        ask("signals by trigger", signals_by(dsn, "trigger"), none),
        ask("events published", running.barrier.ends(MARKET), {}),
        ask("dead letters", dead_letters(settings, running.codec), 0),
    )
    events: Counter[str] = Counter()
    for place, end in ends.items():
        events[logical(place[0], settings.prefix)] += end - running.begins.get(place, 0)
    return Summary(
        events=dict(events),
        signals=actions,
        triggers=triggers,
        stored=stored,
        ranked=stored.get("signal_explanations", 0),
        dead_letters=letters,
        latency_ms=percentiles(list(running.tally.latencies_ms)),
        behind_backfill=running.tally.behind_backfill,
        restarts=running.supervisor.restarts,
        seconds=round(seconds, 3),
        unknown=tuple(unknown),
    )
