"""The one partitioner: murmur2 of the key, as Java's and aiokafka's producers do it."""

from __future__ import annotations

from functools import lru_cache

from aiokafka.partitioner import murmur2


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of a key in a topic of that many partitions."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


def partition_for(
    key: bytes, input_key: bytes | None, input_partition: int, partitions: int
) -> int:
    """Return the partition of an output: its input's if it has the same key, else murmur2's."""
    return input_partition if key == input_key else partition_of(key, partitions)
