"""The strategies as they stand: control.strategies, read to its end at the start, then followed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

from schemas.codec import BadEventError, Codec
from schemas.control import Strategy
from schemas.topics import STRATEGIES, physical
from schemas.validation import problem
from transport.log_reader import LogReader
from transport.settings import Settings

_log = logging.getLogger(__name__)


class Placed(NamedTuple):
    """A strategy, and the offset of the record that it is from."""

    strategy: Strategy
    offset: int


class Refused(NamedTuple):
    """A strategy in the log that cannot be used, and why; its version and time still count."""

    strategy: Strategy
    reason: str


class StrategyLog:
    """Follows the compacted topic; a plain reader without a group.

    `refused` are those in it that break the contract as it is now, by id.

    `on_change` gets all strategies by id, in the order of the ids, at the start and whenever one
    is saved or deleted; what it gets is never changed afterwards.
    """

    def __init__(
        self,
        settings: Settings,
        codec: Codec,
        on_change: Callable[[Mapping[str, Placed]], None],
    ) -> None:
        self._codec, self._on_change = codec, on_change
        self._place = (physical(STRATEGIES.name, settings.prefix), 0)
        self._reader = LogReader(settings)
        self._open = AsyncExitStack()
        self._placed: Mapping[str, Placed] = {}
        self.refused: Mapping[str, Refused] = {}
        self.read_to = -1
        """Offset of the last record read, -1 before the first."""
        self._task: asyncio.Task[None] | None = None

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
            self.apply(records)
        self._on_change(self._placed)  # there may be none
        self._task = asyncio.create_task(self._follow(end))

    async def _follow(self, start: int) -> None:
        async for records in self._reader.follow({self._place: start}):
            self.apply(records)

    def apply(self, records: list[Any]) -> None:
        """Take in records of the topic. What is no strategy is logged and ignored."""
        placed, refused = dict(self._placed), dict(self.refused)
        for record in sorted(records, key=lambda one: one.offset):
            name = (record.key or b"").decode(errors="replace")
            self.read_to = record.offset
            if record.value is None:
                placed.pop(name, None)
                refused.pop(name, None)
                continue
            try:
                strategy = self._codec.decode(record.value)
                if not isinstance(strategy, Strategy):
                    msg = f"a {type(strategy).__name__} is no strategy"
                    raise BadEventError(msg)
                if wrong := problem(strategy):
                    refused[strategy.strategy_id] = Refused(strategy, wrong)
                    raise BadEventError(wrong)
            except Exception as error:  # whatever it is, it is this record's, not the platform's
                _log.error("strategy %.200r at %d ignored: %s", record.key, record.offset, error)
                continue
            placed[strategy.strategy_id] = Placed(strategy, record.offset)
            refused.pop(strategy.strategy_id, None)
        self._placed = {name: placed[name] for name in sorted(placed)}
        self.refused = refused
        self._on_change(self._placed)

    def trouble(self) -> str | None:
        """Return why the strategies are not followed any more; None when all is well."""
        if self._task is None or not self._task.done() or self._task.cancelled():
            return None
        return f"the strategies are not followed any more: {self._task.exception()!r}"

    async def stop(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
        await self._open.aclose()
