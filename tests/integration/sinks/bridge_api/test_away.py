"""A database that goes away: problems where it is needed, answers everywhere else."""

from __future__ import annotations

import asyncio

import pytest

from embedded.database import Database
from sinks.bridge.api import open_pool
from sinks.bridge.auth import Role
from tests.integration.sinks.bench import Rows
from tests.unit.sinks.bridge_api.fixtures import bridge, settings

pytestmark = pytest.mark.embedded

STORED = ("signals", "explanations", "trending", "news", f"top?cycle={10**12}")
REMEMBERED = (
    *("signals/latest", "top", "assets", "assets/A0", "assets/A0/candles", "scores"),
    *("strategies", "strategies/momentum", f"signals/{3:032x}", "me", "openapi.json"),
)


async def test_away_and_back(database: Database, rows: Rows) -> None:
    pool = await open_pool(rows.dsn, settings())
    short = {"database_wait_s": 1.0}
    async with bridge(database=pool, settings=short) as it:
        assert (await it.call("GET", "/api/v1/signals"))[0] == 200
        await database.kill()
        try:
            for path in STORED:
                status, body, headers = await it.call("GET", f"/api/v1/{path}")
                assert (status, body["type"]) == (503, "/docs#problem-unavailable"), path
                assert int(headers["Retry-After"]) >= 1
                assert "127.0.0.1" not in body["detail"]
            for path in REMEMBERED:
                assert (await it.call("GET", f"/api/v1/{path}"))[0] == 200, path
            assert (await it.get("/api/v1/status"))["database"] == "away"
            ticket = await it.call("POST", "/api/v1/tickets")
            assert (ticket[0], ticket[1]["scope"]) == (201, "this_bridge")
            assert (await it.api.auth.use_ticket(ticket[1]["ticket"])).name == "viewer"
            body = {"asset": "BTC", "strategy_id": "momentum"}
            path = "/api/v1/signals/generate"
            assert (await it.call("POST", path, Role.TRADER, json=body))[0] == 202
        finally:
            await database.start()
        assert (await it.call("GET", "/api/v1/signals"))[0] == 200
        assert (await it.get("/api/v1/status"))["database"] == "ok"
    await pool.close()


async def test_a_bridge_starts_without_its_database(database: Database, rows: Rows) -> None:
    await database.kill()
    try:
        pool = await open_pool(rows.dsn, settings())
        async with bridge(database=pool) as it:
            assert (await it.call("GET", "/api/v1/signals"))[0] == 503
            await database.start()
            assert (await it.call("GET", "/api/v1/signals"))[0] == 200
        await pool.close()
    finally:
        await database.start()


async def test_a_pool_that_is_used_up_is_a_503_and_not_a_wait_without_end(rows: Rows) -> None:
    pool = await open_pool(rows.dsn, settings())
    async with bridge(database=pool, settings={"database_wait_s": 0.2}) as it:
        held = [await pool.acquire() for _ in range(pool.get_max_size())]
        found = await asyncio.gather(*(it.call("GET", "/api/v1/signals") for _ in range(5)))
        assert [status for status, _, _ in found] == [503] * 5
        for connection in held:
            await pool.release(connection)
        assert (await it.call("GET", "/api/v1/signals"))[0] == 200
    await pool.close()


async def test_a_statement_that_takes_too_long_is_a_503(rows: Rows) -> None:
    pool = await open_pool(rows.dsn, settings(database_timeout_s=0.3))
    async with bridge(database=pool) as it, pool.acquire() as connection, connection.transaction():
        await connection.execute("LOCK TABLE strategy_signals IN ACCESS EXCLUSIVE MODE")
        assert (await it.call("GET", "/api/v1/signals"))[0] == 503
    await pool.close()
