"""Topics on brokers that do not know, or do not allow, a setting of ours."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka import TopicPartition
from confluent_kafka import KafkaException
from confluent_kafka.admin import ConfigResource

from embedded.kafka import find_kafka
from schemas.codec import local_codec
from schemas.topics import NEWS, SIGNALS, STRATEGIES, TOPICS
from tests.conftest import Background, skip_or_fail
from tests.factories import news
from tests.integration.transport.older_broker import older_broker
from transport import admin, clients
from transport.group_consumer import GroupConsumer
from transport.publisher import Publisher
from transport.settings import Settings

pytestmark = [pytest.mark.embedded, pytest.mark.kafka]
AFTER, DIFFERENCE = "message.timestamp.after.max.ms", "message.timestamp.difference.max.ms"


@pytest.fixture(autouse=True)
def _kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTIVA_BROKER", "kafka")


@pytest.fixture(scope="module")
def old(background: Background) -> Iterator[str]:
    """A broker that knows neither the setting nor its older name."""
    if find_kafka() is None:
        skip_or_fail("no Apache Kafka beside the project (or no java)", "QUANTIVA_REQUIRE_KAFKA")
    broker = older_broker([AFTER])
    yield background.run(broker.__aenter__())
    background.run(broker.__aexit__(None, None, None))


async def settings_of(bootstrap: str, topic: str) -> dict[str, Any]:
    client = clients.blocking_admin(Settings(bootstrap=bootstrap))
    while True:
        (answer,) = client.describe_configs([ConfigResource("topic", topic)]).values()
        try:
            found = await asyncio.to_thread(answer.result)
        except KafkaException:  # it has not heard of the topic yet
            await asyncio.sleep(0.1)
        else:
            return {name: entry.value for name, entry in found.items()}


def created(settings: Settings) -> list[str]:
    return [name.removeprefix(settings.prefix) for name in admin.create(settings)]


async def test_case_broker_without_a_setting(old: str, caplog: pytest.LogCaptureFixture) -> None:
    """On the wire of Kafka 2.8: topics are made, a sentence says without what, the rest works."""
    settings = Settings(bootstrap=old, prefix="old.")
    with caplog.at_level(logging.WARNING, "transport"):
        assert await asyncio.to_thread(created, settings) == [topic.name for topic in TOPICS]
    (said,) = [one.getMessage() for one in caplog.records if one.name == "transport.admin"]
    assert f"{len(TOPICS)} were made without {AFTER}" in said
    assert old in said
    assert await asyncio.to_thread(created, settings) == []
    assert all(not state.problems for state in await asyncio.to_thread(admin.states, settings))
    kept = await settings_of(old, f"old.{SIGNALS.name}")
    assert kept["retention.ms"] == str(SIGNALS.retention_ms)
    assert (await settings_of(old, f"old.{STRATEGIES.name}"))["cleanup.policy"] == "compact"


async def test_the_oldest_broker_takes_and_gives_records(old: str) -> None:
    settings = Settings(bootstrap=old, prefix="oldest.", partitions=2)
    await asyncio.to_thread(admin.create, settings)
    async with Publisher(settings, local_codec()) as publisher:
        for number in range(20):
            await publisher.publish(news(f"Headline {number}", source_id=str(number)))
        await publisher.flush()
    consumer = GroupConsumer(settings, "oldest.g", (NEWS.name,))
    await consumer.start()
    try:
        found: list[Any] = []
        async with asyncio.timeout(60):
            while len(found) < 20:
                for records in (await consumer.read(500, 100)).values():
                    found += records
        last = {record.partition: record.offset + 1 for record in found}
        (partition,) = {(record.topic, record.partition) for record in found}
        await consumer.commit({TopicPartition(*partition): last[partition[1]]})
    finally:
        await consumer.stop()


@pytest.mark.parametrize(
    ("older", "said"),
    [
        pytest.param(AFTER, f"with {AFTER} instead of made.up.ms", id="its older name"),
        pytest.param("made.up.too", "without made.up.ms", id="no name"),
    ],
)
async def test_an_unknown_setting_on_todays_broker(
    kafka_address: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    older: str,
    said: str,
) -> None:
    monkeypatch.setattr(admin, "AHEAD", "made.up.ms")
    monkeypatch.setattr(admin, "OLDER_NAMES", {"made.up.ms": older})
    settings = Settings(bootstrap=kafka_address, prefix=f"{older}.")
    with caplog.at_level(logging.WARNING, "transport"):
        assert len(await asyncio.to_thread(created, settings)) == len(TOPICS)
    assert said in caplog.text
    found = await settings_of(kafka_address, f"{older}.{SIGNALS.name}")
    assert (found[AFTER] == str(2**63 - 1)) == (older == AFTER)


async def test_nothing_is_said_where_all_is_known(
    kafka_address: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(bootstrap=kafka_address, prefix="known.")
    with caplog.at_level(logging.WARNING, "transport"):
        assert len(await asyncio.to_thread(created, settings)) == len(TOPICS)
    assert "refuses" not in caplog.text
    assert (await settings_of(kafka_address, f"known.{SIGNALS.name}"))[AFTER] == str(2**63 - 1)


async def test_a_retention_that_is_refused_is_the_brokers_own_unless_one_was_asked_for(
    kafka_address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad = [topic.__class__(topic.name, topic.key, topic.schema, -5) for topic in TOPICS]
    monkeypatch.setattr(admin, "TOPICS", bad)
    settings = Settings(bootstrap=kafka_address, prefix="kept.")
    with caplog.at_level(logging.WARNING, "transport"):
        assert len(await asyncio.to_thread(created, settings)) == len(TOPICS)
    assert "without retention.ms: records are kept for as long as" in caplog.text
    asked = Settings(bootstrap=kafka_address, prefix="asked.", retention_ms=-5)
    with pytest.raises(
        admin.BrokerError, match=r"refuses topic asked.market.trending: .*retention"
    ):
        await asyncio.to_thread(admin.create, asked)


async def test_what_is_no_setting_is_refused_with_the_reason(kafka_address: str) -> None:
    many = Settings(bootstrap=kafka_address, prefix="many.", replication_factor=3)
    with pytest.raises(admin.BrokerError, match=r"refuses topic many\.\S+: .*eplication"):
        await asyncio.to_thread(admin.create, many)
