"""The live producers at 600x against a simulator of a few assets, and what they left behind."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, Self

import pytest

from embedded.broker import Broker
from embedded.registry.server import Registry
from marketdata.simulated.assets import ASSETS
from producers.feeds.assembly import FEEDS
from producers.feeds.runner import Listener
from producers.settings import SourceSettings
from quantiva.wiring.producers import produce
from schemas.sources import SourceStatus
from schemas.topics import SOURCES
from simulator.faults import HTTP_KINDS, Fault, Faults
from simulator.server import EXCHANGES, Simulator, seeded_simulator
from transport import admin
from transport.decoder import Decoder
from transport.log_reader import LogReader
from transport.registered_codec import codec_of
from transport.settings import Settings

CYCLE_MS = 600_000
HOUR_MS = 3_600_000
START_MS = 1_767_744_000_000  # 2026-01-07 00:00 UTC
FEW = tuple(
    asset
    for asset in ASSETS
    if asset.symbol in ("BTC", "ETH", "XRP", "SOL", "DOGE", "ADA", "LINK", "PEPE")
)
SCALED_TIMEOUT_S = 0.3
"""Wall seconds that an upstream has at 600x: three minutes to everybody else."""


class ByTurns(Faults):
    """Faults at every n-th request of each upstream, their kinds taking turns.

    A silent answer of the exchange would take 15 s of wall time, two hours and a half at 600x: its
    turn is a reset there.
    """

    kinds = (
        Fault(upstream="*", kind="limit", retry_after_s=30.0),
        Fault(upstream="*", kind="status", status=500),
        Fault(upstream="*", kind="html"),
        Fault(upstream="*", kind="half_body"),
        Fault(upstream="*", kind="silence"),
        Fault(upstream="*", kind="reset"),
    )

    def every(self, number: int) -> Self:
        """Strike at every so many requests."""
        self._every, self._asked = number, Counter[str]()
        self.struck: Counter[tuple[str, str]] = Counter()
        return self

    def pick(
        self, upstream: str, path: str = "", kinds: tuple[str, ...] = HTTP_KINDS
    ) -> Fault | None:
        """Return the fault of a request whose number says so."""
        if kinds is not HTTP_KINDS:
            return super().pick(upstream, path, kinds)
        self._asked[upstream] += 1
        turn, rest = divmod(self._asked[upstream], self._every)
        if rest:
            return None
        fault = self.kinds[turn % len(self.kinds)]
        if fault.kind == "silence" and upstream in EXCHANGES:
            fault = self.kinds[-1]
        self.struck[upstream, fault.kind] += 1
        return fault


class LiveDay:
    """Simulator, topics and producers of a test; made by `live_day()`."""

    def __init__(self, simulator: Simulator, settings: Settings, sources: SourceSettings) -> None:
        self.simulator, self.settings, self.sources = simulator, settings, sources
        self.lines: list[str] = []

    @property
    def now_ms(self) -> int:
        """The simulated time."""
        return self.simulator.clock.now_ms()

    async def produce(
        self, until: Callable[[], bool], names: Sequence[str] = FEEDS, *, pause_s: float = 0.05
    ) -> None:
        """Run the producers until the condition holds, then stop them in good order."""
        stop = asyncio.Event()
        tell = Listener(
            self.lines.append, lambda progress: None, lambda: self.lines.append("ready")
        )
        running = asyncio.create_task(
            produce(names, self.settings, self.sources, tell, stop), name="producers"
        )
        while not until() and not running.done():
            await asyncio.sleep(pause_s)
        stop.set()
        await running

    async def produce_until(self, time_ms: int, names: Sequence[str] = FEEDS) -> None:
        """Run the producers up to a simulated time, and for as long once they are ready.

        The clock does not wait for a busy machine, on which a start may take hours of it.
        """
        ready_ms: list[int] = []

        def is_over() -> bool:
            if not ready_ms and "ready" in self.lines:
                ready_ms.append(self.now_ms)
            return bool(ready_ms) and self.now_ms - ready_ms[0] >= time_ms - START_MS

        await self.produce(is_over, names)

    async def events(self, *topics: str) -> dict[type, list[Any]]:
        """Return all that is in these topics, or in all, by type, each partition in its order."""
        codec, registry = await codec_of(self.settings)
        decode = Decoder(codec, registry.resolve).decode
        found: dict[type, list[Any]] = defaultdict(list)
        async with LogReader(self.settings) as log:
            for topic, places in (await log.partitions()).items():
                if topics and topic not in topics:
                    continue
                begins, ends = await log.begins(places), await log.ends(places)
                ranges = {place: (begins[place], ends[place]) for place in ends}
                async for records in log.scan(ranges):
                    for record in records:
                        event = await decode(record.value)
                        found[type(event)].append(event)
        return found

    async def states(self) -> dict[str, SourceStatus]:
        """Return the latest status of every source."""
        told = (await self.events(SOURCES.name))[SourceStatus]
        return {status.source: status for status in told}

    def missed(self, job: str) -> int:
        """Return how many cycles of a job the producers have told to be missed."""
        found = (re.match(rf"{job}: (\d+) cycle", line) for line in self.lines)
        return sum(int(one[1]) for one in found if one is not None)

    def followed(self) -> tuple[str, ...]:
        """Return the world's assets."""
        return tuple(row.symbol for row in self.simulator.world.assets())


@contextlib.asynccontextmanager
async def live_day(
    folder: Path,
    *,
    speed: float = 600.0,
    seed: int = 7,
    faults_every: int = 0,
    exchange: str = "binance",
    keys: bool = True,
    more: dict[str, str] | None = None,
) -> AsyncIterator[LiveDay]:
    """Start simulator, broker and registry; the clock starts with the body."""
    broker, registry = Broker(), Registry()
    async with contextlib.AsyncExitStack() as exits:
        exits.push_async_callback(broker.stop)
        bootstrap = await broker.start()
        exits.push_async_callback(registry.stop)
        registry_url = await registry.start()
        simulator = await seeded_simulator(seed, start_ms=START_MS, speed=speed, assets=FEW)
        if faults_every:
            old = simulator.faults
            simulator.faults = ByTurns(simulator.clock, old.requests).every(faults_every)
        await exits.enter_async_context(simulator)
        patch = exits.enter_context(pytest.MonkeyPatch.context())
        added = {
            **simulator.environment(exchange),
            "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "SCHEMA_REGISTRY_URL": registry_url,
            "QUANTIVA_BROKER": "tansu",
            "QUANTIVA_PREFIX": "live.",
            "QUANTIVA_STATE_DIR": str(folder),
            "QUANTIVA_RETENTION_MS": "-1",
            "QUANTIVA_TRENDING_SIZE": str(len(FEW)),
            "QUANTIVA_SOURCE_TIMEOUT_S": str(SCALED_TIMEOUT_S),
            **(more or {}),
        }
        for name, value in added.items():
            if keys or not name.endswith("_API_KEY"):
                patch.setenv(name, value)
        settings = Settings()
        await asyncio.to_thread(admin.create, settings)
        yield LiveDay(simulator, settings, SourceSettings())
