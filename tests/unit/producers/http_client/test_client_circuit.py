"""The client's circuit: whom it leaves alone, and how it comes back."""

from __future__ import annotations

import asyncio

import pytest

from producers.http_client.client import Client
from producers.http_client.errors import UpstreamError
from producers.http_client.quota import Quota
from tests.unit.producers.http_client.harness import T0, Reply, Server, StepClock, asking, upstream
from transport.circuit_breaker import BreakerSettings
from transport.clock import scaled


async def fail(client: Client, path: str = "/x") -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await client.get_json(path)
    return caught.value


async def test_it_opens_half_opens_and_closes(clock: StepClock, server: Server) -> None:
    server.default = Reply(500)
    async with asking(clock, server.url) as client:
        assert (await fail(client)).kind == "server"  # 4 failures
        assert client.circuit == "closed"
        assert (await fail(client)).kind == "server"  # the fifth opens it: not tried again
        assert (client.circuit, len(server.seen)) == ("open", 5)

        refused = await fail(client)
        assert (refused.kind, refused.retry_after_s) == ("open_circuit", 60.0)
        assert str(refused) == (
            "lunarcrush: it is left alone for 60 s after 5 failures in a row, "
            "lastly: it answers 500 at /x; the fault is on its side"
        )
        assert len(server.seen) == 5

        await clock.sleep(60)
        assert client.circuit == "half_open"
        assert (await fail(client)).kind == "server"  # one trial, no second try
        assert (client.circuit, len(server.seen)) == ("open", 6)

        await clock.sleep(60)
        assert client.circuit == "open"  # the second pause is longer
        await clock.sleep(60)
        server.default = Reply()
        await client.get_json("/x")
        assert client.circuit == "closed"


async def test_half_open_lets_one_through(clock: StepClock, server: Server) -> None:
    server.default = Reply(500)
    async with asking(clock, server.url) as client:
        await fail(client)
        await fail(client)
        await clock.sleep(60)
        answer = asyncio.Event()
        server.default = Reply(wait=answer)
        trial = asyncio.create_task(client.get_json("/x"))
        while len(server.seen) < 6:
            await asyncio.sleep(0.001)
        assert (await fail(client)).kind == "open_circuit"
        answer.set()
        await trial
        assert (client.circuit, len(server.seen)) == ("closed", 6)


async def test_a_cancelled_trial_does_not_lock_it(clock: StepClock, server: Server) -> None:
    server.default = Reply(500)
    async with asking(clock, server.url) as client:
        await fail(client)
        await fail(client)
        await clock.sleep(60)
        server.default = Reply(wait=asyncio.Event())
        trial = asyncio.create_task(client.get_json("/x"))
        while len(server.seen) < 6:
            await asyncio.sleep(0.001)
        trial.cancel()
        with pytest.raises(asyncio.CancelledError):
            await trial
        server.default = Reply()
        await client.get_json("/x")
        assert client.circuit == "closed"


@pytest.mark.parametrize(
    ("status", "asked"),
    [
        pytest.param(404, 12, id="that it does not know something is no failure"),
        pytest.param(401, 5, id="who refuses us is not asked all day"),
    ],
)
async def test_what_counts_as_a_failure(
    clock: StepClock, server: Server, status: int, asked: int
) -> None:
    server.default = Reply(status)
    async with asking(clock, server.url) as client:
        for _ in range(12):
            await fail(client)
    assert len(server.seen) == asked


async def test_what_is_not_asked_is_not_counted(clock: StepClock, server: Server) -> None:
    server.default = Reply(500)
    quota = Quota(upstream(per_minute=100, per_day=500).limits, clock)
    async with asking(clock, server.url, quota=quota) as client:
        for _ in range(20):
            await fail(client)
        assert quota.used_day() == len(server.seen) == 5
        assert quota.left_day() == 495


async def test_those_in_the_queue_do_not_ask_once_it_is_open(server: Server) -> None:
    server.default = Reply(500)
    clock, rules = scaled(T0, 2000.0), BreakerSettings(first_pause_s=1e6, longest_pause_s=1e6)
    quota = Quota(upstream(per_minute=2).limits, clock, max_wait_s=3600)
    async with asking(clock, server.url, quota=quota, rules=rules) as client:
        errors = await asyncio.gather(*(fail(client, f"/{place}") for place in range(9)))
    # Two may be under way when the fifth failure opens it.
    assert len(server.seen) in (5, 6)
    assert [error.kind for error in errors].count("open_circuit") >= 3
    assert quota.used_day() == len(server.seen)


async def test_one_dead_feed_does_not_stop_the_others(clock: StepClock, server: Server) -> None:
    async with asking(clock, "http://unused", upstream("rss"), secret=None) as client:
        for _ in range(3):
            with pytest.raises(UpstreamError):
                await client.get_text("http://127.0.0.1:1/feed")
        assert client.circuit == "open"
        assert (await client.get_text(f"{server.url}/feed")).text
        assert client.circuit == "closed"
