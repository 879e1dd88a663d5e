"""Reads the log for all clients: first what is there, then what comes, through every outage."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any

from schemas.registry_client import RegistryError
from schemas.topics import BY_NAME, WRITTEN_BY_STAGES
from sinks.base import Rejected, SinkRecord
from sinks.bridge.hub.channels import BY_TOPIC
from sinks.bridge.hub.core import Core
from sinks.bridge.hub.cursors import Place, Positions
from sinks.bridge.hub.hub_health import HubHealth
from sinks.decoding import RecordDecoder
from transport.log_reader import LogReader, OpenLog, Partition, in_order

_log = logging.getLogger(__name__)
_LONGEST_WAIT_S = 5.0
_LEAVE_S = 3.0
_REGISTRY_WAIT_S = 1.0
_YIELD_EVERY_S = 0.02
_MARKERS = 8
"""So many offsets without a record are taken for markers of transactions; more are looked into."""
"""How long decoding and sending may go on before other tasks may run.

Then the sockets are written, too: with 5 ms a burst to 5,000 clients took more than twice as long.
"""

OnGap = Callable[[Place, int, int, str], None]
"""Called with a place, the range that will not come, and the reason."""


class OutOfStepError(Exception):
    """The log is not what it was: the hub reconnects and compares the positions."""


_LOOK_S = 0.02


class HubFeed:
    """Runs in one task. `ready` is set once the state holds what the log had at the start.

    `partitions` names the places that are read; `on_gap` tells the clients what was lost.
    """

    def __init__(
        self,
        core: Core,
        open_log: OpenLog,
        decoder: RecordDecoder,
        log_health: HubHealth,
        on_gap: OnGap,
    ) -> None:
        self._core = core
        self._open = open_log
        self._decoder = decoder
        self._log_health = log_health
        self._on_gap = on_gap
        self._session: asyncio.Task[None] | None = None
        self._warming: Positions = {}
        self.partitions: dict[Place, Partition] = {}
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Read for ever; whatever the log or the registry says when it is away is waited out."""
        wait_s = 0.1
        while True:
            self._session = asyncio.create_task(self._read())
            try:
                await asyncio.wait({self._session})
            finally:
                self._session.cancel()
                await asyncio.wait({self._session}, timeout=_LEAVE_S)
            if not self._session.cancelled():
                error = self._session.exception()
                had = self._log_health.connected
                self._log_health.lost(error)
                wait_s = 0.1 if had else min(2 * wait_s, _LONGEST_WAIT_S)
            await asyncio.sleep(wait_s)

    async def until_the_end(self) -> None:
        """Wait until all that the log has now was sent; raises what a log raises that is away."""
        async with self._open() as log:
            ends = await log.ends(list(self.partitions.values()))
        wanted = {place: ends[name] for place, name in self.partitions.items()}
        while any(self._core.positions[place] < end for place, end in wanted.items()):
            await asyncio.sleep(_LOOK_S)

    def reconnect(self) -> None:
        """Open a new connection, and compare the positions with the log."""
        if self._session is not None:
            self._session.cancel()

    async def _read(self) -> None:
        async with self._open() as log:
            found = await log.partitions()
            missing = [topic for topic in BY_TOPIC if not found.get(topic)]
            if missing:
                msg = f"the log has no topic {missing[0]}: run `quantiva topics create`"
                raise LookupError(msg)
            self.partitions = {
                (topic, partition[1]): partition for topic in BY_TOPIC for partition in found[topic]
            }
            self._names = {partition: place for place, partition in self.partitions.items()}
            await self._begin(log)
            self._core.latest.is_whole = True
            self.ready.set()
            self._log_health.found()
            starts = {self.partitions[p]: self._core.positions[p] for p in self.partitions}
            async for batch in log.follow(starts):
                await self._take(log, batch)
                self._pass_markers(log)

    async def _begin(self, log: LogReader) -> None:
        """Bring the positions and the log together, and read what the state is made of."""
        names = list(self._names)
        begins, ends = await log.begins(names), await log.ends(names)
        for place in [place for place in self._core.positions if place not in self.partitions]:
            self._on_gap(place, self._core.positions[place], 0, "replaced")
            self._core.recent_events.forget(place)
        for name, place in self._names.items():
            begin, end = begins[name], ends[name]
            position = self._core.positions.get(place)
            if position is None:
                # A partition that comes later has only what no client has.
                first = begin if self.ready.is_set() else _warm_from(place, begin, end)
                self._core.recent_events.begin(place, first)
                self._warming[place] = end
            elif end < position:
                self._lost(place, position, begin, "replaced")
            elif begin > position:
                self._lost(place, position, begin, "expired")
        await self._warm_up(log)

    def _lost(self, place: Place, position: int, begin: int, reason: str) -> None:
        self._core.recent_events.begin(place, begin)
        if reason == "replaced":
            self._core.latest.reset(place[0])
        self._on_gap(place, position, begin, reason)

    async def _warm_up(self, log: LogReader) -> None:
        positions = self._core.positions
        ranges = {self.partitions[p]: (positions[p], end) for p, end in self._warming.items()}
        async for batch in log.scan(ranges):
            await self._take(log, batch)
        for place, end in self._warming.items():
            if positions[place] < end:  # the last ones are compacted away
                self._core.pass_over(place, end - 1)
        self._warming.clear()

    async def _take(self, log: LogReader, batch: Iterable[Any]) -> None:
        """Decode and send a batch; the loop is let go every few ms."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for raw in in_order(batch):
            place = self._names[(raw.topic, raw.partition)]
            if raw.offset < self._core.positions[place]:
                msg = f"{place[0]} went back from {self._core.positions[place]} to {raw.offset}"
                raise OutOfStepError(msg)
            if raw.offset > self._core.positions[place]:
                await self._jumped(log, place, raw)
            await self._one(place, raw)
            if loop.time() - began > _YIELD_EVERY_S:
                await asyncio.sleep(0)
                began = loop.time()

    def _pass_markers(self, log: LogReader) -> None:
        """Go behind what no client has: without it the bridge would seem to be behind the log."""
        for name, reached in log.reached().items():
            place = self._names[name]
            if reached > self._core.positions[place]:
                self._core.pass_over(place, reached - 1)

    async def _jumped(self, log: LogReader, place: Place, raw: Any) -> None:
        """Say what was deleted before it was read; compacted topics leave offsets out anyway."""
        name, position = self.partitions[place], self._core.positions[place]
        may_be = log.has_markers and place[0] in WRITTEN_BY_STAGES
        is_marker = may_be and raw.offset - position <= _MARKERS
        if BY_NAME[place[0]].cleanup == "compact" or is_marker:
            return
        begin = (await log.begins([name]))[name]
        if begin > position:
            self._lost(place, position, min(begin, raw.offset), "expired")

    async def _decoded(self, raw: Any) -> SinkRecord | Rejected:
        waited = False
        while True:
            try:
                decoded = await self._decoder.decode(raw)
            except (RegistryError, OSError) as error:
                waited = True
                self._log_health.lost(error)
                await asyncio.sleep(_REGISTRY_WAIT_S)
                continue
            if waited:
                self._log_health.found()
            return decoded

    async def _one(self, place: Place, raw: Any) -> None:
        decoded = await self._decoded(raw)
        if not isinstance(decoded, SinkRecord):
            self._log_health.unusable(place, raw.offset, decoded.reason)
            self._core.pass_over(place, raw.offset)
            return
        try:
            self._core.take(decoded)
        except Exception as error:  # a defect of ours: one record less, not a bridge that stands
            _log.exception("a record could not be taken in")
            self._log_health.unusable(place, raw.offset, f"{type(error).__name__}: {error}")
            self._core.pass_over(place, raw.offset)


def _warm_from(place: Place, begin: int, end: int) -> int:
    warm = BY_TOPIC[place[0]].warm
    return begin if warm is None else max(begin, end - warm)
