"""The client: what it asks again, when, and what it never does."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest

from producers.http_client import client as module
from producers.http_client import transport
from producers.http_client.client import Backoff
from producers.http_client.errors import UpstreamError
from producers.http_client.quota import Quota
from tests.unit.producers.http_client.harness import (
    GOOD,
    KEY,
    T0,
    Reply,
    Server,
    StepClock,
    asking,
    serving,
    upstream,
)
from transport.clock import scaled


def gaps_s(server: Server) -> list[float]:
    times = [seen.at_ms for seen in server.seen]
    return [(after - before) / 1000 for before, after in pairwise(times)]


PASSING = [
    pytest.param(Reply(500), "server", id="500"),
    pytest.param(Reply(503, b"<html>502</html>"), "server", id="503 page"),
    pytest.param(Reply(408), "timeout", id="408"),
    pytest.param(Reply(aborts=True), "connection", id="reset"),
    pytest.param(Reply(body=b"<!doctype html><p>busy"), "not_json", id="page"),
    pytest.param(Reply(body=b'{"data": ['), "not_json", id="cut JSON"),
    pytest.param(Reply(body=GOOD, halves=True), "not_json", id="half a body"),
    pytest.param(Reply(body=b""), "not_json", id="empty"),
    pytest.param(Reply(body=b'{"a": "\xff"}'), "not_json", id="not UTF-8"),
]
FINAL = [
    pytest.param(Reply(401, b'{"error": "who?"}'), "auth", id="401"),
    pytest.param(Reply(402), "auth", id="402"),
    pytest.param(Reply(403, b"<html>1020</html>"), "auth", id="403"),
    pytest.param(Reply(404), "not_found", id="404"),
    pytest.param(Reply(422, b'{"error": "Missing parameter"}'), "bad_request", id="422"),
    pytest.param(Reply(301, headers={"Location": "/x"}), "bad_answer", id="301"),
]


@pytest.mark.parametrize(("reply", "kind"), PASSING)
async def test_what_passes_is_asked_again(
    clock: StepClock, server: Server, reply: Reply, kind: str
) -> None:
    server.script.extend([reply, reply])
    async with asking(clock, server.url) as client:
        assert await client.get_json("/coins") == {"data": []}
    assert len(server.seen) == 3
    assert 0.5 <= clock.naps[0] <= 1.0 <= clock.naps[1] <= 2.0


@pytest.mark.parametrize(("reply", "kind"), PASSING)
async def test_it_gives_up_after_four_tries(
    clock: StepClock, server: Server, reply: Reply, kind: str
) -> None:
    server.default = reply
    async with asking(clock, server.url) as client:
        with pytest.raises(UpstreamError) as caught:
            await client.get_json("/coins")
    assert (caught.value.kind, len(server.seen)) == (kind, module.TRIES)


@pytest.mark.parametrize(("reply", "kind"), FINAL)
async def test_what_stays_wrong_is_asked_once(
    clock: StepClock, server: Server, reply: Reply, kind: str
) -> None:
    server.default = reply
    async with asking(clock, server.url) as client:
        with pytest.raises(UpstreamError) as caught:
            await client.get_json("/coins")
    assert (caught.value.kind, len(server.seen)) == (kind, 1)


async def test_errors_say_what_where_and_what_to_do(clock: StepClock, server: Server) -> None:
    server.default = Reply(401, b'{"status": {"error_message": "wrong key %s."}}' % KEY.encode())
    async with asking(clock, server.url) as client:
        with pytest.raises(UpstreamError) as caught:
            await client.get_json("/coins", {"limit": 5})
    assert str(caught.value) == (
        "lunarcrush: it answers 401 at /coins and says: wrong key ***; "
        "check the key in LUNARCRUSH_API_KEY and what its plan allows"
    )


async def test_nobody_there(clock: StepClock) -> None:
    async with asking(clock, "http://127.0.0.1:1") as client:
        with pytest.raises(UpstreamError, match="/coins cannot be reached") as caught:
            await client.get_json("/coins")
    assert caught.value.kind == "connection"


async def test_silence_ends_by_the_wall_clock(clock: StepClock, server: Server) -> None:
    server.default = Reply(wait=asyncio.Event())
    async with asking(clock, server.url, upstream(timeout_s=0.05)) as client:
        with pytest.raises(UpstreamError, match=r"did not answer within 0\.05 s") as caught:
            await client.get_json("/coins")
    assert (caught.value.kind, len(server.seen)) == ("timeout", module.TRIES)


def date_after(seconds: int) -> str:
    return format_datetime(
        datetime.fromtimestamp(T0 / 1000, UTC) + timedelta(seconds=seconds), True
    )


@pytest.mark.parametrize(
    ("headers", "pause_s"),
    [
        pytest.param({"Retry-After": "42"}, 42, id="seconds"),
        pytest.param({"Retry-After": date_after(37)}, 37, id="HTTP date"),
        pytest.param({"x-rate-limit-minute-reset": str(T0 // 1000 + 25)}, 25, id="minute reset"),
        pytest.param({}, transport.UNSAID_LIMIT_S, id="unsaid: a minute"),
    ],
)
@pytest.mark.parametrize("status", [429, 418])
async def test_a_pause_that_is_asked_for_is_kept_in_full(
    clock: StepClock, server: Server, headers: dict[str, str], pause_s: float, status: int
) -> None:
    server.script.append(Reply(status, headers=headers))
    async with asking(clock, server.url) as client:
        await client.get_json("/coins")
    [gap] = gaps_s(server)
    assert pause_s <= gap <= pause_s + Backoff().first_s


async def test_a_broken_server_is_not_left_alone_until_a_window_ends_that_is_not_spent(
    clock: StepClock, server: Server
) -> None:
    server.script.append(
        Reply(503, headers={"ratelimit-remaining": "37", "ratelimit-reset": "40000"})
    )
    async with asking(clock, server.url) as client:
        await client.get_json("/coins")
    [gap] = gaps_s(server)
    assert gap <= Backoff().first_s


async def test_a_pause_is_also_kept_by_the_requests_beside_it(
    clock: StepClock, server: Server
) -> None:
    server.script.append(Reply(503, headers={"Retry-After": "30"}))
    async with asking(clock, server.url) as client:
        await asyncio.gather(client.get_json("/a"), client.get_json("/b"), client.get_json("/c"))
        await client.get_json("/d")
    first = server.seen[0].at_ms
    # Those that were under way when it was asked for arrived at the same time as the first.
    assert all(seen.at_ms == first or seen.at_ms >= first + 30_000 for seen in server.seen)
    assert len(server.seen) == 5


async def test_a_pause_is_also_kept_by_those_who_wait_for_their_turn() -> None:
    clock, source, patient = scaled(T0, 2000.0), upstream(per_minute=2), Backoff(longest_wait_s=400)
    quota = Quota(source.limits, clock, max_wait_s=36_000.0)
    async with (
        serving(clock) as server,
        asking(clock, server.url, source, quota, backoff=patient) as client,
    ):
        server.script.extend([Reply(429, headers={"Retry-After": "200"})] * 2)
        await asyncio.gather(*(client.get_json(f"/{place}") for place in range(4)))
        assert client.quota.used_day() == len(server.seen) == 6
    times = sorted(seen.at_ms for seen in server.seen)
    assert times[2] - times[0] >= 200_000


async def test_too_long_a_pause_fails_and_nobody_asks_until_then(
    clock: StepClock, server: Server
) -> None:
    server.script.append(Reply(429, headers={"Retry-After": "3600"}))
    async with asking(clock, server.url) as client:
        with pytest.raises(UpstreamError) as caught:
            await client.get_json("/coins")
        assert (caught.value.kind, caught.value.retry_after_s) == ("limit", 3600.0)
        assert client.circuit == "open"
        clock.at_ms += 3_000_000
        with pytest.raises(UpstreamError, match="left alone until 2026-01-01 13:00:00") as caught:
            await client.get_json("/coins")
        assert (caught.value.kind, caught.value.retry_after_s) == ("limit", 600.0)
        assert len(server.seen) == 1
        clock.at_ms += 600_000
        await client.get_json("/coins")
        assert client.circuit == "closed"


async def test_a_429_with_nothing_left_of_the_day_is_about_the_day(
    clock: StepClock, server: Server
) -> None:
    server.default = Reply(429, headers={"x-rate-limit-day-remaining": "0"})
    async with asking(clock, server.url) as client:
        for _ in range(2):
            with pytest.raises(UpstreamError) as caught:
                await client.get_json("/coins")
            assert caught.value.kind in ("quota", "limit")
            clock.at_ms += 120_000
    assert len(server.seen) == 1


def test_pauses_differ_by_chance_and_grow() -> None:
    backoff, rng = Backoff(first_s=1.0, longest_s=8.0), random.Random(7)
    for attempt, full_s in [(1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (5, 8.0), (60, 8.0)]:
        pauses = [backoff.pause_s(attempt, None, rng) for _ in range(200)]
        assert full_s / 2 <= min(pauses) < max(pauses) <= full_s
        assert len(set(pauses)) == 200
    assert all(5.0 <= backoff.pause_s(1, 5.0, rng) <= 6.0 for _ in range(200))


async def test_parameters_are_written_as_the_upstreams_want_them(
    clock: StepClock, server: Server
) -> None:
    parameters = {"ids": ["a", "b"], "n": 5, "sparkline": False, "desc": None, "q": "a b&c"}
    async with asking(clock, f"{server.url}/v1/") as client:
        await client.get_json("/topic/btc bitcoin/v1", parameters)
    request = server.seen[0].request
    assert request.path == "/v1/topic/btc bitcoin/v1"
    assert dict(request.query) == {"ids": "a,b", "n": "5", "sparkline": "false", "q": "a b&c"}


@pytest.mark.parametrize(
    ("name", "base", "header", "value"),
    [
        ("lunarcrush", "", "Authorization", f"Bearer {KEY}"),
        ("coingecko", "", "x-cg-demo-api-key", KEY),
        ("coingecko", "/http://pro-api.x", "x-cg-pro-api-key", KEY),
        ("coinmarketcal", "", "x-api-key", KEY),
    ],
)
async def test_keys_in_headers(
    clock: StepClock, server: Server, name: str, base: str, header: str, value: str
) -> None:
    async with asking(clock, server.url + base, upstream(name), secret=f" {KEY}\n") as client:
        await client.get_json("/x")
    assert server.seen[0].request.headers[header] == value
    assert KEY not in server.seen[0].request.path_qs


@pytest.mark.parametrize("name", ["cryptonews", "stocknews"])
async def test_keys_in_the_query(clock: StepClock, server: Server, name: str) -> None:
    async with asking(clock, server.url, upstream(name), secret="a+b/c=&d") as client:
        await client.get_json("", {"page": 1})
    assert dict(server.seen[0].request.query) == {"page": "1", "token": "a+b/c=&d"}


@pytest.mark.parametrize("secret", ["with space", "line\nbreak", "ümlaut"])
async def test_a_key_that_no_header_can_carry(clock: StepClock, secret: str) -> None:
    with pytest.raises(ValueError, match="the key of lunarcrush has characters") as caught:
        async with asking(clock, "http://unused", secret=secret):
            pass
    assert secret not in str(caught.value)


async def test_a_redirect_does_not_get_the_key(clock: StepClock, server: Server) -> None:
    server.default = Reply(302, headers={"Location": f"{server.url}/elsewhere"})
    async with asking(clock, server.url, upstream("coingecko")) as client:
        with pytest.raises(UpstreamError, match="its address may have changed"):
            await client.get_json("/coins")
    assert [seen.request.path for seen in server.seen] == ["/coins"]


async def test_a_body_without_an_end(
    clock: StepClock, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "LONGEST_BODY", 1024**2)
    server.default = Reply(body=b"[" + b"1," * 600_000)
    async with asking(clock, server.url) as client:
        with pytest.raises(UpstreamError, match="/coins sends more than 1 MB") as caught:
            await client.get_json("/coins")
    assert (caught.value.kind, len(server.seen)) == ("bad_answer", 1)


async def test_an_answer_that_repeats_the_key_comes_without_it(
    clock: StepClock, server: Server
) -> None:
    server.default = Reply(body=b'{"next": "/x?token=%s&page=2", "price": 1}' % KEY.encode())
    async with asking(clock, server.url) as client:
        answer = await client.get_json("/coins")
    assert answer == {"next": "/x?token=***&page=2", "price": 1}


async def test_null_is_an_answer(clock: StepClock, server: Server) -> None:
    server.default = Reply(body=b"null")
    async with asking(clock, server.url) as client:
        assert await client.get_json("/coins") is None
