"""The schema registry with the JavaScript clients, and bytes that cross between the languages."""

import asyncio
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from confluent_kafka.schema_registry import AsyncSchemaRegistryClient
from confluent_kafka.schema_registry.avro import AsyncAvroDeserializer, AsyncAvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from embedded.registry.server import Registry

pytestmark = [pytest.mark.embedded, pytest.mark.slow]

PACKAGES = ("@kafkajs/confluent-schema-registry@3.9.0", "@confluentinc/schemaregistry@1.10.1")
SCRIPT = Path(__file__).with_name("clients.js")
INSTALL_TIMEOUT_S = 180
SIGNAL = json.dumps(
    {
        "type": "record",
        "name": "Signal",
        "namespace": "mkt",
        "fields": [{"name": "symbol", "type": "string"}, {"name": "score", "type": "double"}],
    }
)
CONTEXT = SerializationContext("signals", MessageField.VALUE)


def unavailable(reason: str) -> None:
    if os.environ.get("QUANTIVA_REQUIRE_NODE") == "1":
        pytest.fail(f"{reason} (QUANTIVA_REQUIRE_NODE=1 makes this a failure)")
    pytest.skip(reason)


@pytest.fixture(scope="module")
def modules() -> Path:
    """The folder of the installed packages; kept between runs, as they take 15 s and 180 MB."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        unavailable("no node or npm on the PATH")
    versions = "-".join(package.rpartition("@")[2] for package in PACKAGES)
    folder = Path(tempfile.gettempdir()) / f"quantiva-npm-{versions}-{os.geteuid()}"
    if not folder.exists():
        workspace = Path(tempfile.mkdtemp(prefix="quantiva-npm-"))
        (workspace / "package.json").write_text("{}")
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *PACKAGES]
        try:
            subprocess.run(
                command, cwd=workspace, check=True, capture_output=True, timeout=INSTALL_TIMEOUT_S
            )
            workspace.rename(folder)
        except (subprocess.SubprocessError, OSError) as error:
            shutil.rmtree(workspace, ignore_errors=True)
            if not folder.exists():
                unavailable(f"npm could not install {' and '.join(PACKAGES)}: {error}")
    return folder / "node_modules"


async def test_both_clients_register_encode_and_decode(modules: Path) -> None:
    registry = Registry()
    url = await registry.start()
    async with AsyncSchemaRegistryClient({"url": url, "timeout": 5}) as client:
        write = await AsyncAvroSerializer(client, SIGNAL)
        data = await write({"symbol": "SOL/USDT", "score": 0.25}, CONTEXT)
        answers = await run_node(modules, url, data.hex())
        read = await AsyncAvroDeserializer(client)
        from_javascript = bytes.fromhex(answers["confluentinc"].pop("encoded"))
        assert await read(from_javascript, CONTEXT) == {"symbol": "ETH/USDT", "score": 1.0}
    await registry.stop()

    kafkajs, confluentinc = answers["kafkajs"], answers["confluentinc"]
    assert (kafkajs["id"], kafkajs["fresh"], kafkajs["grown"]) == (1, 1, 2)
    assert kafkajs["decoded"] == {"symbol": "BTC/USDT", "score": 0.5}
    assert kafkajs["fromPython"] == {"symbol": "SOL/USDT", "score": 0.25}
    assert (kafkajs["latest"], kafkajs["byVersion"], kafkajs["bySchema"]) == (2, 1, 1)
    assert "incompatible with an earlier schema" in kafkajs["incompatible"]
    assert "Schema 999 not found" in kafkajs["unknown"]
    assert confluentinc["decoded"] == {"symbol": "ETH/USDT", "score": 1}
    assert confluentinc["registered"] == 1
    assert confluentinc["subjects"] == ["signals-value", "fresh-value", "confluent-value"]
    assert "incompatible with an earlier schema" in confluentinc["incompatible"]


async def run_node(modules: Path, url: str, data: str) -> dict[str, dict[str, str]]:
    process = await asyncio.create_subprocess_exec(
        "node",
        str(SCRIPT),
        url,
        data,
        env={**os.environ, "NODE_PATH": str(modules)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    answers: dict[str, dict[str, str]] = json.loads(output)
    return answers
