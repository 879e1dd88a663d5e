"""Older events out of the log, for clients that were away longer than the hub's memory.

The log is read in windows, each of some offsets of one place, and decoded once for all who ask for
it: a window is kept while somebody does, up to so many bytes. A few connections serve everybody,
and the work is done in turns that are short, since live clients share the event loop.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from sinks.base import SinkRecord
from sinks.bridge.hub.channels import frame_of
from sinks.bridge.hub.cursors import Place, Positions
from sinks.bridge.hub.pieces import Piece, Range, Window, take
from sinks.decoding import RecordDecoder
from transport import memory
from transport.log_reader import LogReader, OpenLog, Partition

_log = logging.getLogger(__name__)
PIECE = 256
"""Offsets of one place that make a window."""
AT_ONCE = {"fetch_bytes": 262_144, "most_records": PIECE}
"""Options of a LogReader that reads windows."""
LIMIT_S = 30.0
MOST_BYTES = 32_000_000
KEEP_S = 10.0
"""How long a window, or a connection to the log, is kept that nobody asks for."""
_TURN_S = 0.0005
_LONGEST_REST_S = 0.02


class Turns:
    """Lets one at a time do work that keeps the event loop busy: half a ms, and then a rest."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._began_s = 0.0
        self._worked_s = 0.0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the turn; it is over at the end of the block."""
        async with self._lock:
            self._began_s = asyncio.get_running_loop().time() - self._worked_s
            yield
            await self.pause()
            self._worked_s = asyncio.get_running_loop().time() - self._began_s

    async def pause(self) -> None:
        """Rest when that time is over, for as long as was worked; for use inside a turn.

        Timers are no finer than a ms, so a third of the time is worked at most. Where the machine
        is busy with something else the work takes longer, and so does the rest.
        """
        loop = asyncio.get_running_loop()
        worked_s = loop.time() - self._began_s
        if worked_s >= _TURN_S:
            await asyncio.sleep(min(worked_s, _LONGEST_REST_S))
            self._began_s = loop.time()


Key = tuple[Place, int]
"""A window: its place and the multiple of its length at which it begins."""


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
        self.turns = Turns()
        self._connection = asyncio.Semaphore(connections)
        self._idle: list[tuple[AsyncExitStack, LogReader]] = []
        self._partitions = partitions
        self._kept: OrderedDict[Key, Window] = OrderedDict()
        self._bytes = 0
        self._reading: dict[Key, asyncio.Task[dict[Key, Window]]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._generation = 0
        self._tidying: asyncio.Task[None] | None = None

    async def read(self, ranges: Mapping[Place, Range], most: int) -> Piece:
        """Return up to `most` events of [start, stop) of each place, as far as a piece goes.

        Raises what the log raises when it is away, TimeoutError after 30 s.
        """
        wanted = {place: (a, b) for place, (a, b) in ranges.items() if a < b}
        windows = await self._windows(wanted)
        piece = Piece()
        for place, (start, _) in wanted.items():
            if windows[place].begin > start:
                piece.gaps[place] = (start, windows[place].begin)
            piece.next[place] = max(start, windows[place].begin)
        take(windows, {place: stop for place, (_, stop) in wanted.items()}, most, piece)
        return piece

    async def ends(self, places: list[Place]) -> Positions:
        """Return where the log begins to have nothing yet. Raises as `read`."""
        return await self._asked(places, lambda log, names: log.ends(names))

    async def begins(self, places: list[Place]) -> Positions:
        """Return the first offset that the log still has. Raises as `read`."""
        return await self._asked(places, lambda log, names: log.begins(names))

    def forget(self) -> None:
        """Forget all that was read: a topic was recreated."""
        self._generation += 1
        self._reading.clear()
        self._kept.clear()
        self._bytes = 0

    async def close(self) -> None:
        """Close all connections."""
        tasks = [*self._tasks, *([self._tidying] if self._tidying else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.forget()
        await self._disconnect()

    async def _disconnect(self) -> None:
        while self._idle:
            await _closed(self._idle.pop()[0])

    async def _asked(
        self,
        places: list[Place],
        ask: Callable[[LogReader, list[Partition]], Awaitable[Mapping[Any, int]]],
    ) -> Positions:
        names = {place: self._partitions()[place] for place in places}
        async with self._connection, asyncio.timeout(LIMIT_S):
            found: Mapping[Any, int] = await self._with(lambda log: ask(log, [*names.values()]))
        return {place: found[name] for place, name in names.items()}

    async def _windows(self, ranges: Mapping[Place, Range]) -> dict[Place, Window]:
        """Return the window that each range begins in; those that nobody has read yet are read."""
        found: dict[Place, Window] = {}
        waiting: dict[Place, Key] = {}
        missing: dict[Key, Range] = {}
        for place, (start, stop) in ranges.items():
            first = start - start % self.piece
            key = (place, first)
            kept = self._kept.get(key)
            if kept is not None and kept.stop > start:
                self._kept.move_to_end(key)
                kept.used_s = asyncio.get_running_loop().time()
                found[place] = kept
                continue
            waiting[place] = key
            if key not in self._reading:
                missing[key] = (first, min(stop, first + self.piece))
        if missing:
            self._begin_to_read(missing)
        tasks = {place: (key, self._reading[key]) for place, key in waiting.items()}
        for place, (key, task) in tasks.items():
            # Whoever began it may go: it is for all who ask meanwhile.
            found[place] = (await asyncio.shield(task))[key]
        # What was read for somebody else may end before this range begins.
        short = {p: r for p, r in ranges.items() if p in waiting and found[p].stop <= r[0]}
        return {**found, **(await self._windows(short) if short else {})}

    def _begin_to_read(self, missing: dict[Key, Range]) -> None:
        task = asyncio.create_task(self._read_windows(missing))
        self._tasks.add(task)
        self._reading |= dict.fromkeys(missing, task)

        def done(_: asyncio.Task[Any]) -> None:
            self._tasks.discard(task)
            for key in missing:
                if self._reading.get(key) is task:
                    del self._reading[key]
            if not task.cancelled():
                task.exception()  # who waits for it hears of it, if there is still somebody

        task.add_done_callback(done)

    async def _read_windows(self, wanted: dict[Key, Range]) -> dict[Key, Window]:
        generation = self._generation
        async with self._connection, asyncio.timeout(LIMIT_S):
            found: dict[Key, Window] = await self._with(lambda log: self._read(log, wanted))
        if generation == self._generation:
            self._keep(found)
        return found

    def _keep(self, windows: Mapping[Key, Window]) -> None:
        now_s = asyncio.get_running_loop().time()
        for key, window in windows.items():
            if window.begin >= window.stop:
                continue  # the log's beginning moves on: it is looked for each time
            self._drop(key)
            window.used_s = now_s
            self._kept[key] = window
            self._bytes += window.size()
        while self._bytes > MOST_BYTES:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Key) -> None:
        window = self._kept.pop(key, None)
        if window is not None:
            self._bytes -= window.size()

    async def _tidy(self) -> None:
        """Drop what nobody asks for any more; at the end the connections too."""
        while self._kept or self._tasks or self._idle:
            await asyncio.sleep(KEEP_S / 4)
            latest_s = asyncio.get_running_loop().time() - KEEP_S
            for key in [key for key, window in self._kept.items() if window.used_s < latest_s]:
                self._drop(key)
            gc.collect()  # aiokafka's fetches are cycles of a megabyte; it takes a few ms
            if not self._kept and not self._tasks:
                await self._disconnect()
                await asyncio.to_thread(memory.give_back)
        self._tidying = None

    async def _with(self, use: Any) -> Any:
        stack, log = self._idle.pop() if self._idle else await self._connect()
        try:
            found = await use(log)
        except BaseException:
            await _closed(stack)
            raise
        self._idle.append((stack, log))
        if self._tidying is None:
            self._tidying = asyncio.create_task(self._tidy())
        return found

    async def _connect(self) -> tuple[AsyncExitStack, LogReader]:
        stack = AsyncExitStack()
        return stack, await stack.enter_async_context(self._open())

    async def _read(self, log: LogReader, wanted: Mapping[Key, Range]) -> dict[Key, Window]:
        """Read the ranges; what was deleted before or meanwhile is before a window's begin."""
        names = {self._partitions()[key[0]]: key for key in wanted}
        begins = await log.begins(list(names))
        found = {
            key: Window(max(wanted[key][0], begins[name]), wanted[key][1])
            for name, key in names.items()
        }
        ranges = {
            name: (found[key].begin, found[key].stop)
            for name, key in names.items()
            if found[key].begin < found[key].stop
        }
        read = [record async for batch in log.scan(ranges) for record in batch]
        read.sort(key=lambda record: record.offset)
        firsts: dict[Partition, int] = {}
        for record in read:
            firsts.setdefault((record.topic, record.partition), record.offset)
        late = [n for n, (start, stop) in ranges.items() if firsts.get(n, stop) > start]
        for name, begin in (await log.begins(late)).items() if late else ():
            if begin > ranges[name][0]:
                found[names[name]].begin = min(begin, firsts.get(name, ranges[name][1]))
        await self._decode(read, {name: found[key] for name, key in names.items()})
        return found

    async def _decode(self, read: list[Any], windows: Mapping[Partition, Window]) -> None:
        async with self.turns.turn():
            for raw in read:
                decoded = await self._decoder.decode(raw)
                frame = frame_of(decoded) if isinstance(decoded, SinkRecord) else None
                if frame is not None:
                    window = windows[(raw.topic, raw.partition)]
                    window.events.append((raw.timestamp, raw.offset, frame))
                await self.turns.pause()


async def _closed(stack: AsyncExitStack) -> None:
    try:
        async with asyncio.timeout(5):
            await stack.aclose()
    except Exception as error:
        _log.debug("a connection to the log did not close: %s", error)
