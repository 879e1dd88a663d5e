"""Parts for the worker's tests: an Apache Kafka of its own for a module that kills it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import uvloop

from embedded.kafka import ApacheKafka, find_kafka
from embedded.stack import Stack
from tests.conftest import skip_or_fail


@pytest.fixture(scope="session")
def event_loop_policy() -> uvloop.EventLoopPolicy:
    """Run as the product does."""
    return uvloop.EventLoopPolicy()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kafka() -> AsyncIterator[ApacheKafka]:
    """Start a real Apache Kafka, the module's own."""
    if find_kafka() is None:
        skip_or_fail("no Apache Kafka beside the project (or no java)", "QUANTIVA_REQUIRE_KAFKA")
    broker = ApacheKafka()
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kafka_stack(kafka: ApacheKafka) -> AsyncIterator[Stack]:
    """Start database and registry beside Apache Kafka."""
    async with Stack(bootstrap=kafka.address, fast=True) as stack:
        yield stack


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder for logs and crash counts."""
    return tmp_path
