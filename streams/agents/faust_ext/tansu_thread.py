"""Faust's consumer thread on the embedded broker; see `transport.embedded_broker`."""

from __future__ import annotations

from typing import Any

from aiokafka import AIOKafkaConsumer
from faust.transport.drivers import aiokafka as driver

from transport.embedded_broker import FETCH_MAX_WAIT_MS
from transport.log_reader import LogReader
from transport.settings import Settings


class ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Gives Faust's table recovery the true end offsets, and fetches with a short wait."""

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        return consumer

    async def _highwaters(self, partitions: list[Any]) -> dict[Any, int]:
        servers = driver.server_list(self.transport.url, self.transport.default_port)
        async with LogReader(Settings(bootstrap=",".join(servers)), fetch_wait_ms=50) as reader:
            ends = await reader.ends((tp.topic, tp.partition) for tp in partitions)
        return {tp: ends[tp.topic, tp.partition] for tp in partitions}
