"""A broker and a registry for the archive's tests; each test has topics of its own."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from embedded.registry.server import Registry
from schemas import registry_client
from schemas.topics import subjects
from tests.integration.streams.archive.rig import Rig
from transport import admin
from transport.settings import Settings

_numbers = itertools.count()


@pytest.fixture
async def rig(tansu_address: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    """Topics on the embedded broker."""
    monkeypatch.setenv("QUANTIVA_BROKER", "tansu")
    async with _rig(tansu_address, "tansu", monkeypatch) as made:
        yield made


@pytest.fixture
async def kafka_rig(kafka_address: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    """Topics on Apache Kafka."""
    monkeypatch.delenv("QUANTIVA_BROKER", raising=False)
    async with _rig(kafka_address, "", monkeypatch) as made:
        yield made


@asynccontextmanager
async def _rig(bootstrap: str, broker: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    registry = Registry()
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "SCHEMA_REGISTRY_URL": await registry.start(),
        "QUANTIVA_BROKER": broker,
        "QUANTIVA_PREFIX": f"archive{next(_numbers)}.",
        "QUANTIVA_PARTITIONS": "2",
        "QUANTIVA_RETENTION_MS": "-1",
        "QUANTIVA_SESSION_TIMEOUT_S": "1" if broker else "6",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    await asyncio.to_thread(admin.create, settings)
    client = registry_client.Registry(settings.require_registry())
    codec = await client.codec(subjects(settings.prefix))
    made = Rig(settings, codec, {**os.environ, **environment})
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
        await registry.stop()
