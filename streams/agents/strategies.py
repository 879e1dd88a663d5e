"""The strategies as a table that every fusion worker holds whole.

control.strategies is read to its end at the start and followed from then on.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.codec import BadEventError, Codec
from schemas.topics import STRATEGIES, physical
from schemas.validation import problem
from streams.stage import StrategyAt, Tables
from transport.embedded_broker import faults

_log = logging.getLogger(__name__)


class StrategyTable:
    """Follows the compacted topic; `tables()` is a snapshot that later changes never touch.

    A Faust GlobalTable would show other workers' rows late or never; this is a plain reader
    without a group.
    """

    def __init__(self, bootstrap: str, codec: Codec, prefix: str = "") -> None:
        self._bootstrap = bootstrap
        self._codec = codec
        self._tp = TopicPartition(physical(STRATEGIES.name, prefix), 0)
        self._tables = Tables({})
        self._task: asyncio.Task[None] | None = None
        self._consumer: AIOKafkaConsumer | None = None

    def tables(self) -> Tables:
        """Return the strategies as they stand now, in the order of their ids."""
        return self._tables

    async def start(self) -> None:
        """Read the topic to its present end, then follow it in the background."""
        if faults.is_embedded():
            end = (await faults.end_offsets(self._bootstrap, [self._tp]))[self._tp]
        else:
            end = -1
        consumer = self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            **faults.consumer_options(),
        )
        await consumer.start()
        consumer.assign([self._tp])
        if end < 0:
            end = (await consumer.end_offsets([self._tp]))[self._tp]
        await consumer.seek_to_beginning(self._tp)
        while await consumer.position(self._tp) < end:
            self._apply(await consumer.getmany(timeout_ms=500))
        self._task = asyncio.create_task(self._follow(consumer))

    async def _follow(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            self._apply(await consumer.getmany(timeout_ms=1000))

    def _apply(self, fetched: dict[Any, list[Any]]) -> None:
        strategies = dict(self._tables.strategies)
        changed = False
        for record in fetched.get(self._tp, []):
            changed = True
            if record.value is None:
                strategies.pop(record.key.decode(), None)
                continue
            try:
                strategy = self._codec.decode(record.value)
                wrong = problem(strategy)
                if wrong:
                    raise BadEventError(wrong)
            except BadEventError as error:
                _log.error("strategy %s at %d ignored: %s", record.key, record.offset, error)
                continue
            strategies[strategy.strategy_id] = StrategyAt(strategy, record.offset)
        if changed:
            self._tables = Tables({name: strategies[name] for name in sorted(strategies)})

    async def stop(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
        if self._consumer is not None:
            await self._consumer.stop()
