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
from schemas.topics import logical
from sinks.runner import SinkRunner
from streams.agents.process import WATCHDOG
from streams.agents.supervisor import Supervisor, default_groups
from streams.topology import stage_names, stages
from transport import admin
from transport.barrier import PipelineBarrier
from transport.log_reader import LogReader
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
        self.groups: list[list[str]] = []
        self.sink: SinkRunner
        self._sinking: asyncio.Task[None]
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
        topics = ("control.strategies", "market.trending", "market.news", "news.scores")
        topics += ("signals", "signals.top")
        await self.barrier.read_by(self.settings.group_id(POSTGRES.stage), topics)

    def worker(self, number: int) -> Supervisor:
        """Return a worker that is not started yet."""
        return Supervisor(
            self.groups,
            self.settings,
            log_dir=self.settings.state_dir / f"worker-{number}",
            on_event=lambda who, what: self.lines.append(f"{who}: {what}"),
        )

    async def replace_worker(self, number: int) -> None:
        """Start another worker in the place of one that was stopped."""
        self.workers[number] = self.worker(number)
        await self.workers[number].start()

    async def stop_workers(self) -> None:
        """Stop all workers."""
        await asyncio.gather(*(worker.stop() for worker in self.workers))

    def kill_worker(self, number: int = 0) -> None:
        """SIGKILL every process of a worker."""
        self._signal(self.workers[number].pids().values(), signal.SIGKILL)

    async def sleep_worker(self, number: int, seconds: float) -> None:
        """Let every process of a worker sleep, as on a machine that is suspended."""
        pids = list(self.workers[number].pids().values())
        self._signal(pids, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            self._signal(pids, signal.SIGCONT)

    def _signal(self, pids: Iterable[int], number: signal.Signals) -> None:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    async def restart_sink(self) -> None:
        """Stop the sink, and start another one in its place."""
        await self.sink.stop()
        await self._sinking
        self.start_sink()

    def start_sink(self) -> None:
        """Start the PostgreSQL sink in this process."""
        self.sink = sink_runner(POSTGRES, self.settings, self.codec, self.registry)
        self._sinking = asyncio.create_task(self.sink.run())

    async def stop_sink(self) -> None:
        """Stop the sink; raises what it ended with."""
        await self.sink.stop()
        await self._sinking

    async def records(self, topics: Iterable[str]) -> dict[str, list[str]]:
        """Return the committed records of topics as sorted text, without offsets."""
        found: dict[str, list[str]] = {topic: [] for topic in topics}
        async with LogReader(self.settings) as reader:
            partitions = await reader.partitions()
            wanted = [one for topic in found for one in partitions[topic]]
            begins, ends = await reader.begins(wanted), await reader.ends(wanted)
            async for records in reader.scan({tp: (begins[tp], ends[tp]) for tp in wanted}):
                for record in records:
                    event = self.codec.decode(record.value)
                    topic = logical(record.topic, self.settings.prefix)
                    found[topic].append(_text(msgspec.to_builtins(event), ()))
        return {topic: sorted(texts) for topic, texts in found.items()}

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
        texts.append(_text(msgspec.json.decode(row["row"]), wall))
    return sorted(texts)


def _text(fields: Any, without: Sequence[str]) -> str:
    return msgspec.json.encode(_without(fields, without), order="sorted").decode()


_OF_PORTFOLIO = frozenset(
    (
        "position_size",
        "position_value_usd",
        "sizing",
        "held_size",
        "confidence",
        "detail",
        "metadata",
    )
)
"""What a signal has from its strategy's portfolio. That trades in the order of the log, which is
another between assets in every run, so of two runs it is not compared: `verify` does that, and
`test_portfolio_killed`."""


def _without(value: Any, names: Sequence[str]) -> Any:
    """Drop wall-clock columns, and offsets: a restart may put repetitions into the log."""
    if isinstance(value, dict):
        if "signal_id" in value:
            names = (*names, *_OF_PORTFOLIO, "rank", "text", "input_hash")
        if "ranked" in value:
            ranked = sorted(value["ranked"], key=lambda one: str(one["asset"]))
            value = {**value, "ranked": ranked}
        return {
            name: _without(one, names)
            for name, one in value.items()
            if name not in names and name not in ("offset", "inputs")
        }
    if isinstance(value, list | tuple):
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
            made.start_sink()
            exits.push_async_callback(made.stop_sink)
        made.groups = default_groups(names, processes)
        made.workers = [made.worker(number) for number in range(worker_count)]
        exits.push_async_callback(made.stop_workers)
        await asyncio.gather(*(worker.start() for worker in made.workers))
        hosted = tuple(stage for stage in stages() if stage.name in names)
        made.barrier = PipelineBarrier(settings, hosted)
        await made.barrier.start()
        exits.push_async_callback(made.barrier.stop)
        yield made


async def _database(dsn: str, name: str) -> str:
    """Create a database of that name on the server and return its DSN."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    return dsn.rsplit("/", 1)[0] + f"/{name}"
