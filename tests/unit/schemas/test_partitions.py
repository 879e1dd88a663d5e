"""The partitioner is Java's: known answers from Apache Kafka's own UtilsTest."""

from __future__ import annotations

import pytest
from aiokafka.partitioner import DefaultPartitioner

from marketdata.simulated.assets import ASSETS
from transport.publisher import partition_of


@pytest.mark.parametrize(
    ("key", "java_hash"),
    [
        pytest.param(b"21", -973932308, id="21"),
        pytest.param(b"foobar", -790332482, id="foobar"),
        pytest.param(b"a-little-bit-long-string", -985981536, id="long"),
        pytest.param(b"a-little-bit-longer-string", -1486304829, id="longer"),
        pytest.param(b"abc", 479470107, id="abc"),
    ],
)
def test_partition_is_javas(key, java_hash):
    for count in (1, 2, 3, 12, 1000):
        assert partition_of(key, count) == (java_hash & 0x7FFFFFFF) % count


def test_partition_is_the_one_that_aiokafka_itself_would_choose():
    partitioner = DefaultPartitioner()
    for asset in ASSETS:
        key = asset.symbol.encode()
        assert partition_of(key, 8) == partitioner(key, list(range(8)), list(range(8)))
