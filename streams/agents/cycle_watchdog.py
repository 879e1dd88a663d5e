"""The edge of the cycle's watchdog: reads ticks, answers and decisions, writes what is overdue.

Its clock is the wall clock, counted only while the broker answers: an engine that could not answer
because the broker was away is not overdue.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable
from typing import Any

from schemas.codec import BadEventError, Codec
from schemas.market import TrendingAsset
from schemas.partitioning import partition_of
from schemas.scores import EngineScore
from schemas.signals import Decision
from schemas.topics import DECISIONS, SCORES, TRENDING, physical
from schemas.validation import problem
from streams.fusion import watchdog as core
from streams.stage import Output
from transport import clients
from transport.group_consumer import GroupConsumer, RebalancedError
from transport.records import Outgoing
from transport.settings import Settings
from transport.transactions import FencedError, send, transactions_of

_log = logging.getLogger(__name__)
WATCHED = (TRENDING.name, SCORES.name, DECISIONS.name)
_ROUND_S = 0.5
_MOST_RECORDS = 10_000
_PROBE_TIMEOUT_S = 5.0


class CycleWatchdog:
    """Runs in a worker process; several may run side by side and share the partitions.

    Offsets are committed only while neither an answer nor a decision is awaited, so a restart or a
    rebalance sees the open cycles again, and what was written for them. Writes are fenced by
    partition like those of a stage.
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
                self._apply(records)
                self._next[partition] = records[-1].offset + 1
            try:
                await self._write_due()
                if self._next and not core.is_waiting(self._state):
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

    def _apply(self, records: Iterable[Any]) -> None:
        decisions = []
        now_ms = int(self._clock_ms)
        for record in records:
            try:
                event = self._codec.decode(record.value)
            except BadEventError:
                continue  # the stages send it to the dead letters
            if problem(event) is not None:
                continue
            if isinstance(event, TrendingAsset):
                self._state = core.on_tick(self._config, self._state, event, now_ms)
            elif isinstance(event, EngineScore):
                self._state = core.on_score(self._config, self._state, event)
            elif isinstance(event, Decision):
                decisions.append(event)
        self._state = core.on_decisions(self._config, self._state, decisions, now_ms)

    async def _write_due(self) -> None:
        self._state, outputs = core.due(self._config, self._state, int(self._clock_ms))
        records = [self._addressed(output) for output in outputs]
        if not records:
            return
        _log.warning("writing %d records for scores or decisions that did not come", len(records))
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

    def _addressed(self, output: Output) -> Outgoing:
        event: Any = output.event
        key = output.key.encode()
        number = partition_of(key, self._settings.partitions)
        topic = physical(output.topic, self._settings.prefix)
        return Outgoing(topic, number, key, event.as_of, self._codec.encode(event), 0)
