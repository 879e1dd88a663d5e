"""One upstream as the feeds use it, its turns, against a local server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from producers.feeds.request_budget import RequestBudget
from producers.feeds.upstream_clients import UpstreamClient
from producers.http_client.health import SourceHealth
from producers.http_client.quota import Quota
from producers.http_client.upstream import Limits
from tests.unit.producers.http_client.harness import (
    Reply,
    Server,
    StepClock,
    asking,
    serving,
    upstream,
)

MIDNIGHT = 1_767_225_600_000
DAY_MS, CYCLE_S = 86_400_000, 600.0
ASSETS = tuple(f"A{number}" for number in range(8))


@pytest.fixture
def clock() -> StepClock:
    return StepClock(MIDNIGHT)


@pytest.fixture
async def server(clock: StepClock) -> AsyncIterator[Server]:
    async with serving(clock) as running:
        yield running


@asynccontextmanager
async def linked(clock: StepClock, server: Server, **limits: int) -> AsyncIterator[UpstreamClient]:
    source = upstream(**limits)
    quota = Quota(Limits(**limits), clock, upstream=source.name)
    async with asking(clock, server.url, source, quota) as client:
        health = SourceHealth(source.name, ("news",), quota, clock, circuit=lambda: client.circuit)
        yield UpstreamClient(source.name, client, quota, health)


async def data(client, path: str) -> object:
    return (await client.get_json(path))["data"]


async def test_an_answer_is_returned_and_its_health_knows(clock, server) -> None:
    async with linked(clock, server) as client:
        assert await client.call(data, "/coins") == []
        status = client.health.status()
    assert (status.state, status.last_success_at) == ("ok", MIDNIGHT)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        pytest.param(Reply(403), "403", id="refused"),
        pytest.param(Reply(body=b"<html>busy</html>"), "HTML", id="html"),
        pytest.param(Reply(aborts=True), "cannot be reached", id="reset"),
    ],
)
async def test_a_failure_is_none_and_its_health_says_why(clock, server, reply, said) -> None:
    server.default = reply
    async with linked(clock, server) as client:
        assert await client.call(data, "/coins") is None
        status = client.health.status()
    assert status.state == "failing"
    assert said in (status.last_error or "")


async def test_nobody_waits_longer_than_asked_for(clock, server) -> None:
    server.default = Reply(wait=asyncio.Event())
    async with linked(clock, server) as client:
        assert await client.call(data, "/coins", within_s=0.05) is None
        status = client.health.status()
        server.default.wait.set()
    assert status.last_error == "lunarcrush: nothing usable came within 0.05 s"


async def test_a_defect_is_not_taken_for_a_failure_of_the_upstream(clock, server) -> None:
    async def broken(client) -> None:
        raise KeyError("a defect")

    async with linked(clock, server) as client:
        with pytest.raises(KeyError):
            await client.call(broken)


async def _a_day(
    client: UpstreamClient, turns: RequestBudget, clock: StepClock, reserved: int, cost: int
) -> dict[str, int]:
    """Let a day of cycles pass, others taking theirs; return how often each asset was asked for."""
    asked = dict.fromkeys(ASSETS, 0)
    for cycle in range(144):
        clock.at_ms = max(clock.at_ms, MIDNIGHT + cycle * 600_000)
        for _ in range(reserved * (cycle + 1) // 144 - reserved * cycle // 144):
            await client.quota.take()
        for asset in turns.take(ASSETS):
            await client.quota.take(cost)
            await turns.pause()
            turns.done(asset)
            asked[asset] += 1
    return asked


@pytest.mark.parametrize(
    ("per_day", "reserved", "cost"),
    [
        pytest.param(500, 154, 1, id="lunarcrush without a plan"),
        pytest.param(322, 10, 2, id="two requests a turn"),
        pytest.param(30, 0, 1, id="fewer than cycles"),
    ],
)
async def test_turns_last_the_day_and_nobody_is_left_out(
    clock, server, per_day: int, reserved: int, cost: int
) -> None:
    async with linked(clock, server, per_minute=4, per_day=per_day) as client:
        turns = RequestBudget(client, clock, CYCLE_S, reserved=reserved, cost=cost)
        asked = await _a_day(client, turns, clock, reserved, cost)
        refresh_s = client.health.refresh_s
    assert 0.9 * (per_day - reserved) <= cost * sum(asked.values()) <= per_day - reserved + cost
    assert min(asked.values()) >= 1
    assert asked["A0"] >= asked["A7"]
    assert refresh_s is not None
    assert refresh_s >= CYCLE_S


async def test_without_limits_everybody_has_a_turn_in_every_cycle(clock, server) -> None:
    async with linked(clock, server) as client:
        turns = RequestBudget(client, clock, CYCLE_S, reserved=0)
        assert turns.take(ASSETS) == ASSETS
        assert turns.take(()) == ()
        assert client.health.refresh_s == CYCLE_S


@pytest.mark.parametrize(
    ("share", "nap_s", "turns"),
    [pytest.param(0.5, 30.0, 20, id="half"), pytest.param(0.25, 60.0, 10, id="of two kinds, each")],
)
async def test_a_pause_leaves_half_of_the_minute_to_others(
    clock, server, share: float, nap_s: float, turns: int
) -> None:
    async with linked(clock, server, per_minute=4) as client:
        kind = RequestBudget(client, clock, CYCLE_S, reserved=0, share=share)
        await kind.pause()
        assert len(kind.take(tuple(f"A{number}" for number in range(50)))) == turns
    assert clock.naps == [nap_s]


async def test_who_fails_has_one_more_try_and_then_the_others_have_theirs(clock, server) -> None:
    async with linked(clock, server, per_day=154 + 144) as client:
        turns = RequestBudget(client, clock, CYCLE_S, reserved=154)
        first: list[str] = []
        for cycle in range(12):
            clock.at_ms = MIDNIGHT + cycle * 600_000
            for asset in turns.take(ASSETS[:3]):
                first.append(asset)
                if asset == "A0":
                    turns.failed(asset)
                    break
                turns.done(asset)
    assert first[:4] == ["A0", "A0", "A1", "A2"]
    assert first.count("A0") <= 8
