"""Waits until the whole pipeline has applied what was published: the exact end of a wave.

Two plays of the same data give identical signals only if no two engines race each other on one
asset. So at full speed the recorded source publishes in waves and waits here between them. A stage
commits an offset only after its outputs are on the broker, so "committed" means "applied, and the
outputs of it are counted in the end offsets of the next layer".
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from typing import Protocol

from schemas.topics import BY_NAME, DECISIONS, NEWS, NEWS_SCORES, SCORES, physical
from transport.admin import wanted_partitions
from transport.groups import ConsumerGroups
from transport.log_reader import LogReader, Partition
from transport.settings import Settings

_POLL_S = 0.005
_FETCH_WAIT_MS = 50
_COORDINATOR_S = 60.0


class Stage(Protocol):
    """A stage as the barrier sees it: its name, which is also its group's, and its input topics."""

    @property
    def name(self) -> str:
        """Name of the stage."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Logical topics that it reads."""


class PipelineBarrier:
    """`await barrier(positions)` returns once every stage has applied all that went before.

    `positions` are next offsets by (topic on the broker, partition), as the publisher knows them.
    """

    def __init__(self, settings: Settings, stages: tuple[Stage, ...]) -> None:
        self._settings = settings
        self._headlines = [stage for stage in stages if stage.inputs == (NEWS.name,)]
        after = {SCORES.name, DECISIONS.name}
        self._engines = [
            stage
            for stage in stages
            if not after & {*stage.inputs} and stage not in self._headlines
        ]
        self._fusion = [stage for stage in stages if SCORES.name in stage.inputs]
        self._confidence = [stage for stage in stages if DECISIONS.name in stage.inputs]
        self._groups = ConsumerGroups(settings, _COORDINATOR_S)
        self._reader = LogReader(settings, fetch_wait_ms=_FETCH_WAIT_MS)
        self._open = AsyncExitStack()

    async def start(self) -> None:
        """Connect; BrokerError when no broker answers."""
        async with AsyncExitStack() as opened:
            await opened.enter_async_context(self._groups)
            await opened.enter_async_context(self._reader)
            self._open = opened.pop_all()

    async def stop(self) -> None:
        """Disconnect."""
        await self._open.aclose()

    async def __call__(self, positions: Mapping[Partition, int]) -> None:
        """Wait layer by layer: headlines, engines, fusion, confidence."""
        await self._applied(self._headlines, positions)
        scored = await self._ends(NEWS_SCORES.name) if self._headlines else {}
        await self._applied(self._engines, {**positions, **scored})
        await self._applied(self._fusion, await self._ends(SCORES.name))
        await self._applied(self._confidence, await self._ends(DECISIONS.name))

    async def ends(self, topics: Iterable[str]) -> dict[Partition, int]:
        """Return the end offsets of topics now, by their name on the broker and partition."""
        found: dict[Partition, int] = {}
        for topic in topics:
            found |= await self._ends(topic)
        return found

    async def read_by(self, group: str, topics: Iterable[str]) -> None:
        """Wait until a consumer group has committed all that is now in these topics."""
        for topic in topics:
            await self._committed(group, await self._ends(topic))

    async def _applied(self, stages: list[Stage], positions: Mapping[Partition, int]) -> None:
        await asyncio.gather(*(self._stage_applied(stage, positions) for stage in stages))

    async def _stage_applied(self, stage: Stage, positions: Mapping[Partition, int]) -> None:
        names = {physical(name, self._settings.prefix) for name in stage.inputs}
        wanted = {place: offset for place, offset in positions.items() if place[0] in names}
        await self._committed(self._settings.group_id(stage.name), wanted)

    async def _committed(self, group: str, positions: Mapping[Partition, int]) -> None:
        wanted = {place: offset for place, offset in positions.items() if offset > 0}
        while wanted:
            committed = (await self._groups.committed({group: wanted}))[group]
            wanted = {
                place: offset
                for place, offset in wanted.items()
                if committed.get(place, -1) < offset
            }
            if wanted:
                await asyncio.sleep(_POLL_S)

    async def _ends(self, topic: str) -> dict[Partition, int]:
        name = physical(topic, self._settings.prefix)
        count = wanted_partitions(BY_NAME[topic], self._settings)
        return await self._reader.ends((name, number) for number in range(count))
