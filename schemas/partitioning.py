"""The one partitioner: murmur2 of the key, as Java's and aiokafka's producers do it."""

from __future__ import annotations

from functools import lru_cache

from aiokafka.partitioner import murmur2


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of a key in a topic of that many partitions."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)
