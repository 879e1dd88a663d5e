"""On a real Apache Kafka: topics are deleted, made anew and grown under a running platform."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from confluent_kafka.admin import NewPartitions

from embedded.stack import Stack
from tests.integration.streams.agents.rig import Rig, market, rig
from transport import admin, clients
from transport.log_reader import LogReader
from transport.supervision.keeper import GivenUpError

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

ASSETS = 3


async def _recreated(running: Rig, topic: str) -> None:
    name = f"{running.settings.prefix}{topic}"
    client = clients.blocking_admin(running.settings)
    await asyncio.to_thread(client.delete_topics([name], operation_timeout=30)[name].result)
    await asyncio.sleep(1.0)
    assert await asyncio.to_thread(admin.create, running.settings) == [name]


@pytest.mark.parametrize(
    "topic", [pytest.param("engine.scores", marks=pytest.mark.long), "market.candles"]
)
async def test_case_a_topic_is_deleted_and_recreated(
    topic: str, kafka_stack: Stack, folder: Path
) -> None:
    events = market(ASSETS, 2)
    before = len(market(ASSETS, 1))
    name = f"anew-{topic.split('.')[1]}"
    async with rig(kafka_stack.env(), folder, name=name, with_sink=False) as running:
        await running.play(events[:before])
        first = await _signals(running)
        await _recreated(running, topic)
        await running.publisher.publish_many(events[before:])  # before anybody has noticed
        await running.publisher.flush()
        for _ in range(600):
            if len(await _signals(running)) >= len(first) + 4 * ASSETS:
                break
            await asyncio.sleep(0.1)
        assert len(await _signals(running)) >= len(first) + 4 * ASSETS
        log = "".join(path.read_text() for path in folder.rglob("worker-*.log"))
        name = re.escape(f"{running.settings.prefix}{topic}")  # of the process, or of a partition
        assert re.search(rf"{name}(\[\d\])? was deleted and recreated", log)


@pytest.mark.long
async def test_case_a_sink_reads_a_topic_that_was_recreated(
    kafka_stack: Stack, folder: Path
) -> None:
    events = market(ASSETS, 2)
    before = len(market(ASSETS, 1))
    async with rig(kafka_stack.env(), folder, name="anew-sink") as running:
        await running.play(events[:before])
        await running.stored()
        await _recreated(running, "signals")
        await running.play(events[before:])
        written = await _signals(running)
        assert len(written) >= 4 * ASSETS
        for _ in range(600):
            rows = await running.fetch("SELECT signal_id FROM strategy_signals")
            if len(rows) >= 8 * ASSETS:
                break
            await asyncio.sleep(0.1)
        assert len(rows) >= 8 * ASSETS


async def _signals(running: Rig) -> list[str]:
    return (await running.records(["signals"]))["signals"]


async def test_case_partitions_are_added(kafka_stack: Stack, folder: Path) -> None:
    async with rig(kafka_stack.env(), folder, name="grown", with_sink=False) as running:
        name = f"{running.settings.prefix}market.candles"
        client = clients.blocking_admin(running.settings)
        grown = client.create_partitions([NewPartitions(name, 8)])
        await asyncio.to_thread(grown[name].result)
        await running.publisher._producer.client.force_metadata_update()
        await running.publisher.publish_many(market(8, 0))
        await running.publisher.flush()
        partitions = {number for topic, number in running.publisher.positions() if topic == name}
        assert partitions <= {0, 1, 2, 3}
        with pytest.raises(GivenUpError, match="has 8 partitions, the topology needs 4"):
            await _given_up(running)


async def _given_up(running: Rig) -> None:
    for _ in range(600):
        await running.workers[0].check()
        await asyncio.sleep(0.1)


async def test_a_reader_gets_behind_the_markers_of_transactions(
    kafka_stack: Stack, folder: Path
) -> None:
    """Else whoever compares with the log's end, as the bridge does, would be behind for ever."""
    async with rig(kafka_stack.env(), folder, name="markers", with_sink=False) as running:
        await running.play(market(ASSETS, 1))
        async with LogReader(running.settings) as reader:
            places = (await reader.partitions())["engine.scores"]
            begins, ends = await reader.begins(places), await reader.ends(places)
            async with asyncio.timeout(30):
                async for records in reader.follow(begins):
                    last = {(one.topic, one.partition): one.offset + 1 for one in records}
                    if reader.reached() == ends:
                        break
        assert any(ends[place] > offset for place, offset in last.items()), "no marker"
