"""Faust's consumer thread on the embedded broker; see `transport.embedded_broker.faults`.

In a file of its own, so that what only asks for end offsets does not import Faust.
"""

from __future__ import annotations

from typing import Any

from aiokafka import AIOKafkaConsumer
from faust.transport.drivers import aiokafka as driver

from transport.embedded_broker.faults import FETCH_MAX_WAIT_MS, end_offsets


class ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Gives Faust's table recovery the true end offsets, and fetches with a short wait."""

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        return consumer

    async def _highwaters(self, partitions: list[Any]) -> dict[Any, int]:
        url, port = self.transport.url, self.transport.default_port
        ends = await end_offsets(
            driver.server_list(url, port), [driver.ensure_aiokafka_TP(tp) for tp in partitions]
        )
        return {tp: ends[driver.ensure_aiokafka_TP(tp)] for tp in partitions}
