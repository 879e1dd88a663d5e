"""The edge of the cycle's watchdog: reads ticks and answers, writes what is overdue into the log.

Its clock is the wall clock, counted only while the broker answers: an engine that could not answer
because the broker was away is not overdue.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import Any

from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from schemas.codec import BadEventError, Codec
from schemas.market import TrendingAsset
from schemas.partitioning import partition_of
from schemas.scores import EngineScore
from schemas.topics import RANKING, SCORES, TRENDING, physical
from schemas.validation import problem
from streams.fusion import watchdog as core
from streams.fusion.state import ALL_ANSWERED
from streams.stage import Output
from transport import clients
from transport.settings import Settings

_log = logging.getLogger(__name__)
WATCHED = (TRENDING.name, SCORES.name)
_ROUND_S = 0.5
_PROBE_TIMEOUT_S = 5.0


class CycleWatchdog:
    """Runs in a worker process; several may run side by side and share the partitions.

    Offsets are committed only while no answer is awaited, so a restart sees the open cycles again;
    what it then writes a second time changes nothing downstream.
    """

    def __init__(self, settings: Settings, codec: Codec) -> None:
        self._settings = settings
        self._codec = codec
        self._config = core.Config(grace_ms=int(settings.grace_s * 1000))
        self._state = core.WatchdogState()
        self._clock_ms = 0.0
        self._task: asyncio.Task[None] | None = None
        self._consumer = clients.consumer(
            settings,
            *(physical(name, settings.prefix) for name in WATCHED),
            group=settings.group_id("watchdog"),
            # Range gives a member the same partition numbers of both topics: an asset's ticks
            # and its answers.
            partition_assignment_strategy=(RangePartitionAssignor,),
        )
        self._producer = clients.producer(settings, request_timeout_ms=300_000)

    async def start(self) -> None:
        """Begin to connect and to watch; the stages beside it need not wait for that."""
        self._task = asyncio.create_task(self._watch())

    def trouble(self) -> str | None:
        """Return why the process should end, as a sentence; None when all is well."""
        if self._task is None or not self._task.done() or self._task.cancelled():
            return None
        return f"the cycle watchdog stopped: {self._task.exception()!r}"

    async def stop(self) -> None:
        """Stop watching and disconnect."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._consumer.stop()
        await self._producer.stop()

    async def _watch(self) -> None:
        await self._producer.start()
        await self._consumer.start()
        last = time.monotonic()
        while True:
            fetched = await self._consumer.getmany(timeout_ms=int(_ROUND_S * 1000))
            now = time.monotonic()
            if any(fetched.values()) or await self._broker_answers():
                self._clock_ms += (now - last) * 1000
            last = time.monotonic()
            for records in fetched.values():
                for record in records:
                    self._apply(record)
            await self._write_due()
            if fetched and not _awaits_answers(self._state):
                await self._consumer.commit()

    async def _broker_answers(self) -> bool:
        client = self._producer.client
        try:
            return bool(await asyncio.wait_for(client.force_metadata_update(), _PROBE_TIMEOUT_S))
        except TimeoutError:
            return False

    def _apply(self, record: Any) -> None:
        try:
            event = self._codec.decode(record.value)
        except BadEventError:
            return  # the engines and fusion send it to the dead letters
        if problem(event) is not None:
            return
        if isinstance(event, TrendingAsset):
            self._state = core.on_tick(self._config, self._state, event, int(self._clock_ms))
        elif isinstance(event, EngineScore):
            self._state = core.on_score(self._config, self._state, event)

    async def _write_due(self) -> None:
        self._state, outputs = core.due(self._config, self._state, int(self._clock_ms))
        sends = [await self._send(output, number) for output, number in self._addressed(outputs)]
        if sends:
            _log.warning("wrote %d records for engines or signals that did not come", len(sends))
            await asyncio.gather(*sends)

    def _addressed(self, outputs: tuple[Output, ...]) -> list[tuple[Output, int]]:
        count = self._settings.partitions
        addressed = []
        for output in outputs:
            if output.topic == RANKING.name:  # a grace record concerns every partition
                addressed += [(output, number) for number in range(count)]
            else:
                addressed.append((output, partition_of(output.key.encode(), count)))
        return addressed

    async def _send(self, output: Output, partition: int) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = await self._producer.send(
            physical(output.topic, self._settings.prefix),
            self._codec.encode(output.event),
            key=output.key.encode(),
            partition=partition,
            timestamp_ms=getattr(output.event, "as_of", 0) or getattr(output.event, "cycle", None),
        )
        return future


def _awaits_answers(state: core.WatchdogState) -> bool:
    return any(
        watch.seen_ms is not None and watch.answered != ALL_ANSWERED
        for cycle in state.cycles.values()
        for watch in cycle.assets.values()
    )
