"""All parts together."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import asyncpg
import pytest
import uvloop

from embedded.stack import Stack
from transport.supervision.processes import StartError

pytestmark = pytest.mark.embedded


async def test_it_starts_and_stops_all_parts_in_order(
    readiness: Callable[[str, float], None],
) -> None:
    states: list[tuple[str, str]] = []
    since = time.perf_counter()
    async with Stack(fast=True, on_progress=lambda *state: states.append(state)) as stack:
        readiness("stack ready", since)
        assert stack.env() == {
            "KAFKA_BOOTSTRAP_SERVERS": stack.bootstrap,
            "DATABASE_URL": stack.database_url,
            "SCHEMA_REGISTRY_URL": stack.registry_url,
            "QUANTIVA_BROKER": "tansu",
        }
        assert stack.broker.is_running()
        assert stack.database.is_running()
        assert await register(stack.registry_url, "first-value", '"string"') == 1
    assert not stack.broker.is_running()
    assert not stack.database.is_running()
    assert not stack.registry.is_running()
    assert states[:3] == [(part, "starting") for part in ("broker", "database", "registry")]
    assert sorted(states[3:6]) == [(part, "ready") for part in ("broker", "database", "registry")]
    assert states[6:] == [
        (part, state)
        for part in ("registry", "database", "broker")
        for state in ("stopping", "stopped")
    ]


@pytest.mark.parametrize("given", ["bootstrap", "database_url", "registry_url"])
async def test_a_part_whose_address_is_given_is_left_out(given: str) -> None:
    states: list[tuple[str, str]] = []
    addresses = {
        "bootstrap": "kafka:9092",
        "database_url": "postgresql://db/x",
        "registry_url": "http://r",
    }
    others = {name: value for name, value in addresses.items() if name != given}
    stack = Stack(**addresses, on_progress=lambda *state: states.append(state))
    async with stack:
        assert [getattr(stack, name) for name in addresses] == list(addresses.values())
        assert "QUANTIVA_BROKER" not in stack.env()
        assert {state for _, state in states} == {"given"}
    async with Stack(**others, fast=True) as stack:
        running = {
            "bootstrap": stack.broker.is_running(),
            "database_url": stack.database.is_running(),
            "registry_url": stack.registry.is_running(),
        }
        assert running == {name: name == given for name in addresses}
        assert ("QUANTIVA_BROKER" in stack.env()) == (given == "bootstrap")


async def test_a_part_that_fails_stops_the_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALF_TANSU_BIN", "/bin/false")
    states: list[tuple[str, str]] = []
    stack = Stack(directory=folder, fast=True, on_progress=lambda *state: states.append(state))
    with pytest.raises(StartError, match="Tansu"):
        await stack.start()
    assert ("broker", "failed") in states
    assert not stack.database.is_running()
    assert not stack.registry.is_running()
    with pytest.raises(RuntimeError, match="not running"):
        stack.env()


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.2, 0.35])
async def test_a_start_that_is_cancelled_stops_what_runs(
    after_s: float, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    stack = Stack(fast=True)
    starting = asyncio.create_task(stack.start())
    await asyncio.sleep(after_s)
    starting.cancel()
    try:
        await starting
    except asyncio.CancelledError:
        pass
    else:
        await stack.stop()
    assert not stack.broker.is_running()
    assert not stack.database.is_running()
    assert not stack.registry.is_running()
    assert list(folder.iterdir()) == []


async def test_a_cancelled_body_stops_the_parts() -> None:
    inside: asyncio.Future[Stack] = asyncio.get_running_loop().create_future()

    async def own() -> None:
        async with Stack(database_url="postgresql://db/x") as stack:
            inside.set_result(stack)
            await asyncio.Event().wait()

    task = asyncio.create_task(own())
    stack = await inside
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not stack.broker.is_running()


async def test_a_directory_keeps_rows_and_schema_ids(folder: Path) -> None:
    async with Stack(bootstrap="given:9092", directory=folder, fast=True) as stack:
        connection = await asyncpg.connect(stack.database_url)
        await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        await connection.close()
        first = await register(stack.registry_url, "first-value", '"string"')
        second = await register(stack.registry_url, "second-value", '"long"')
    async with Stack(bootstrap="given:9092", directory=folder, fast=True) as stack:
        connection = await asyncpg.connect(stack.database_url)
        assert await connection.fetchval("SELECT answer FROM kept") == 42
        await connection.close()
        assert await register(stack.registry_url, "second-value", '"long"') == second == first + 1


async def register(url: str | None, subject: str, schema: str) -> int:
    async with aiohttp.ClientSession() as session:
        body = {"schema": schema}
        async with session.post(f"{url}/subjects/{subject}/versions", json=body) as answer:
            return int((await answer.json(content_type=None))["id"])


def test_it_runs_under_uvloop() -> None:
    async def use() -> None:
        async with Stack(fast=True) as stack:
            assert stack.env()

    uvloop.run(use())
