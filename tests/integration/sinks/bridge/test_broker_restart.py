"""The broker goes and comes back while clients are connected."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition

from embedded.broker import Broker
from embedded.kafka import ApacheKafka, find_kafka
from tests.conftest import skip_or_fail
from tests.integration.sinks.bench import create_topics
from tests.integration.sinks.bridge.fixtures import Site, signal, until
from tests.unit.sinks.bridge.fixtures import merged, since
from transport.supervision.ports import free_port


@pytest.mark.embedded
async def test_the_embedded_broker_forgets_all_and_the_clients_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("QUANTIVA_BROKER", "tansu")
    broker = Broker(port=free_port())
    site = Site(await broker.start(), "again.")
    try:
        await create_topics(await broker.start(), "again.")
        await site.start()
        async with site.bridge() as bridge, bridge.client() as client:
            await client.subscribed(channels=["signals"])
            await site.send(*(signal(n) for n in range(5)))
            await until(lambda: len(client.ids()) == 5, "the first ones are there")
            await site.stop()
            await broker.stop()
            await until(
                lambda: any(one["lag_ms"] > 0 for one in client.of("heartbeat")[-1:]),
                "the loss is noticed",
            )
            await broker.start()
            await create_topics(site.settings.require_bootstrap(), "again.")
            await site.start()
            await site.send(signal(100))
            await until(lambda: "s100" in client.ids(), "what the new broker has is there")
            assert [gap["reason"] for gap in client.of("gap")] == ["replaced"]
            await until(lambda: client.of("heartbeat")[-1]["lag_ms"] == 0, "the lag is over")
        await site.stop()
    finally:
        await broker.stop()


@pytest.mark.long
@pytest.mark.kafka
@pytest.mark.slow
async def test_a_kafka_that_is_killed_and_comes_back_is_gone_on_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if find_kafka() is None:
        skip_or_fail("no Apache Kafka", "QUANTIVA_REQUIRE_KAFKA")
    monkeypatch.delenv("QUANTIVA_BROKER", raising=False)
    kafka = ApacheKafka()
    try:
        site = Site(await kafka.start(), "again.")
        await create_topics(await kafka.start(), "again.")
        await site.start()
        async with site.bridge(recent_events=2) as bridge, bridge.client() as client:
            await client.subscribed(channels=["signals"])
            await site.send(*(signal(n) for n in range(20)))
            await until(lambda: len(client.ids()) == 20, "the first ones are there")
            await site.stop()
            await kafka.kill()
            await until(
                lambda: any(one["lag_ms"] > 0 for one in client.of("heartbeat")[-1:]),
                "the loss is noticed",
            )
            await kafka.start()
            await site.start()
            await site.send(*(signal(n) for n in range(20, 40)))
            await until(lambda: len(client.ids()) == 40, "the others are there")
            assert client.ids() == [f"s{n}" for n in range(40)]
            await _delete_before(site, _partition(client.by_place()), 10)
            async with bridge.client() as late:
                cursor = since(merged(client.of("snapshot")))
                await late.subscribed(channels=["signals"], since=cursor)
                await until(lambda: len(late.ids()) == 30, "what the log has is there")
                (gap,) = late.of("gap")
                assert (gap["reason"], gap["from"], gap["to"]) == ("expired", 0, 9)
        await site.stop()
    finally:
        await kafka.stop()


def _partition(by_place: dict[str, object]) -> int:
    (place,) = by_place  # all are of one asset
    return int(place.split(":")[1])


async def _delete_before(site: Site, partition: int, offset: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=site.settings.require_bootstrap())
    await admin.start()
    try:
        place = TopicPartition(f"{site.settings.prefix}signals", partition)
        await admin.delete_records({place: RecordsToDelete(offset)})
        await asyncio.sleep(0)
    finally:
        await admin.close()
