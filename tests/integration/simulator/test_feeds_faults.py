"""Faults over real HTTP: what the client sees, and what the simulator has counted."""

from __future__ import annotations

import asyncio
from email.utils import parsedate_to_datetime

import aiohttp
import orjson
import pytest
import pytest_asyncio

from simulator.faults import Fault
from tests.integration.simulator.feeds_harness import (
    BEARER,
    BROWSER,
    START_MS,
    UNLIMITED,
    Harness,
    harnessed,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def started():
    async with harnessed(UNLIMITED) as one:
        yield one


@pytest.fixture
def harness(started: Harness) -> Harness:
    started.simulator.faults.clear()
    return started


async def test_limit_with_seconds_or_a_date(harness: Harness):
    await harness.script(upstream="coingecko", kind="limit", retry_after_s=30, times=1)
    limited = await harness.coingecko("/ping")
    assert limited.status == 429
    assert limited.headers["Retry-After"] == "30"
    assert limited.json["status"]["error_code"] == 429
    await harness.script(upstream="coingecko", kind="limit", retry_after_s=30, http_date=True)
    dated = (await harness.coingecko("/ping")).headers["Retry-After"]
    assert parsedate_to_datetime(dated).timestamp() * 1000 == START_MS + 30_000


async def test_every_third_of_one_upstream(harness: Harness):
    await harness.script(upstream="coingecko", kind="status", status=503, every=3)
    statuses = [(await harness.coingecko("/ping")).status for _ in range(6)]
    assert statuses == [200, 200, 503, 200, 200, 503]
    assert (await harness.lunarcrush("/coins/list/v1")).status == 200


async def test_html_in_place_of_json(harness: Harness):
    await harness.script(upstream="coingecko", kind="html", status=200)
    answer = await harness.coingecko("/ping")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("<!DOCTYPE html>")


async def test_broken_json_is_a_whole_answer_that_ends_early(harness: Harness):
    await harness.script(upstream="coingecko", kind="broken_json")
    answer = await harness.coingecko("/coins/list")
    assert answer.status == 200
    with pytest.raises(orjson.JSONDecodeError):
        _ = answer.json


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("half_body", aiohttp.ClientPayloadError),
        ("reset", aiohttp.ClientConnectionError),
        ("unplugged", aiohttp.ClientConnectionError),
    ],
)
async def test_broken_connections(harness: Harness, kind, expected):
    await harness.script(upstream="coingecko", kind=kind)
    with pytest.raises(expected):
        await harness.coingecko("/coins/list")
    last = harness.simulator.requests.report()["last"][-1]
    assert (last["status"], last["fault"]) == ("reset", kind)


async def test_silence_ends_with_the_clients_patience(harness: Harness):
    await harness.script(upstream="coingecko", kind="silence", path="/coins")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(harness.coingecko("/coins/list"), 0.3)
    assert (await harness.coingecko("/ping")).status == 200


async def test_a_span_of_the_simulated_clock(harness: Harness):
    await harness.script(upstream="rss", kind="status", for_s=90)
    before = (await harness.get("/rss/decrypt", BROWSER)).status
    harness.clock.move(90_000)
    assert (before, (await harness.get("/rss/decrypt", BROWSER)).status) == (500, 200)


async def test_unplugged_until_it_is_plugged_in(harness: Harness):
    number = harness.simulator.faults.unplug("cryptonews")
    with pytest.raises(aiohttp.ClientConnectionError):
        await harness.cryptonews(tickers="BTC")
    assert harness.simulator.faults.unplugged("cryptonews")
    url = f"{harness.simulator.url}/_faults"
    async with harness.session.delete(url, params={"number": number}) as answer:
        assert await answer.json() == {"left": 0}
    assert (await harness.cryptonews(tickers="BTC")).status == 200


async def test_stale_answers_stay_the_same_until_the_fault_ends(harness: Harness):
    number = (await harness.script(upstream="lunarcrush", kind="stale")).json["number"]
    first = (await harness.lunarcrush("/coins/list/v2", limit=1)).body
    harness.clock.move(600_000)
    assert (await harness.lunarcrush("/coins/list/v2", limit=1)).body == first
    harness.simulator.faults.remove(number)
    assert (await harness.lunarcrush("/coins/list/v2", limit=1)).body != first


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"upstream": "rss", "kind": "sulks"}, "sulks"),
        ({"upstream": "rss"}, "kind"),
        ({"upstream": "rss", "kind": "reset", "every": 0}, "every 0 must be 1 or more"),
        ({"upstream": "rss", "kind": "status", "status": 99}, "status 99 must be from 200"),
        ({"upstream": "rss", "kind": "reset", "evry": 2}, "evry"),
    ],
    ids=["kind", "no kind", "every", "status", "a field misspelt"],
)
async def test_a_wrong_fault_is_refused_with_the_reason(harness: Harness, fault, said):
    answer = await harness.script(**fault)
    assert answer.status == 400
    assert said in answer.json["error"]
    assert harness.simulator.faults.script() == {}


async def test_the_script_is_told(harness: Harness):
    harness.simulator.faults.add(Fault(upstream="coingecko", kind="status", times=1))
    assert (await harness.coingecko("/ping")).status == 500
    assert (await harness.coingecko("/ping")).status == 200
    row = (await harness.get("/_faults")).json[0]
    assert (row["kind"], row["struck"]) == ("status", 1)


async def test_aiohttp_hides_one_reset_of_a_kept_connection(harness: Harness):
    """So a single reset is no fault to its users: a script needs two, or a fresh connection."""
    assert (await harness.coingecko("/ping")).status == 200
    harness.simulator.faults.add(Fault(upstream="coingecko", kind="reset", times=1))
    assert (await harness.coingecko("/ping")).status == 200
    assert harness.simulator.requests.report()["last"][-2]["status"] == "reset"


async def test_documented_limits_by_minute_and_day():
    async with harnessed() as harness:
        statuses, lefts = [], []
        for _ in range(6):
            answer = await harness.lunarcrush("/coins/list/v1", limit=1)
            statuses.append(answer.status)
            lefts.append(answer.headers["x-rate-limit-minute-remaining"])
        assert statuses == [200] * 4 + [429] * 2
        assert lefts == ["3", "2", "1", "0", "0", "0"]
        reset_s = int(answer.headers["x-rate-limit-minute-reset"])
        harness.clock.move(reset_s * 1000 - harness.clock.now_ms())
        assert (await harness.lunarcrush("/coins/list/v1", limit=1)).status == 200
        told = (await harness.get("/_requests")).json
        line = told["upstreams"]["lunarcrush"]
        assert (line["requests"], line["minute_max"], line["violations"]) == (7, 6, 2)
        assert line["by_day"] == {"2025-10-09": 7}
        assert told["violations"][0]["violation"] == (
            "lunarcrush: 5 requests in a minute, 4 are allowed"
        )


async def test_a_key_raises_coingeckos_limit():
    async with harnessed() as harness:
        plain = [(await harness.coingecko("/ping")).status for _ in range(6)]
        harness.clock.move(60_000)
        keyed = [
            (await harness.coingecko("/ping", x_cg_demo_api_key="simulated-coingecko-key")).status
            for _ in range(6)
        ]
        assert plain == [200] * 5 + [429]
        assert keyed == [200] * 6


async def test_a_stop_ends_silent_answers():
    async with harnessed(UNLIMITED) as harness:
        harness.simulator.faults.add(Fault(upstream="*", kind="silence"))
        url = f"{harness.simulator.url}/lunarcrush/api4/public/coins/list/v1"
        waiting = asyncio.create_task(harness.session.get(url, headers=BEARER))
        await asyncio.sleep(0.1)
        await asyncio.wait_for(harness.simulator.stop(), 5)
        (outcome,) = await asyncio.gather(waiting, return_exceptions=True)
        assert isinstance(outcome, aiohttp.ClientError) or outcome.status == 503
