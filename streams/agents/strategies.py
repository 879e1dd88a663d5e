"""The strategies as a table that every fusion worker holds whole.

control.strategies is read to its end at the start and followed from then on.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from typing import Any

from schemas.codec import BadEventError, Codec
from schemas.control import Strategy
from schemas.topics import STRATEGIES, physical
from schemas.validation import problem
from streams.stage import StrategyAt, Tables
from transport.log_reader import LogReader
from transport.settings import Settings

_log = logging.getLogger(__name__)


class StrategyTable:
    """Follows the compacted topic; `tables()` is a snapshot that later changes never touch.

    A Faust GlobalTable would show other workers' rows late or never; this is a plain reader
    without a group.
    """

    def __init__(self, settings: Settings, codec: Codec) -> None:
        self._codec = codec
        self._place = (physical(STRATEGIES.name, settings.prefix), 0)
        self._reader = LogReader(settings)
        self._open = AsyncExitStack()
        self._tables = Tables({})
        self._task: asyncio.Task[None] | None = None

    def tables(self) -> Tables:
        """Return the strategies as they stand now, in the order of their ids."""
        return self._tables

    async def start(self) -> None:
        """Read the topic to its present end, then follow it in the background."""
        try:
            await self._start()
        except BaseException:
            await self._open.aclose()
            raise

    async def _start(self) -> None:
        reader = await self._open.enter_async_context(self._reader)
        begins, ends = await reader.begins([self._place]), await reader.ends([self._place])
        begin, end = begins[self._place], ends[self._place]
        async for records in reader.scan({self._place: (begin, end)}):
            self._apply(records)
        self._task = asyncio.create_task(self._follow(end))

    async def _follow(self, start: int) -> None:
        async for records in self._reader.follow({self._place: start}):
            self._apply(records)

    def _apply(self, records: list[Any]) -> None:
        strategies = dict(self._tables.strategies)
        for record in sorted(records, key=lambda one: one.offset):
            if record.value is None:
                strategies.pop((record.key or b"").decode(errors="replace"), None)
                continue
            try:
                strategy = self._codec.decode(record.value)
                wrong = problem(strategy)
                if wrong:
                    raise BadEventError(wrong)
                if not isinstance(strategy, Strategy):
                    msg = f"a {type(strategy).__name__} is no strategy"
                    raise BadEventError(msg)
            except Exception as error:  # whatever it is, it is this record's, not the platform's
                _log.error("strategy %.200r at %d ignored: %s", record.key, record.offset, error)
                continue
            strategies[strategy.strategy_id] = StrategyAt(strategy, record.offset)
        self._tables = Tables({name: strategies[name] for name in sorted(strategies)})

    def trouble(self) -> str | None:
        """Return why the process should end; None when all is well."""
        if self._task is None or not self._task.done() or self._task.cancelled():
            return None
        return f"the strategies are not followed any more: {self._task.exception()!r}"

    async def stop(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
        await self._open.aclose()
