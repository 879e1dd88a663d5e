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
from transport.group_consumer import GroupConsumer, RebalancedError
from transport.records import Outgoing
from transport.settings import Settings
from transport.transactions import FencedError, send, transactions_of

_log = logging.getLogger(__name__)
WATCHED = (TRENDING.name, SCORES.name)
_ROUND_S = 0.5
_MOST_RECORDS = 10_000
_PROBE_TIMEOUT_S = 5.0


class CycleWatchdog:
    """Runs in a worker process; several may run side by side and share the partitions.

    Offsets are committed only while no answer is awaited, so a restart or a rebalance sees the open
    cycles again, and what was written for them. Writes are fenced by partition like those of a
    stage.
    """

    def __init__(self, settings: Settings, codec: Codec) -> None:
        self._settings = settings
        self._codec = codec
        self._config = core.Config(grace_ms=int(settings.grace_s * 1000))
        self._state = core.WatchdogState()
        self._clock_ms = 0.0
        self._task: asyncio.Task[None] | None = None
        group = settings.group_id("watchdog")
        self._consumer = GroupConsumer(settings, group, WATCHED, same_numbers=True)
        self._generation = -1
        self._next: dict[Any, int] = {}
        self._transactions = transactions_of(settings, group, {})
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
        if self._transactions is not None:
            await self._transactions.stop()

    async def _watch(self) -> None:
        await self._producer.start()
        await self._consumer.start()
        last = time.monotonic()
        while True:
            fetched = await self._consumer.read(int(_ROUND_S * 1000), _MOST_RECORDS)
            if self._consumer.generation != self._generation:
                await self._begin()
            now = time.monotonic()
            if fetched or await self._broker_answers():
                # A process that was stopped has read nothing: that time does not count either.
                self._clock_ms += min(now - last, 2 * _ROUND_S) * 1000
            last = time.monotonic()
            for partition, records in fetched.items():
                for record in records:
                    self._apply(record)
                self._next[partition] = records[-1].offset + 1
            try:
                await self._write_due()
                if self._next and not _awaits_answers(self._state):
                    await self._consumer.commit(self._next)
                    self._next = {}
            except (RebalancedError, FencedError) as error:
                _log.info("the cycles are read again: %s", error)
                self._consumer.seek_again()
                self._generation = -1

    async def _begin(self) -> None:
        """Forget what was seen: it is read again from the committed offsets."""
        generation = self._consumer.generation
        if self._transactions is not None:
            await self._transactions.fence(self._consumer.numbers())
        self._state, self._next = core.WatchdogState(), {}
        self._generation = generation

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
        records = [record for output in outputs for record in self._addressed(output)]
        if not records:
            return
        _log.warning("writing %d records for engines or signals that did not come", len(records))
        if self._transactions is None:
            await asyncio.gather(*await send(self._producer, records, {}))
            return
        owned = sorted(self._consumer.numbers())
        by_number: dict[int, list[Outgoing]] = {}
        for one in records:
            number = one.partition if one.partition in owned else owned[0]
            by_number.setdefault(number, []).append(one)
        for number, some in by_number.items():
            await self._transactions.write(number, some, {})

    def _addressed(self, output: Output) -> list[Outgoing]:
        count, key = self._settings.partitions, output.key.encode()
        numbers = [partition_of(key, count)]
        if output.topic == RANKING.name:  # a grace record concerns every partition
            numbers = list(range(count))
        topic = physical(output.topic, self._settings.prefix)
        at_ms = getattr(output.event, "as_of", 0) or getattr(output.event, "cycle", 0)
        value = self._codec.encode(output.event)
        return [Outgoing(topic, number, key, at_ms, value, 0) for number in numbers]


def _awaits_answers(state: core.WatchdogState) -> bool:
    return any(
        watch.seen_ms is not None and watch.answered != ALL_ANSWERED
        for cycle in state.cycles.values()
        for watch in cycle.assets.values()
    )
