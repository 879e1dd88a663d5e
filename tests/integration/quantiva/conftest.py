"""A broker and a registry for the commands; every test has topics and groups of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from embedded.registry.server import Registry
from schemas import registry_client
from schemas.codec import Codec
from schemas.topics import physical, subjects
from tests.conftest import Background
from transport import admin
from transport.settings import Settings

TANSU, KAFKA = "tansu", "kafka"


class Platform:
    """The topics under a prefix, the codec for them, and a way to publish."""

    def __init__(self, settings: Settings, codec: Codec, background: Background) -> None:
        self.settings = settings
        self.codec = codec
        self.run = background.run

    def publish(
        self,
        topic: str,
        *values: msgspec.Struct | bytes | None,
        key: bytes = b"BTC",
        partition: int = 0,
        sent_ms: int | None = None,
        start_ms: int = 1_767_225_600_000,
    ) -> None:
        """Send events or raw bytes in one batch; one second lies between their timestamps."""
        encoded = [self.codec.encode(v) if isinstance(v, msgspec.Struct) else v for v in values]
        headers = [] if sent_ms is None else [("sent_ms", b"%d" % sent_ms)]
        times = range(start_ms, start_ms + 1000 * len(encoded), 1000)
        records = [
            {"value": value, "key": key, "partition": partition, "timestamp_ms": at_ms}
            for value, at_ms in zip(encoded, times, strict=True)
        ]
        self.run(self._publish(physical(topic, self.settings.prefix), records, headers))

    async def _publish(self, topic: str, records: list[dict[str, Any]], headers: Any) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.settings.bootstrap, enable_idempotence=False, linger_ms=20
        )
        await producer.start()
        sent = [await producer.send(topic, **record, headers=headers) for record in records]
        await asyncio.gather(*sent)
        await producer.stop()


@pytest.fixture
def broker_kind(request: pytest.FixtureRequest) -> str:
    """The embedded broker, where a test does not ask for both."""
    return str(getattr(request, "param", TANSU))


on_both = pytest.mark.parametrize(
    "broker_kind", [TANSU, pytest.param(KAFKA, marks=pytest.mark.kafka)], indirect=True
)
"""Runs a test on the embedded broker and on Apache Kafka."""


@pytest.fixture
def registry_url(background: Background) -> Iterator[str]:
    registry = Registry()
    yield background.run(registry.start())
    background.run(registry.stop())


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """No addresses at all, and a state folder of its own."""
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL", "SCHEMA_REGISTRY_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("QUANTIVA_STATE_DIR", str(tmp_path))
    return monkeypatch


@pytest.fixture
def parts(
    bare: pytest.MonkeyPatch,
    broker_kind: str,
    registry_url: str,
    request: pytest.FixtureRequest,
) -> Settings:
    """Addresses of broker and registry, a prefix of its own, no topics yet."""
    bare.setenv("KAFKA_BOOTSTRAP_SERVERS", request.getfixturevalue(f"{broker_kind}_address"))
    bare.setenv("SCHEMA_REGISTRY_URL", registry_url)
    bare.setenv("QUANTIVA_BROKER", broker_kind)
    bare.setenv("QUANTIVA_RETENTION_MS", "-1")  # Kafka deletes what is of January
    bare.setenv("QUANTIVA_PREFIX", f"c{uuid4().hex[:8]}.")
    return Settings()


@pytest.fixture
def platform(parts: Settings, background: Background) -> Platform:
    """Topics and schemas too."""
    admin.create(parts)
    registry = registry_client.Registry(parts.require_registry())
    return Platform(parts, background.run(registry.codec(subjects(parts.prefix))), background)
