"""What quantiva.wiring.bridge makes of the settings: changes reach the log, and stops are heard."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import SecretStr

from embedded.broker import Broker
from embedded.database import Database
from embedded.registry.server import Registry
from schemas.codec import local_codec
from streams.agents.strategies import StrategyTable
from tests.integration.sinks.bench import PARTITIONS, create_topics
from tests.integration.sinks.bridge.fixtures import HANGS_S, Site, signal, until
from tests.integration.sinks.bridge.serving import TOKENS, Served, bridge_settings, served
from transport.publisher import PublishError
from transport.settings import Settings
from transport.supervision.ports import free_port

pytestmark = pytest.mark.embedded
BODY: dict[str, Any] = {"name": "Mine", "assets": ["BTC"], "weights": {"technical": 1.0}}


@pytest.fixture
async def registry_url() -> AsyncIterator[str]:
    registry = Registry()
    yield await registry.start()
    await registry.stop()


@pytest.fixture
async def settings(site: Site, registry_url: str, database: Database) -> Settings:
    dsn = SecretStr(await database.start())
    return site.settings.model_copy(update={"registry_url": registry_url, "database_url": dsn})


async def raw_strategies(settings: Settings, count: int) -> list[tuple[str, bytes | None]]:
    """Return the first records of control.strategies as the broker has them."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        place = TopicPartition(f"{settings.prefix}control.strategies", 0)
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        found: list[tuple[str, bytes | None]] = []
        async with asyncio.timeout(HANGS_S):
            while len(found) < count:
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    found += [(record.key.decode(), record.value) for record in records]
        return found
    finally:
        await consumer.stop()


async def test_a_strategy_that_is_deleted_is_gone_from_the_log_and_the_workers(
    settings: Settings,
) -> None:
    table = StrategyTable(settings, local_codec())
    await table.start()
    try:
        async with served(settings) as bridge:
            status, made = await bridge.call("PUT", "strategies/mine", "trader", json=BODY)
            assert status == 201
            await until(lambda: "mine" in table.tables().strategies, "the workers have it")
            assert table.tables().strategies["mine"].strategy.name == "Mine"
            assert (await bridge.call("GET", "strategies/mine"))[1]["strategy"] == made["strategy"]
            assert (await bridge.call("DELETE", "strategies/mine", "viewer"))[0] == 403
            assert (await bridge.call("DELETE", "strategies/mine", "trader"))[0] == 204
            await until(lambda: "mine" not in table.tables().strategies, "the workers lose it")
            assert (await bridge.call("GET", "strategies/mine"))[0] == 404
            assert (await bridge.call("DELETE", "strategies/mine", "trader"))[0] == 404
        records = await raw_strategies(settings, 2)
        assert [(key, value is None) for key, value in records] == [("mine", False), ("mine", True)]
        assert local_codec().decode(records[0][1]).user_id == "trader"
    finally:
        await table.stop()


async def test_a_strategy_is_read_as_it_was_written(settings: Settings) -> None:
    """The next change is made of what came back, so nothing may be lost on the way."""
    async with served(settings) as bridge:
        for version in (1, 2, 3):
            body = {**BODY, "description": f"Version {version}."}
            status, made = await bridge.call("PUT", "strategies/mine", "trader", json=body)
            assert (status, made["strategy"]["version"]) == (201 if version == 1 else 200, version)
        both = await asyncio.gather(
            *(bridge.call("PUT", f"strategies/{name}", "admin", json=BODY) for name in "ab")
        )
        assert [status for status, _ in both] == [201, 201]
        found = (await bridge.call("GET", "strategies"))[1]["items"]
        assert [one["strategy"]["strategy_id"] for one in found] == ["a", "b", "mine"]


async def test_what_is_asked_for_is_published_under_its_asset(settings: Settings) -> None:
    async with served(settings) as bridge:
        await bridge.call("PUT", "strategies/mine", "trader", json=BODY)
        body = {"asset": "BTC", "strategy_id": "mine"}
        status, asked = await bridge.call("POST", "signals/generate", "trader", json=body)
        assert status == 202
        consumer = AIOKafkaConsumer(
            f"{settings.prefix}control.requests",
            bootstrap_servers=settings.bootstrap,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        try:
            async with asyncio.timeout(HANGS_S):
                record = await consumer.getone()
        finally:
            await consumer.stop()
        assert record.key == b"BTC"
        assert local_codec().decode(record.value).request_id == asked["request_id"]


async def test_all_parts_are_there_and_no_secret_is_logged(
    settings: Settings, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await site.send(signal(0))
    async with served(settings) as bridge:
        async with bridge.session.get("/") as page:
            assert page.status == 200
        _, state = await bridge.call("GET", "status")
        assert (state["database"], state["tickets"], state["publishes"]) == (
            "ok", "every_bridge", True,
        )  # fmt: skip
        ticket = (await bridge.call("POST", "tickets"))[1]["ticket"]
        socket = await bridge.session.ws_connect(f"/ws?ticket={ticket}")
        await socket.send_json({"type": "subscribe", "id": "1", "channels": ["signals"]})
        ack, snapshot = [await socket.receive_json() for _ in range(2)]
        assert (ack["type"], len(snapshot["items"])) == ("ack", 1)
        await socket.close()
    secrets = [*TOKENS.values(), ticket]
    assert not [one for one in secrets if any(one in r.getMessage() for r in caplog.records)]


async def test_a_ticket_works_once_at_bridges_side_by_side(settings: Settings) -> None:
    async with served(settings) as one, served(settings) as two:
        tickets = [(await one.call("POST", "tickets"))[1]["ticket"] for _ in range(10)]
        for ticket in tickets:
            found = await asyncio.gather(*(_enters(at, ticket) for at in (one, two, one, two)))
            assert sorted(found) == [False, False, False, True]


async def _enters(bridge: Served, ticket: str) -> bool:
    try:
        socket = await bridge.session.ws_connect(f"/ws?ticket={ticket}")
    except Exception:
        return False
    await socket.close()
    return True


@pytest.mark.long
async def test_changes_go_on_after_the_broker_was_away(
    registry_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that failed is said to have failed, and is not held against the next one."""
    monkeypatch.setenv("QUANTIVA_BROKER", "tansu")
    broker = Broker(port=free_port())
    settings = Settings(
        bootstrap=await broker.start(), prefix="away.", partitions=PARTITIONS,
        registry_url=registry_url, database_url=None,
    )  # fmt: skip
    try:
        await create_topics(settings.require_bootstrap(), "away.")
        async with served(settings) as bridge:
            assert (await bridge.call("PUT", "strategies/a", "admin", json=BODY))[0] == 201
            await broker.stop()
            both = await asyncio.gather(
                *(bridge.call("PUT", f"strategies/{name}", "admin", json=BODY) for name in "bc")
            )
            assert [status for status, _ in both] == [503, 503]
            assert (await bridge.call("GET", "strategies/a"))[0] == 200
            await broker.start()
            await create_topics(settings.require_bootstrap(), "away.")
            async with asyncio.timeout(2 * HANGS_S):
                while (await bridge.call("PUT", "strategies/d", "admin", json=BODY))[0] == 503:
                    await asyncio.sleep(0.2)
            assert (await bridge.call("GET", "strategies/d"))[0] == 200
    finally:
        await broker.stop()


async def test_a_stop_is_heard_while_the_topics_are_missing(
    registry_url: str, bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUANTIVA_BROKER", "tansu")
    settings = Settings(bootstrap=bootstrap, prefix="none.", registry_url=registry_url,
                        database_url=None)  # fmt: skip
    stop, port = asyncio.Event(), free_port()
    from quantiva.wiring.bridge import serve

    serving = asyncio.create_task(
        serve(settings, bridge_settings(port=port), stop, lambda _: pytest.fail("it is not ready"))
    )
    async with asyncio.timeout(HANGS_S):
        while not await _answers(port):
            await asyncio.sleep(0.05)
        stop.set()
        await serving


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def test_no_broker_is_said(registry_url: str) -> None:
    settings = Settings(
        bootstrap=f"127.0.0.1:{free_port()}", registry_url=registry_url, database_url=None
    )
    with pytest.raises(PublishError, match="no Kafka broker answers"):
        async with served(settings):
            pass
