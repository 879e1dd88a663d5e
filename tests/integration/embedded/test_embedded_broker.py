"""The embedded broker, Tansu."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from embedded.broker import Broker
from transport.supervision.ports import free_port
from transport.supervision.processes import StartError

pytestmark = pytest.mark.embedded


async def exchange(bootstrap: str, topic: str) -> list[bytes | None]:
    """Create a topic, produce three records, and return what a consumer reads."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for number in range(3):
            await producer.send_and_wait(topic, f"record {number}".encode())
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    async with consumer, asyncio.timeout(120):
        return [(await consumer.getone()).value for _ in range(3)]


async def test_it_starts_produces_consumes_and_stops(
    readiness: Callable[[str, float], None],
) -> None:
    broker = Broker()
    since = time.perf_counter()
    bootstrap = await broker.start()
    readiness("broker ready", since)
    assert bootstrap == broker.bootstrap
    assert broker.is_running()
    assert broker.pid is not None
    folder = broker.log.parent
    assert await exchange(bootstrap, "events") == [b"record 0", b"record 1", b"record 2"]
    await broker.stop()
    assert not broker.is_running()
    assert broker.pid is None
    assert not folder.exists()


async def test_it_starts_again_on_the_same_port_after_a_kill(folder: Path) -> None:
    broker = Broker(directory=folder)
    bootstrap = await broker.start()
    await broker.kill()
    assert not broker.is_running()
    assert await broker.start() == bootstrap
    await broker.stop()
    assert (folder / "broker.log").read_text().count("ready") >= 2


async def test_a_second_start_changes_nothing() -> None:
    broker = Broker()
    first = await broker.start()
    pid = broker.pid
    assert (await broker.start(), broker.pid) == (first, pid)
    await broker.stop()
    await broker.stop()


async def test_the_owner_s_environment_does_not_configure_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SCHEMA_REGISTRY", "file:///no/such/folder")
    monkeypatch.setenv("STORAGE_ENGINE", "postgres://nowhere")
    broker = Broker()
    await broker.start()
    await broker.stop()


async def test_a_taken_port_is_named_in_the_error() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", free_port())
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(StartError, match=f"cannot use port {port} of 127.0.0.1: it is taken"):
        await Broker(port=port).start()
    server.close()


@pytest.mark.parametrize("is_kept", [False, True])
async def test_an_executable_that_fails_is_reported_with_its_log(
    folder: Path, monkeypatch: pytest.MonkeyPatch, is_kept: bool
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    script = folder / "tansu"
    script.write_text("#!/bin/sh\necho out of luck\nexit 3\n")
    script.chmod(0o755)
    monkeypatch.setenv("CALF_TANSU_BIN", str(script))
    with pytest.raises(StartError) as caught:
        await Broker(directory=folder if is_kept else None).start()
    message = str(caught.value)
    assert "ended with status 3" in message
    assert "before it was ready" in message
    assert f"{folder}/" in message
    assert "broker.log" in message
    assert "out of luck" in message
    assert "KAFKA_BOOTSTRAP_SERVERS" in message


async def test_a_start_that_is_cancelled_leaves_no_process_and_no_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    script = folder / "tansu"
    script.write_text("#!/bin/sh\nexec sleep 60\n")  # it never answers
    script.chmod(0o755)
    monkeypatch.setenv("CALF_TANSU_BIN", str(script))
    broker = Broker()
    starting = asyncio.create_task(broker.start())
    await asyncio.sleep(0.2)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not broker.is_running()
    assert list(folder.iterdir()) == [script]


async def test_a_failed_start_leaves_the_log_and_nothing_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    script = folder / "tansu"
    script.write_text("#!/bin/sh\necho out of luck; touch data; exit 3\n")
    script.chmod(0o755)
    monkeypatch.setenv("CALF_TANSU_BIN", str(script))
    broker = Broker()
    with pytest.raises(StartError):
        await broker.start()
    assert [entry.name for entry in broker.log.parent.iterdir()] == ["broker.log"]
    await broker.stop()
    assert list(folder.iterdir()) == [script]
