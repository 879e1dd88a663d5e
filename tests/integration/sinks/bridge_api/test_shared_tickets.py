"""Tickets over PostgreSQL: once, at any of several bridges."""

from __future__ import annotations

import asyncio

import pytest

from sinks.bridge.api import open_pool
from sinks.bridge.api.route_decorator import Pool
from sinks.bridge.auth import Principal, Role, UnauthorizedError
from tests.integration.sinks.bench import Rows
from tests.unit.sinks.bridge_api.fixtures import Bridge, bridge, settings

pytestmark = pytest.mark.embedded


async def ticket(it: Bridge, who: Role = Role.VIEWER) -> str:
    status, body, headers = await it.call("POST", "/api/v1/tickets", who)
    assert (status, body["scope"], body["expires_in_s"]) == (201, "every_bridge", 30)
    assert headers["Cache-Control"] == "no-store"
    return str(body["ticket"])


async def test_a_ticket_of_one_bridge_works_at_another_and_once(pool: Pool, rows: Rows) -> None:
    second = await open_pool(rows.dsn, settings())
    async with bridge(database=pool) as one, bridge(database=second) as other:
        for first_user, again in ((other, one), (one, other), (other, other)):
            issued = await ticket(one, Role.TRADER)
            assert await first_user.api.auth.use_ticket(issued) == Principal("trader", Role.TRADER)
            with pytest.raises(UnauthorizedError):
                await again.api.auth.use_ticket(issued)
    await second.close()
    assert await rows.count("bridge_tickets") == 0


async def test_of_many_bridges_at_once_one_has_success(pool: Pool, rows: Rows) -> None:
    second = await open_pool(rows.dsn, settings())
    async with bridge(database=pool) as one, bridge(database=second) as other:
        for _ in range(10):
            issued = await ticket(one)
            tries = [it.api.auth.use_ticket(issued) for it in (one, other) * 5]
            found = await asyncio.gather(*tries, return_exceptions=True)
            assert sum(isinstance(result, Principal) for result in found) == 1
            assert sum(isinstance(result, UnauthorizedError) for result in found) == 9
    await second.close()


async def test_bridges_with_other_tokens_do_not_take_it(pool: Pool) -> None:
    async with bridge(database=pool) as one:
        async with bridge(database=pool, settings={"ticket_key": "another"}) as other:
            issued = await ticket(one)
            with pytest.raises(UnauthorizedError):
                await other.api.auth.use_ticket(issued)
        assert (await one.api.auth.use_ticket(issued)).role is Role.VIEWER


async def test_tickets_that_nobody_uses_are_swept_away(pool: Pool, rows: Rows) -> None:
    await rows.query("INSERT INTO bridge_tickets VALUES ('old', now() - interval '2 hours')")
    await rows.query("INSERT INTO bridge_tickets VALUES ('new', now() + interval '1 minute')")
    async with bridge(database=pool) as it:
        await ticket(it)
    left = {name for (name,) in await rows.query("SELECT nonce FROM bridge_tickets")}
    assert len(left) == 2
    assert "old" not in left
