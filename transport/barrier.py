"""Waits until the whole pipeline has applied what was published: the exact end of a wave.

Two plays of the same data give identical signals only if no two engines race each other on one
asset. So at full speed the recorded source publishes in waves and waits here between them. A stage
commits an offset only after its outputs are on the broker, so "committed" means "applied, and the
outputs of it are counted in the end offsets of the next layer".
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

from schemas.topics import (
    BY_NAME,
    RANKING,
    SCORES,
    physical,
)
from transport.admin import wanted_partitions
from transport.embedded_broker import faults
from transport.settings import Settings

_POLL_S = 0.005


class Stage(Protocol):
    """What the barrier knows of a stage: its name, which its group has too, and what it reads."""

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
        scoring = [stage for stage in stages if SCORES.name not in stage.inputs]
        self._engines = [stage for stage in scoring if RANKING.name not in stage.inputs]
        self._fusion = [stage for stage in stages if SCORES.name in stage.inputs]
        self._ranking = [stage for stage in stages if RANKING.name in stage.inputs]
        self._admin = AIOKafkaAdminClient(bootstrap_servers=settings.require_bootstrap())
        self._reader = AIOKafkaConsumer(
            bootstrap_servers=settings.require_bootstrap(),
            group_id=None,
            enable_auto_commit=False,
            fetch_max_wait_ms=50,
        )

    async def start(self) -> None:
        """Connect."""
        await self._admin.start()
        await self._reader.start()

    async def stop(self) -> None:
        """Disconnect."""
        await self._reader.stop()
        await self._admin.close()

    async def __call__(self, positions: Mapping[tuple[str, int], int]) -> None:
        """Wait layer by layer: engines, fusion, ranking."""
        await self._applied(self._engines, positions)
        await self._applied(self._fusion, await self._ends(SCORES.name))
        await self._applied(self._ranking, await self._ends(RANKING.name))

    async def ends(self, topics: Iterable[str]) -> dict[tuple[str, int], int]:
        """Return the end offsets of topics now, by their name on the broker and partition."""
        found: dict[tuple[str, int], int] = {}
        for topic in topics:
            found |= await self._ends(topic)
        return found

    async def read_by(self, group: str, topics: Iterable[str]) -> None:
        """Wait until a consumer group has committed all that is now in these topics."""
        for topic in topics:
            ends = await self._ends(topic)
            wanted = {TopicPartition(*place): end for place, end in ends.items() if end > 0}
            await self._committed(group, wanted)

    async def _applied(self, stages: list[Stage], positions: Mapping[tuple[str, int], int]) -> None:
        await asyncio.gather(*(self._stage_applied(stage, positions) for stage in stages))

    async def _stage_applied(self, stage: Stage, positions: Mapping[tuple[str, int], int]) -> None:
        names = {physical(name, self._settings.prefix) for name in stage.inputs}
        wanted = {
            TopicPartition(topic, partition): offset
            for (topic, partition), offset in positions.items()
            if topic in names and offset > 0
        }
        await self._committed(self._settings.group_id(stage.name), wanted)

    async def _committed(self, group: str, wanted: dict[TopicPartition, int]) -> None:
        while wanted:
            committed = await self._offsets(group, list(wanted))
            wanted = {
                tp: offset
                for tp, offset in wanted.items()
                if tp not in committed or committed[tp].offset < offset
            }
            if wanted:
                await asyncio.sleep(_POLL_S)

    @retry(
        # aiokafka's admin client does not: a broker that has just come back has no coordinator yet.
        retry=retry_if_exception(lambda error: isinstance(error, KafkaError) and error.retriable),
        wait=wait_fixed(0.5),
        stop=stop_after_delay(60),
        reraise=True,
    )
    async def _offsets(self, group: str, partitions: list[TopicPartition]) -> Any:
        return await self._admin.list_consumer_group_offsets(group, partitions=partitions)

    async def _ends(self, topic: str) -> dict[tuple[str, int], int]:
        name = physical(topic, self._settings.prefix)
        count = wanted_partitions(BY_NAME[topic], self._settings)
        partitions = [TopicPartition(name, number) for number in range(count)]
        self._reader.assign(partitions)  # anew each time: forgets the high watermarks
        ends = await self._reader.end_offsets(partitions)
        if faults.is_embedded():
            ends = await faults.highwaters(self._reader, ends)
        return {(tp.topic, tp.partition): offset for tp, offset in ends.items()}
