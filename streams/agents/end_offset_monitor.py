"""Looks at the ends of the log from outside, for the watchdog of a worker process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams.agents.stage_worker import StageWorker
from transport import clients
from transport.settings import Settings

EVERY_S = 5.0
_TIMEOUT_S = 10.0


class EndOffsetMonitor:
    """Gives every hosted stage the end offsets of its inputs, by a consumer outside all groups.

    A stage whose own consumer hangs fetches nothing and so knows of no lag. Where the embedded
    broker names an end too low, the lag shows a batch later. A broker that does not answer leaves
    the last ends as they are: a worker without a broker has nothing to catch up with.
    """

    def __init__(self, settings: Settings) -> None:
        self._consumer = clients.consumer(settings)
        self._task: asyncio.Task[None] | None = None

    def start(self, hosts: Iterable[StageWorker]) -> None:
        """Begin to look, every five seconds."""
        self._task = asyncio.create_task(self._look(list(hosts)))

    async def _look(self, hosts: list[StageWorker]) -> None:
        await self._consumer.start()
        while True:
            for host in hosts:
                with contextlib.suppress(KafkaError, TimeoutError):
                    await asyncio.wait_for(self._tell(host), _TIMEOUT_S)
            await asyncio.sleep(EVERY_S)

    async def _tell(self, host: StageWorker) -> None:
        wanted = {TopicPartition(tp.topic, tp.partition): tp for tp in host.read_positions()}
        if wanted:
            ends = await self._consumer.end_offsets(list(wanted))
            host.note_ends({wanted[tp]: end for tp, end in ends.items()})

    async def stop(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
        await self._consumer.stop()
