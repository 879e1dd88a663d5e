"""The live producers with the settings of this deployment."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

from producers.dedup.checkpoint import CheckpointFile
from producers.dedup.deduplicating_publisher import DeduplicatingPublisher, Recalled
from producers.dedup.headlines import SeenNews
from producers.dedup.published_index import PublishedIndex
from producers.feeds.runner import Listener, LiveProducers
from producers.settings import SourceSettings
from schemas.codec import BadEventError, Codec
from schemas.control import SignalRequest, Strategy
from schemas.signals import Decision
from schemas.times import DAY_MS, HOUR_MS
from schemas.topics import DECISIONS, REQUESTS
from schemas.validation import problem
from transport import admin
from transport.admin import BrokerError
from transport.clock import wall_ms
from transport.decoder import Decoder
from transport.log_reader import LogReader
from transport.publisher import Publisher
from transport.registered_codec import codec_of
from transport.settings import Settings
from transport.strategies import StrategyLog

_log = logging.getLogger(__name__)
_LOOK_S = 5.0  # wall seconds
T = TypeVar("T")


async def produce(
    names: Sequence[str],
    settings: Settings,
    sources: SourceSettings,
    tell: Listener,
    stop: asyncio.Event,
) -> None:
    """Publish the feeds of these names until `stop` is set.

    What is in the topics already is read first, for nothing is published twice. Raises ValueError
    without addresses or topics; PublishError, BrokerError or RegistryError when a part is away at
    the start.
    """
    settings.require_bootstrap()
    settings.require_registry()
    clock = sources.clock()
    folder = settings.state_dir / "producers"
    async with AsyncExitStack() as exits:
        started = await _unless(stop, _start(settings, folder, exits))
        if started is None:
            return
        once, statuses, recalled = started
        if recalled.records:
            tell.message(
                f"{recalled.records:,} records in the topics already: none will come twice"
            )
        ahead = once.index.ahead(clock.now_ms())
        if ahead is not None:
            tell.message(ahead)
        codec, _ = await codec_of(settings)

        async def strategies(watch: Callable[[Sequence[Strategy]], None]) -> None:
            await _follow_strategies(settings, codec, watch)

        async def requests(ask: Callable[[Mapping[str, int]], None]) -> None:
            await _follow_requests(settings, codec, ask)

        async def positions(hold: Callable[[Mapping[tuple[str, str], bool]], None]) -> None:
            await _follow_positions(settings, codec, hold)

        parts = (clock, once, statuses, folder, tell, strategies, requests, positions)
        live = LiveProducers(names, sources, *parts)
        await live.run(stop)


async def _start(
    settings: Settings, folder: Path, exits: AsyncExitStack
) -> tuple[DeduplicatingPublisher, Publisher, Recalled]:
    """Reach broker and registry, which may take as long as they are away, and read the topics."""
    problems = [one for one in await asyncio.to_thread(admin.states, settings) if one.problems]
    if problems:
        msg = f"topic {problems[0].name} {problems[0].problems[0]}"
        raise ValueError(msg)
    codec, registry = await codec_of(settings)
    publisher = await exits.enter_async_context(Publisher(settings, codec))
    statuses = await exits.enter_async_context(Publisher(settings, codec))
    once = DeduplicatingPublisher(
        publisher,
        PublishedIndex(SeenNews()),
        Decoder(codec, registry.resolve).decode,
        lambda: LogReader(settings),
        CheckpointFile(folder / f"{settings.prefix}journal"),
    )
    return once, statuses, await once.start()


async def _follow_strategies(
    settings: Settings, codec: Codec, watch: Callable[[Sequence[Strategy]], None]
) -> None:
    """Hand over the strategies whenever one changes, also after the broker was away."""
    while True:
        strategies = StrategyLog(
            settings, codec, lambda placed: watch([one.strategy for one in placed.values()])
        )
        try:
            await strategies.start()
            while strategies.trouble() is None:
                await asyncio.sleep(_LOOK_S)
            _log.warning("%s", strategies.trouble())
        except BrokerError as error:
            _log.warning("the strategies cannot be read: %s", error)
        finally:
            await strategies.stop()
        await asyncio.sleep(_LOOK_S)


async def _follow_requests(
    settings: Settings, codec: Codec, ask: Callable[[Mapping[str, int]], None]
) -> None:
    """Hand over what signals are asked of, of the last day and from now on; by asset its age."""
    while True:
        try:
            async with LogReader(settings) as reader:
                places = (await reader.partitions())[REQUESTS.name]
                since = await reader.from_time(places, wall_ms() - DAY_MS)
                starts = {place: start for place, (start, _) in since.items()}
                async for records in reader.follow(starts):
                    ask(_ages(codec, records))
        except Exception as error:  # whatever the broker says when it is away
            _log.warning("the requests for signals cannot be read: %s", error)
        await asyncio.sleep(_LOOK_S)


async def _follow_positions(
    settings: Settings, codec: Codec, hold: Callable[[Mapping[tuple[str, str], bool]], None]
) -> None:
    """Hand over which strategies have a position in which assets, now and from now on.

    What is held has a decision in every cycle, so the hour before the newest one names all of it,
    however long ago that was.
    """
    while True:
        try:
            async with LogReader(settings) as reader:
                places = (await reader.partitions())[DECISIONS.name]
                newest, _ = await reader.last(places, 1, lambda one: bool(_positions(codec, [one])))
                since_ms = newest[0].timestamp - HOUR_MS if newest else 0
                found = await reader.from_time(places, since_ms)
                starts = {place: start for place, (start, _) in found.items()}
                async for records in reader.follow(starts):
                    hold(_positions(codec, [one for one in records if one.timestamp >= since_ms]))
        except Exception as error:  # whatever the broker says when it is away
            _log.warning("the positions of the strategies cannot be read: %s", error)
        await asyncio.sleep(_LOOK_S)


def _positions(codec: Codec, records: Sequence[Any]) -> dict[tuple[str, str], bool]:
    found: dict[tuple[str, str], bool] = {}
    for record in records:
        with contextlib.suppress(BadEventError):  # the confidence agent has it in the dead letters
            one = codec.decode(record.value or b"")
            # An answer to a request changes no position; of a SELL it is the one that it closes.
            if isinstance(one, Decision) and one.trigger in ("cycle", "change"):
                is_in = one.position is not None and one.action != "SELL"
                found[one.asset, one.strategy_id] = is_in
    return found


def _ages(codec: Codec, records: Sequence[Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for record in records:
        with contextlib.suppress(BadEventError):  # fusion has it in the dead letters
            request = codec.decode(record.value or b"")
            if isinstance(request, SignalRequest) and problem(request) is None:
                found[request.asset] = max(wall_ms() - request.requested_at, 0)
    return found


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """Return what the work returns; None when the stop comes first, which cancels it."""
    task, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        task.cancel()
        stopping.cancel()
        await asyncio.gather(task, stopping, return_exceptions=True)
