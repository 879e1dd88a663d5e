"""The running platform for a test: parts, worker processes, sink and publisher, all real.

A rig has its own topics (a prefix), consumer groups and database, so that several can use one
broker one after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from marketdata.conflict_free_batches import conflict_free_batches
from marketdata.simulated.assets import ASSETS
from marketdata.simulated.simulation import backfill, cycle
from producers.strategies import publish_prebuilt
from quantiva.wiring.sinks import POSTGRES, sink_runner
from schemas.codec import Codec
from sinks.runner import SinkRunner
from streams.agents.process import WATCHDOG
from streams.agents.supervisor import Supervisor, default_groups
from streams.topology import stage_names, stages
from transport import admin
from transport.barrier import PipelineBarrier
from transport.publisher import Publisher
from transport.registered_codec import codec_of
from transport.settings import Settings

CYCLE_MS = 600_000
START_MS = 1_767_225_600_000
TABLES = (
    "strategies",
    "strategy_signals",
    "signal_details",
    "signal_explanations",
    "trending_assets",
    "trending_news",
)
OnWave = Callable[[int], Awaitable[None]]


def market(assets: int = 4, cycles: int = 3, seed: int = 7) -> list[msgspec.Struct]:
    """Return a small simulated market: back-fill, then cycles, ending with the last ticks."""
    state, events = backfill(seed, START_MS, ASSETS[:assets])
    for _ in range(cycles):
        state, more = cycle(state, state.now_ms)
        events = [*events, *more]
    return events


class Rig:
    """See the module's docstring; made by `rig()`."""

    def __init__(self, settings: Settings, codec: Codec, registry: Any) -> None:
        self.settings = settings
        self.codec = codec
        self.registry = registry
        self.publisher: Publisher
        self.barrier: PipelineBarrier
        self.workers: list[Supervisor] = []
        self.sink: SinkRunner
        self.lines: list[str] = []

    async def play(
        self, events: Iterable[Any], on_wave: OnWave | None = None, size: int = 5000
    ) -> int:
        """Publish in waves and wait for each; call `on_wave(number)` right after a wave is sent."""
        number = 0
        for number, wave in enumerate(conflict_free_batches(events, size), start=1):
            await self.publisher.publish_many(wave)
            if on_wave is not None:
                await on_wave(number)
            await self.publisher.flush()
            await self.barrier(self.publisher.positions())
        return number

    async def stored(self) -> None:
        """Wait until the sink has written all there is."""
        topics = ("control.strategies", "market.trending", "market.news", "signals", "signals.top")
        await self.barrier.read_by(self.settings.group_id(POSTGRES.stage), topics)

    def kill_worker(self, number: int = 0) -> None:
        """SIGKILL every process of a worker."""
        for pid in self.workers[number].pids().values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def tables(self) -> dict[str, list[str]]:
        """Return every table's rows as sorted text, without the columns that tell wall time."""
        url = self.settings.database_url
        assert url is not None
        connection = await asyncpg.connect(url.get_secret_value())
        try:
            return {table: await _rows(connection, table) for table in TABLES}
        finally:
            await connection.close()

    async def fetch(self, sql: str) -> list[Any]:
        """Return the rows of a query."""
        url = self.settings.database_url
        assert url is not None
        connection = await asyncpg.connect(url.get_secret_value())
        try:
            return list(await connection.fetch(sql))
        finally:
            await connection.close()


async def _rows(connection: Any, table: str) -> list[str]:
    rows = await connection.fetch(f"SELECT to_jsonb({table}) AS row FROM {table}")
    wall = ("stored_at", "created_at", "updated_at", "inserted_at")
    texts = []
    for row in rows:
        fields = msgspec.json.decode(row["row"])
        texts.append(msgspec.json.encode(_without(fields, wall), order="sorted").decode())
    return sorted(texts)


def _without(value: Any, names: Sequence[str]) -> Any:
    """Drop wall-clock columns, and offsets: a restart may put repetitions into the log."""
    if isinstance(value, dict):
        return {
            name: _without(one, names)
            for name, one in value.items()
            if name not in names and name not in ("offset", "inputs")
        }
    if isinstance(value, list):
        return [_without(one, names) for one in value]
    return value


@contextlib.asynccontextmanager
async def rig(
    environment: dict[str, str],
    folder: Path,
    *,
    name: str,
    worker_count: int = 1,
    processes: int = 1,
    stage_list: Sequence[str] | None = None,
    grace_s: float = 60.0,
    with_sink: bool = True,
) -> AsyncIterator[Rig]:
    """Start workers, sink and publisher on the given parts; all ended afterwards.

    The broker is the embedded one when `environment` says so (QUANTIVA_BROKER=tansu).
    """
    added = {
        "QUANTIVA_BROKER": "",
        **environment,
        "QUANTIVA_PREFIX": f"{name}.",
        "QUANTIVA_GROUP": f"test-{name}",
        "QUANTIVA_STATE_DIR": str(folder / name),
        "QUANTIVA_GRACE_S": str(grace_s),
        "QUANTIVA_STALL_S": "15",
        "QUANTIVA_COMMIT_IDLE_S": "0.01",
        # The market of the tests is older than any retention: Kafka would delete it at once.
        "QUANTIVA_RETENTION_MS": "-1",
    }
    if with_sink:
        added["DATABASE_URL"] = await _database(environment["DATABASE_URL"], name)
    with pytest.MonkeyPatch.context() as patch:
        for key, value in added.items():
            patch.setenv(key, value)
        async with _started(worker_count, processes, stage_list, with_sink=with_sink) as started:
            yield started


@contextlib.asynccontextmanager
async def _started(
    worker_count: int, processes: int, stage_list: Sequence[str] | None, *, with_sink: bool
) -> AsyncIterator[Rig]:
    settings = Settings()
    await asyncio.to_thread(admin.create, settings)
    codec, registry = await codec_of(settings)
    made = Rig(settings, codec, registry)
    names = stage_list or (*stage_names(), WATCHDOG)
    async with contextlib.AsyncExitStack() as exits:
        made.publisher = await exits.enter_async_context(Publisher(settings, codec))
        await publish_prebuilt(made.publisher)
        if with_sink:
            made.sink = sink_runner(POSTGRES, settings, codec, registry)
            sinking = asyncio.create_task(made.sink.run())
            exits.push_async_callback(_stop_sink, made.sink, sinking)
        for number in range(worker_count):
            worker = Supervisor(
                default_groups(names, processes),
                settings,
                log_dir=settings.state_dir / f"worker-{number}",
                on_event=lambda who, what: made.lines.append(f"{who}: {what}"),
            )
            made.workers.append(worker)
            exits.push_async_callback(worker.stop)
        await asyncio.gather(*(worker.start() for worker in made.workers))
        hosted = tuple(stage for stage in stages() if stage.name in names)
        made.barrier = PipelineBarrier(settings, hosted)
        await made.barrier.start()
        exits.push_async_callback(made.barrier.stop)
        yield made


async def _stop_sink(sink: SinkRunner, sinking: asyncio.Task[None]) -> None:
    await sink.stop()
    await sinking


async def _database(dsn: str, name: str) -> str:
    """Create a database of that name on the server and return its DSN."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    return dsn.rsplit("/", 1)[0] + f"/{name}"
