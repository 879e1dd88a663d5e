"""The embedded broker with a log on disk: nothing acknowledged is lost, and it stays small."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import CommitFailedError, KafkaError
from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as Place
from confluent_kafka.admin import AdminClient, NewTopic

from embedded.broker import Broker
from embedded.durable.log_file import VERSIONS, LogFile
from transport.embedded_broker import DURABLE
from transport.supervision.processes import StartError, tail

pytestmark = pytest.mark.embedded
Start = Callable[..., Awaitable[Broker]]


@pytest.fixture
async def start(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    """Start the broker of one folder, again and again."""
    monkeypatch.setenv("QUANTIVA_BROKER", DURABLE)
    started: list[Broker] = []

    async def begin(memory_mb: int = 400) -> Broker:
        started.append(Broker(directory=folder, memory_mb=memory_mb))
        await started[-1].start()
        return started[-1]

    yield begin
    for broker in started:
        await broker.stop()


async def create(broker: Broker, *topics: str, compact: bool = False) -> None:
    config = {"cleanup.policy": "compact" if compact else "delete", "retention.ms": "-1"}
    admin = AdminClient({"bootstrap.servers": broker.address, "log_level": 0})
    wanted = [NewTopic(topic, 2, 1, config=config) for topic in topics]
    for created in admin.create_topics(wanted).values():
        await asyncio.to_thread(created.result)


def producer(broker: Broker, **options: Any) -> AIOKafkaProducer:
    chosen = {"acks": "all", "enable_idempotence": False, **options}
    return AIOKafkaProducer(bootstrap_servers=broker.address, **chosen)


async def contents(broker: Broker, topic: str, partition: int = 0) -> list[tuple[Any, ...]]:
    """Return a partition as a client sees it, from its first record to its end."""
    place = TopicPartition(topic, partition)
    async with AIOKafkaConsumer(
        bootstrap_servers=broker.address, auto_offset_reset="earliest"
    ) as consumer:
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        end = (await consumer.end_offsets([place]))[place]
        found: list[tuple[Any, ...]] = []
        async with asyncio.timeout(30):
            while await consumer.position(place) < end:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [(r.offset, r.timestamp, r.key, r.value, r.headers) for r in records]
        return found


async def committed(broker: Broker, group: str, topic: str) -> list[int | None]:
    async with AIOKafkaConsumer(bootstrap_servers=broker.address, group_id=group) as consumer:
        return [await consumer.committed(TopicPartition(topic, number)) for number in (0, 1)]


async def commit(broker: Broker, group: str, topic: str, offset: int) -> None:
    async with AIOKafkaConsumer(
        bootstrap_servers=broker.address, group_id=group, enable_auto_commit=False
    ) as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        await consumer.commit({TopicPartition(topic, 0): offset})


def kill_tansu(broker: Broker) -> None:
    family = psutil.Process(broker.pid).children(recursive=True)
    next(process for process in family if process.name() == "tansu").kill()


async def test_case_reliability_8_what_was_acknowledged_is_there_after_kills(start: Start) -> None:
    broker = await start()
    await create(broker, "plain")
    await create(broker, "b-changelog", compact=True)
    expected: dict[int, list[tuple[Any, ...]]] = {0: [], 1: []}
    latest: dict[bytes, tuple[int, bytes | None]] = {}
    for kills in range(3):
        async with producer(broker) as sender:
            for number in range(200):
                value, key, partition = (
                    b"%d/%d" % (kills, number),
                    b"k%d" % (number % 7),
                    number % 2,
                )
                header = [("sent_ms", b"%d" % number), ("none", None)]
                sent = await sender.send_and_wait(
                    "plain", value, key, partition, timestamp_ms=1000 + number, headers=header
                )
                expected[partition].append((sent.offset, 1000 + number, key, value, tuple(header)))
                version = None if number % 50 == 0 else value
                sent = await sender.send_and_wait("b-changelog", version, key, 0)
                latest[key] = (sent.offset, version)
        await commit(broker, "g", "plain", 50 * kills + 7)
        assert broker.pid is not None
        os.kill(broker.pid, signal.SIGKILL)
        while broker.is_running():
            await asyncio.sleep(0.02)
        await broker.start()
        assert await contents(broker, "plain", 0) == expected[0]
        assert await contents(broker, "plain", 1) == expected[1]
        found = await contents(broker, "b-changelog")
        assert {key: (offset, value) for offset, _, key, value, _ in found} == latest
        assert len(found) == VERSIONS * len(latest)
        assert await committed(broker, "g", "plain") == [50 * kills + 7, None]
    await broker.stop()
    again = await start()
    assert await contents(again, "plain", 0) == expected[0]


async def test_a_dead_tansu_is_replaced_under_its_clients(start: Start) -> None:
    broker = await start()
    await create(broker, "plain")
    consumer = AIOKafkaConsumer(
        "plain", bootstrap_servers=broker.address, group_id="g", auto_offset_reset="earliest"
    )
    async with producer(broker) as sender, consumer:
        got: list[tuple[int, int]] = []

        async def read() -> None:
            async for record in consumer:
                got.append((record.partition, record.offset))

        reading = asyncio.create_task(read())
        for number in range(300):
            if number in (100, 200):
                kill_tansu(broker)
            await sender.send_and_wait("plain", b"%d" % number, partition=number % 2)
        async with asyncio.timeout(60):
            while len(set(got)) < 300:
                await asyncio.sleep(0.05)
        reading.cancel()
    both = [await contents(broker, "plain", number) for number in (0, 1)]
    found = [value for one in both for _, _, _, value, _ in one]
    # A batch whose answer was lost is sent again: at least once, as ever without idempotence.
    assert {int(value) for value in found} == set(range(300))
    assert len(found) <= 302
    assert broker.is_running()


@pytest.mark.long
async def test_case_reliability_9_its_memory_stays_small(start: Start, folder: Path) -> None:
    limit_mb = 80
    broker = await start(memory_mb=limit_mb)
    await create(broker, "plain", "unread")
    await create(broker, "a-changelog", compact=True)
    payload = os.urandom(100_000)
    largest, got = 0, 0
    consumer = AIOKafkaConsumer(
        "plain", bootstrap_servers=broker.address, group_id="g", auto_offset_reset="earliest"
    )
    async with producer(broker, request_timeout_ms=60_000) as sender, consumer:
        for number in range(800):
            await sender.send_and_wait("plain", b"%d " % number + payload, partition=0)
            await sender.send_and_wait("a-changelog", payload, b"%d" % (number % 20), 0)
            if number % 50:
                continue
            tansu = [p for p in psutil.Process(broker.pid).children(True) if p.name() == "tansu"]
            largest = max([largest, *(p.memory_info().rss // 1_000_000 for p in tansu)])
            async with asyncio.timeout(60):
                while got <= number:
                    for records in (await consumer.getmany(timeout_ms=500)).values():
                        for record in records:
                            assert record.value.startswith(b"%d " % got), "no hole and no double"
                            got += 1
            with contextlib.suppress(CommitFailedError):  # the group has to be joined again
                await consumer.commit()
    said = (folder / "broker.log").read_text()
    assert said.count("too large") >= 2, said
    assert largest < 1.5 * limit_mb
    kept = await contents(broker, "plain")
    if kept[0][0] != 800 - len(kept):  # what was read by all went while this was reading
        kept = await contents(broker, "plain")
    assert kept[-1][0] == 799
    assert 0 < kept[0][0] == 800 - len(kept)
    await broker.stop()
    broker = await start()
    assert len(await contents(broker, "a-changelog")) == 20 * VERSIONS, "the last of each key"


async def test_who_asks_for_what_is_trimmed_is_told(start: Start, folder: Path) -> None:
    broker = await start()
    await create(broker, "plain")
    async with producer(broker) as sender:
        for number in range(500):
            await sender.send("plain", b"%d" % number + b"x" * 1000, partition=0)
    await broker.stop()
    log = LogFile(folder / "log.sqlite")
    log.trim(100_000)
    first, end = log.ends(("plain", 0)) or (0, 0)
    log.close()
    assert 300 < first < end == 500
    broker = await start()
    place = TopicPartition("plain", 0)
    async with AIOKafkaConsumer(
        bootstrap_servers=broker.address, auto_offset_reset="earliest"
    ) as consumer:
        consumer.assign([place])
        assert await consumer.beginning_offsets([place]) == {place: first}
        consumer.seek(place, 3)
        assert (await consumer.getone()).offset == first
    assert await asyncio.to_thread(_first_read_by_librdkafka, broker.address) == first


def _first_read_by_librdkafka(address: str) -> int:
    options = {"group.id": "other", "auto.offset.reset": "earliest", "log_level": 0}
    consumer = Consumer({"bootstrap.servers": address, **options})
    consumer.assign([Place("plain", 0, 3)])
    deadline_s = time.monotonic() + 20
    while time.monotonic() < deadline_s:
        message = consumer.poll(0.2)
        if message is not None and message.error() is None:
            consumer.close()
            return int(message.offset() or 0)
    raise AssertionError("nothing came")


async def test_topics_and_groups_that_are_deleted_do_not_come_back(start: Start) -> None:
    broker = await start()
    await create(broker, "kept", "deleted")
    async with producer(broker, acks=0) as sender:
        await sender.send("kept", b"without an answer", partition=0)
        await sender.send("deleted", b"value", partition=1)
    await commit(broker, "left", "kept", 1)
    admin = AdminClient({"bootstrap.servers": broker.address, "log_level": 0})
    await asyncio.to_thread(admin.delete_topics(["deleted"])["deleted"].result)
    await asyncio.to_thread(admin.delete_consumer_groups(["left"])["left"].result)
    await broker.stop()
    broker = await start()
    assert [value for _, _, _, value, _ in await contents(broker, "kept")] == [b"without an answer"]
    admin = AdminClient({"bootstrap.servers": broker.address, "log_level": 0})
    topics = (await asyncio.to_thread(admin.list_topics, timeout=10)).topics
    assert {name: len(found.partitions) for name, found in topics.items()} == {"kept": 2}
    assert await committed(broker, "left", "kept") == [None, None]


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + bytes(90)])
async def test_a_broken_file_is_said(start: Start, folder: Path, content: bytes) -> None:
    (folder / "log.sqlite").write_bytes(content)
    with pytest.raises(StartError, match=r"log.sqlite cannot be used.*remove it to begin anew"):
        await start()


async def test_a_file_that_breaks_under_it_ends_it_with_a_sentence(
    start: Start, folder: Path
) -> None:
    broker = await start()
    await create(broker, "plain")
    async with producer(broker) as sender:
        await sender.send_and_wait("plain", b"kept", partition=0)
        with sqlite3.connect(folder / "log.sqlite") as other:
            other.execute("DROP TABLE batch")
        with contextlib.suppress(KafkaError, TimeoutError):
            await asyncio.wait_for(sender.send_and_wait("plain", b"lost", partition=0), 2.0)
    async with asyncio.timeout(20):
        while broker.is_running():
            await asyncio.sleep(0.05)
    assert "log.sqlite cannot be used: no such table: batch" in tail(broker.log)
