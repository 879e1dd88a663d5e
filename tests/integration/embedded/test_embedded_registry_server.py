"""The registry's server: its journal, its port, and its command."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.schema_registry import AsyncSchemaRegistryClient, Schema

from embedded.registry.server import Registry
from transport.supervision.ports import free_port
from transport.supervision.processes import StartError

pytestmark = pytest.mark.embedded

SUBJECT = "candles-value"
PLAIN = {"type": "record", "name": "Candle", "fields": [{"name": "close", "type": "double"}]}
V1 = json.dumps(PLAIN)
V2 = json.dumps({**PLAIN, "doc": "with a remark"})


def avro(text: str) -> Schema:
    return Schema(text, "AVRO")


async def test_the_journal_brings_everything_back(folder: Path) -> None:
    journal = folder / "registry" / "journal.jsonl"

    async def state(url: str) -> list[Any]:
        async with AsyncSchemaRegistryClient({"url": url, "timeout": 5}) as client:
            return [
                await client.get_subjects(),
                await client.get_versions(SUBJECT),
                (await client.get_latest_version(SUBJECT)).schema_id,
                await client.get_compatibility(SUBJECT),
                (await client.get_schema(3)).schema_str,
            ]

    registry = Registry(journal=journal)
    url = await registry.start()
    async with AsyncSchemaRegistryClient({"url": url, "timeout": 5}) as client:
        await client.register_schema(SUBJECT, avro(V1))
        await client.set_compatibility(SUBJECT, "FULL")
        await client.register_schema(SUBJECT, avro(V2))
        await client.register_schema("gone-value", avro('"string"'))
        await client.delete_subject("gone-value")
    before = await state(url)
    await registry.stop()
    with journal.open("ab") as file:
        file.write(b'{"do": "regis')  # a crash in the middle of a line

    again = Registry(journal=journal)
    assert await state(await again.start()) == before
    await again.stop()
    assert journal.read_bytes().endswith(b"}\n")


async def test_a_broken_journal_is_an_error_with_its_line(folder: Path) -> None:
    journal = folder / "journal.jsonl"
    journal.write_text("nonsense\n")
    with pytest.raises(StartError, match=r"journal\.jsonl, line 1, is not JSON"):
        await Registry(journal=journal).start()


async def test_it_listens_only_on_this_machine_and_stops(
    readiness: Callable[[str, float], None],
) -> None:
    registry, port = Registry(), free_port()
    since = time.perf_counter()
    assert await registry.start(port) == f"http://127.0.0.1:{port}" == registry.url
    readiness("registry ready", since)
    with pytest.raises(StartError, match=f"cannot listen on port {port}"):
        await Registry().start(port)
    await registry.stop()
    assert not registry.is_running()
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await asyncio.open_connection("127.0.0.1", port)


def test_it_runs_alone_until_it_is_interrupted() -> None:
    command = [sys.executable, "-m", "embedded.registry", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
