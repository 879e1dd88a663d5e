"""Parts for the worker's tests: the embedded stack, or a real Apache Kafka beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvloop

from embedded.kafka import ApacheKafka, find_kafka
from embedded.stack import Stack
from tests.conftest import skip_or_fail


@pytest.fixture(scope="session")
def event_loop_policy() -> uvloop.EventLoopPolicy:
    """Run as the product does."""
    return uvloop.EventLoopPolicy()


@pytest.fixture
async def embedded_parts(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[dict[str, str]]:
    """Start broker, database and registry; return their environment."""
    async with Stack(fast=True) as stack:
        environment = {**stack.env(), "QUANTIVA_SESSION_TIMEOUT_S": "3"}
        monkeypatch.setenv("QUANTIVA_BROKER", "tansu")
        yield environment


@pytest.fixture
async def kafka() -> AsyncIterator[ApacheKafka]:
    """Start a real Apache Kafka."""
    if find_kafka() is None:
        skip_or_fail("no Apache Kafka beside the project (or no java)", "QUANTIVA_REQUIRE_KAFKA")
    broker = ApacheKafka()
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


@pytest.fixture
async def kafka_stack(kafka: ApacheKafka, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stack]:
    """Start database and registry beside Apache Kafka."""
    monkeypatch.delenv("QUANTIVA_BROKER", raising=False)
    async with Stack(bootstrap=kafka.address, fast=True) as stack:
        yield stack


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder for logs and crash counts."""
    return tmp_path
