"""How far a sink is behind the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiokafka.errors import IllegalStateError

from schemas.topics import logical


class Lag:
    """Knows, of each partition of this process, the offset of the next record to be written.

    Ends of partitions come from fetch responses: Tansu answers ListOffsets(latest) wrongly.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._next: dict[Any, int] = {}

    def reading(self, partition: Any, offset: int) -> None:
        """Note a record that was read; the first one of a partition is the next to be written."""
        self._next.setdefault(partition, offset)

    def written(self, next_offsets: Mapping[Any, int]) -> None:
        """Note what was committed."""
        self._next.update(next_offsets)

    def forget(self) -> None:
        """Start anew after a rebalance."""
        self._next.clear()

    async def measure(self, consumer: Any) -> dict[str, int]:
        """Return the records in the log and not written yet, by "topic[partition]".

        A partition that nothing was fetched from yet is left out.
        """
        ends = {tp: consumer.highwater(tp) for tp in consumer.assignment()}
        known = {tp: end for tp, end in ends.items() if end is not None}
        try:
            for partition in known.keys() - self._next.keys():
                self._next[partition] = await consumer.position(partition)
        except IllegalStateError:  # it was taken from us meanwhile
            return {}
        return {
            f"{logical(tp.topic, self._prefix)}[{tp.partition}]": max(0, end - self._next[tp])
            for tp, end in known.items()
        }
