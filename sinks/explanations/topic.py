"""The topic signals.explanations, written and read back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.codec import BadEventError, Codec
from schemas.explanations import Explanation
from schemas.topics import EXPLANATIONS, physical
from transport import clients
from transport.admin import BrokerError
from transport.log_reader import LogReader
from transport.settings import Settings

Positions = Mapping[int, int]
"""Next offset by partition."""


class ExplanationTopic:
    """The topic signals.explanations, written and read back."""

    def __init__(self, settings: Settings, codec: Codec) -> None:
        self._settings = settings
        self._codec = codec
        self._producer: AIOKafkaProducer | None = None
        self.topic = physical(EXPLANATIONS.name, settings.prefix)

    async def send(self, explanations: Sequence[Explanation]) -> Positions:
        """Publish; return the positions after them once the broker has them all.

        After a KafkaError nothing is on its way any more: what the broker has, can be read back.
        """
        try:
            placed = await self._placed(await self._started(), explanations)
        except KafkaError:
            await self.close()
            raise
        positions: dict[int, int] = {}
        for one in placed:
            positions[one.partition] = max(one.offset + 1, positions.get(one.partition, 0))
        return positions

    async def read(self, starts: Positions) -> AsyncIterator[tuple[list[str], Positions]]:
        """Yield signal ids and the positions after them, to the end as it is now. KafkaError."""
        try:
            async with LogReader(self._settings) as reader:
                partitions = (await reader.partitions())[EXPLANATIONS.name]
                begins, ends = await reader.begins(partitions), await reader.ends(partitions)
                ranges = {}
                for one in partitions:
                    start = starts.get(one[1], 0)
                    # A start behind the end is of a topic that was recreated.
                    start = start if begins[one] <= start <= ends[one] else begins[one]
                    ranges[one] = (start, ends[one])
                async for records in reader.scan(ranges):
                    found = (self._signal_id(record.value) for record in records)
                    yield (
                        [signal_id for signal_id in found if signal_id is not None],
                        {record.partition: record.offset + 1 for record in records},
                    )
        except BrokerError as error:
            raise KafkaError(str(error)) from error

    async def close(self) -> None:
        """Stop the producer."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    async def _placed(
        self, producer: AIOKafkaProducer, explanations: Sequence[Explanation]
    ) -> list[Any]:
        sent = [
            await producer.send(
                self.topic,
                self._codec.encode(one),
                key=one.asset.encode(),
                timestamp_ms=one.explained_at,
            )
            for one in explanations
        ]
        return await asyncio.gather(*sent)

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            client_id = self._settings.group_id("sink.explanations")
            producer = clients.producer(self._settings, client_id=client_id)
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer

    def _signal_id(self, value: bytes | None) -> str | None:
        """Return whose explanation a record is; None where it is none that can be read."""
        try:
            event = self._codec.decode(value)
        except BadEventError:
            return None
        return event.signal_id if isinstance(event, Explanation) else None
