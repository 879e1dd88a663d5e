"""Older events out of the log, for clients that were away longer than the hub's memory.

A few connections serve everybody: each is lent for one bounded piece, and never while a client's
socket is waited for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from sinks.base import SinkRecord
from sinks.bridge.frames import Frame
from sinks.bridge.hub.channels import frame_of
from sinks.bridge.hub.cursors import Place, Positions
from sinks.decoding import RecordDecoder
from transport.log_reader import LogReader, OpenLog, Partition, in_order

_log = logging.getLogger(__name__)
PIECE = 500
"""Offsets of one place that are read at once."""
LIMIT_S = 30.0
_YIELD_EVERY = 100


@dataclass(slots=True)
class Piece:
    """Events of a range of places, in order; `gaps` are ranges that the log no longer has."""

    events: list[tuple[Place, int, Frame]] = field(default_factory=list)
    gaps: dict[Place, tuple[int, int]] = field(default_factory=dict)
    next: Positions = field(default_factory=dict)


class Backlog:
    """Reads pieces of the log; `connections` at a time, the others wait for their turn."""

    def __init__(
        self,
        open_log: OpenLog,
        decoder: RecordDecoder,
        partitions: Callable[[], Mapping[Place, Partition]],
        connections: int = 4,
    ) -> None:
        self._open = open_log
        self._decoder = decoder
        self.piece = PIECE
        self._turn = asyncio.Semaphore(connections)
        self._idle: list[tuple[AsyncExitStack, LogReader]] = []
        self._partitions = partitions

    async def read(self, ranges: Mapping[Place, tuple[int, int]]) -> Piece:
        """Return the events of [start, stop) of each place, as far as a piece goes.

        Raises what the log raises when it is away, TimeoutError after 30 s.
        """
        wanted = {place: (a, min(b, a + self.piece)) for place, (a, b) in ranges.items() if a < b}
        async with self._turn, asyncio.timeout(LIMIT_S):
            piece: Piece = await self._with(lambda log: self._read(log, wanted))
            return piece

    async def ends(self, places: list[Place]) -> Positions:
        """Return where the log begins to have nothing yet. Raises as `read`."""
        return await self._asked(places, lambda log, names: log.ends(names))

    async def begins(self, places: list[Place]) -> Positions:
        """Return the first offset that the log still has. Raises as `read`."""
        return await self._asked(places, lambda log, names: log.begins(names))

    async def close(self) -> None:
        """Close all connections."""
        while self._idle:
            await self._idle.pop()[0].aclose()

    async def _asked(
        self,
        places: list[Place],
        ask: Callable[[LogReader, list[Partition]], Awaitable[Mapping[Any, int]]],
    ) -> Positions:
        names = {place: self._partitions()[place] for place in places}
        async with self._turn, asyncio.timeout(LIMIT_S):
            found: Mapping[Any, int] = await self._with(lambda log: ask(log, [*names.values()]))
        return {place: found[name] for place, name in names.items()}

    async def _with(self, use: Any) -> Any:
        stack, log = self._idle.pop() if self._idle else await self._connect()
        try:
            found = await use(log)
        except BaseException:
            await _closed(stack)
            raise
        self._idle.append((stack, log))
        return found

    async def _connect(self) -> tuple[AsyncExitStack, LogReader]:
        stack = AsyncExitStack()
        return stack, await stack.enter_async_context(self._open())

    async def _read(self, log: LogReader, wanted: Mapping[Place, tuple[int, int]]) -> Piece:
        """Read the ranges; what was deleted before or meanwhile is a gap, and says so."""
        piece = Piece(next={place: stop for place, (_, stop) in wanted.items()})
        places = {self._partitions()[place]: place for place in wanted}
        begins = await log.begins(list(places))
        ranges = {}
        for name, place in places.items():
            start, stop = wanted[place]
            if begins[name] > start:
                piece.gaps[place] = (start, begins[name])
                piece.next[place] = max(stop, begins[name])
            if begins[name] < stop:
                ranges[name] = (max(start, begins[name]), stop)
        read = [record async for batch in log.scan(ranges) for record in batch]
        await self._deleted_meanwhile(log, ranges, read, places, piece)
        await self._decode(read, places, piece)
        return piece

    async def _deleted_meanwhile(
        self,
        log: LogReader,
        ranges: Mapping[Partition, tuple[int, int]],
        read: list[Any],
        places: Mapping[Partition, Place],
        piece: Piece,
    ) -> None:
        firsts: dict[Partition, int] = {}
        for record in read:
            name = (record.topic, record.partition)
            firsts[name] = min(record.offset, firsts.get(name, record.offset))
        late = [n for n, (start, stop) in ranges.items() if firsts.get(n, stop) > start]
        for name, begin in (await log.begins(late)).items() if late else ():
            start, stop = ranges[name]
            if begin > start:
                place = places[name]
                lost_from = piece.gaps.get(place, (start, start))[0]
                piece.gaps[place] = (lost_from, min(begin, firsts.get(name, stop)))

    async def _decode(
        self, read: list[Any], places: Mapping[Partition, Place], piece: Piece
    ) -> None:
        for count, raw in enumerate(in_order(read), start=1):
            decoded = await self._decoder.decode(raw)
            frame = frame_of(decoded) if isinstance(decoded, SinkRecord) else None
            if frame is not None:
                piece.events.append((places[(raw.topic, raw.partition)], raw.offset, frame))
            if count % _YIELD_EVERY == 0:
                await asyncio.sleep(0)


async def _closed(stack: AsyncExitStack) -> None:
    try:
        async with asyncio.timeout(5):
            await stack.aclose()
    except Exception as error:
        _log.debug("a connection to the log did not close: %s", error)
