"""All live producers of one process: feeds on their cadence, the exchange, and how each does."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from producers.dedup.deduplicating_publisher import DeduplicatingPublisher
from producers.exchange.backfill import Progress
from producers.feeds.assembly import STREAMED, coin_lists, feeds_of
from producers.feeds.asset_universe import AssetUniverse, UniverseStatus
from producers.feeds.base import Feed
from producers.feeds.event_publisher import EventPublisher
from producers.feeds.exchanges import Exchanges, open_markets
from producers.feeds.market import Market
from producers.feeds.status_publisher import HasStatus, StatusPublisher
from producers.feeds.trending import TrendingFeed
from producers.feeds.upstream_clients import FEEDS_OF, UpstreamClients, open_clients
from producers.http_client.health import SourceHealth
from producers.schedule.cycles import Job, JobReport
from producers.schedule.scheduler import Scheduler
from producers.settings import SourceSettings
from schemas.control import Strategy
from schemas.redact import redacted
from schemas.sources import UNIVERSE
from transport.clock import Clock
from transport.publisher import Publisher

_log = logging.getLogger(__name__)
_STOP_S = 10.0
_CHECKPOINT_S = 60.0  # wall seconds
_STRATEGIES_S = 10.0  # wall seconds until it goes on without what strategies name
_BACKFILL_S = 120.0  # wall seconds that the first ticks wait for candles
_NEWCOMERS_S = 0.5  # wall seconds
_JITTER_MS = {"news": 20_000, "social": 60_000, "fundamentals": 120_000, "calendar": 120_000}
"""The tick comes first in a cycle; the others' requests are spread a little."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Callbacks: sentences for people, the progress of the back-fill, and that all is ready."""

    message: Callable[[str], None]
    backfill: Callable[[Progress], None]
    ready: Callable[[], None]


FollowStrategies = Callable[[Callable[[Sequence[Strategy]], None]], Coroutine[Any, Any, None]]
FollowRequests = Callable[[Callable[[Mapping[str, int]], None]], Coroutine[Any, Any, None]]
"""Hands over what signals are asked of: by asset, how long ago in ms."""
Positions = Mapping[tuple[str, str], bool]
FollowPositions = Callable[[Callable[[Positions], None]], Coroutine[Any, Any, None]]
"""Hands over, by asset and strategy, whether it has a position there."""


class LiveProducers:
    """Publishes the feeds of these names until cancelled, or `stop` is set.

    `publisher` is started; `statuses` is another publisher, for the states of the upstreams.
    `strategies`, `requests` and `positions` follow those: they hand them to what they are called
    with, until cancelled.
    """

    def __init__(
        self,
        names: Sequence[str],
        settings: SourceSettings,
        clock: Clock,
        publisher: DeduplicatingPublisher,
        statuses: Publisher,
        state_dir: Path,
        listener: Listener,
        strategies: FollowStrategies,
        requests: FollowRequests,
        positions: FollowPositions,
    ) -> None:
        self._names, self._settings, self._clock = names, settings, clock
        self._publisher, self._statuses, self._state_dir = publisher, statuses, state_dir
        self._listener = listener
        self._strategies, self._requests, self._positions = strategies, requests, positions
        self._universe = AssetUniverse(settings.pinned, has_exchanges=bool(self._streamed))
        self._missed: dict[str, int] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop` is set; what is under way then is finished, within 10 s."""
        async with aiohttp.ClientSession() as session:
            clients = open_clients(
                self._names, self._settings, session, self._clock, self._state_dir
            )
            index = self._publisher.index
            markets, connections = await open_markets(
                self._settings,
                self._clock,
                self._universe,
                index,
                self._streamed,
                self._state_dir / "markets",
            )
            health = {**clients.health, **{one.name: one.health for one in markets}}
            emit = EventPublisher(self._publisher, self._universe, health, self._listener.message)
            feeds = feeds_of(
                self._names,
                self._settings,
                clients,
                self._universe,
                emit,
                self._clock,
                index,
            )
            scheduler = Scheduler(self._clock, self._jobs(feeds, clients), self._on_report)
            status_publisher = StatusPublisher(self._statuses, self._of_here(health), self._note)
            ready = asyncio.Event()
            parts = {
                "schedule": self._schedule(scheduler, feeds, clients, ready),
                "status": status_publisher.run(),
                "checkpoints": self._checkpoints(),
                "strategies": self._strategies(self._universe.watch),
                "requests": self._requests(self._ask),
                "positions": self._positions(self._universe.hold),
                "newcomers": self._newcomers(feeds),
                "exchanges": self._exchanges(markets, emit, ready),
            }
            running = [asyncio.create_task(part, name=name) for name, part in parts.items()]
            announcing = asyncio.create_task(self._announce(ready))
            try:
                await self._until(stop, running)
            finally:
                await scheduler.stop(_STOP_S)
                await _ended(*running, announcing)
                for connection in connections:
                    await connection.close()
                with contextlib.suppress(Exception):  # the log itself is what counts
                    await asyncio.wait_for(self._publisher.checkpoint(), _STOP_S)
                await status_publisher.publish()

    @property
    def _streamed(self) -> tuple[str, ...]:
        return tuple(name for name in STREAMED if name in self._names)

    async def _exchanges(
        self, markets: Sequence[Market], emit: EventPublisher, ready: asyncio.Event
    ) -> None:
        """Publish candles and books; without either, wait for ever."""
        if not self._streamed:
            ready.set()
            await asyncio.Event().wait()
        exchanges = Exchanges(markets, self._universe, emit, self._clock)
        await exchanges.run(self._listener.backfill, ready)

    def _ask(self, ages_ms: Mapping[str, int]) -> None:
        self._universe.ask(ages_ms, self._clock.now_ms())

    async def _newcomers(self, feeds: Sequence[Feed]) -> None:
        """Let what comes into the universe tick at once, and what was only asked for leave."""
        trending = [feed for feed in feeds if isinstance(feed, TrendingFeed)]
        while True:
            await asyncio.sleep(_NEWCOMERS_S)
            self._ask({})
            for feed in trending:
                await feed.newcomers()

    def _of_here(self, health: Mapping[str, SourceHealth]) -> dict[str, HasStatus]:
        """Return the sources of the feeds that run here: other processes report the others."""
        here: dict[str, HasStatus] = {
            name: one
            for name, one in health.items()
            if any(feed in self._names for feed in FEEDS_OF.get(name, STREAMED))
        }
        if "trending" in self._names:
            here[UNIVERSE] = UniverseStatus(self._universe, self._clock)
        return here

    async def _until(self, stop: asyncio.Event, running: Sequence[asyncio.Task[None]]) -> None:
        """Wait for the stop; raise the error of a part that ended of itself."""
        stopping = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait({stopping, *running}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        for task in done - {stopping}:
            task.result()
            msg = f"the producers' {task.get_name()} ended of itself"
            raise RuntimeError(msg)

    async def _schedule(
        self,
        scheduler: Scheduler,
        feeds: Sequence[Feed],
        clients: UpstreamClients,
        ready: asyncio.Event,
    ) -> None:
        """Run the jobs. On empty topics the back-fill comes first: a tick asks for its candles."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._universe.has_strategies.wait(), _STRATEGIES_S)
        if self._publisher.index.cycle is None:
            for feed in feeds:
                if isinstance(feed, TrendingFeed):
                    await feed.prime()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(ready.wait(), _BACKFILL_S)
        else:
            await self._resume(clients)
        await scheduler.run()

    async def _announce(self, ready: asyncio.Event) -> None:
        await self._universe.has_assets.wait()
        await ready.wait()
        self._listener.ready()

    def _jobs(self, feeds: Sequence[Feed], clients: UpstreamClients) -> list[Job]:
        jobs = [self._job(feed) for feed in feeds]
        if "trending" not in self._names:
            jobs.append(Job("assets", lambda cycle_ms: self._follow(clients), jitter_ms=5_000))
        return jobs

    def _job(self, feed: Feed) -> Job:
        async def run(cycle_ms: int) -> None:
            if feed.name != "trending":
                await self._universe.has_assets.wait()
            await feed.run(cycle_ms)

        last_ms = None
        if feed.name == "trending" and (seen := self._publisher.index.cycle) is not None:
            last_ms = seen.cycle if len(seen.assets) >= seen.size else None
        return Job(feed.name, run, feed.cadence_ms, _JITTER_MS.get(feed.name, 0), last_ms)

    async def _follow(self, clients: UpstreamClients) -> None:
        """Learn the cycle's assets from the topic: the ticks are published elsewhere."""
        await self._publisher.checkpoint()
        await self._resume(clients)

    async def _resume(self, clients: UpstreamClients) -> None:
        """Go on with the assets of the newest cycle in the topic, if there is one."""
        seen = self._publisher.index.cycle
        if seen is None:
            return
        for coins_of in coin_lists(clients):
            if not self._universe.catalogue.by_symbol:
                self._universe.learn(await coins_of(), self._clock.now_ms())
        self._universe.follow(seen.assets)

    def _on_report(self, report: JobReport) -> None:
        if report.outcome == "missed":
            self._missed[report.job] = self._missed.get(report.job, 0) + report.count
        if report.outcome != "done":
            self._listener.message(redacted(str(report)))

    def _note(self) -> str:
        """Return what was missed, for the status page."""
        return ", ".join(f"{name}: {count} missed" for name, count in sorted(self._missed.items()))

    async def _checkpoints(self) -> None:
        while True:
            await asyncio.sleep(_CHECKPOINT_S)
            try:
                await self._publisher.checkpoint()
            except Exception as error:  # a convenience: the next start reads the log
                _log.warning("no checkpoint was written: %s", error)


async def _ended(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
