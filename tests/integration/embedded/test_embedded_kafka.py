"""Apache Kafka, the broker that tests and benchmarks start."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from embedded.kafka import ApacheKafka, find_kafka

if find_kafka() is None and os.environ.get("QUANTIVA_REQUIRE_KAFKA") != "1":
    pytest.skip("no Apache Kafka beside the project, or no Java", allow_module_level=True)

pytestmark = [pytest.mark.embedded, pytest.mark.kafka]


async def topics(bootstrap: str, *, create: str | None = None) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        if create is not None:
            await admin.create_topics([NewTopic(create, num_partitions=1, replication_factor=1)])
        return list(await admin.list_topics())
    finally:
        await admin.close()


async def test_it_starts_and_continues_with_its_topics_after_a_kill(
    folder: Path, readiness: Callable[[str, float], None]
) -> None:
    kafka = ApacheKafka(directory=folder, extra={"num.partitions": "3"})
    since = time.perf_counter()
    bootstrap = await kafka.start()
    readiness("Apache Kafka ready", since)
    await topics(bootstrap, create="kept")
    await kafka.kill()
    assert not kafka.is_running()
    since = time.perf_counter()
    assert await kafka.start() == bootstrap
    readiness("Apache Kafka ready after a kill", since)
    assert await topics(bootstrap) == ["kept"]
    assert "num.partitions=3" in (folder / "server.properties").read_text().splitlines()
    await kafka.stop()
    assert not kafka.is_running()


def test_the_folder_of_the_variable_comes_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUANTIVA_KAFKA_HOME", str(folder))
    assert find_kafka() is None
    (folder / "kafka").write_text("#!/bin/sh\n")
    (folder / "kafka").chmod(0o755)
    assert find_kafka() == folder
