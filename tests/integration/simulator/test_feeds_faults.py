"""Faults over real HTTP: what the client sees, and what the simulator has counted."""

from __future__ import annotations

import asyncio
from email.utils import parsedate_to_datetime

import aiohttp
import orjson
import pytest
import pytest_asyncio

from simulator.faults import Fault
from tests.integration.simulator.feeds_rig import (
    BEARER,
    BROWSER,
    START_MS,
    UNLIMITED,
    Rig,
    rigged,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def started():
    async with rigged(UNLIMITED) as one:
        yield one


@pytest.fixture
def rig(started: Rig) -> Rig:
    started.simulator.faults.clear()
    return started


async def test_limit_with_seconds_or_a_date(rig: Rig):
    await rig.script(upstream="coingecko", kind="limit", retry_after_s=30, times=1)
    limited = await rig.coingecko("/ping")
    assert limited.status == 429
    assert limited.headers["Retry-After"] == "30"
    assert limited.json["status"]["error_code"] == 429
    await rig.script(upstream="coingecko", kind="limit", retry_after_s=30, http_date=True)
    dated = (await rig.coingecko("/ping")).headers["Retry-After"]
    assert parsedate_to_datetime(dated).timestamp() * 1000 == START_MS + 30_000


async def test_every_third_of_one_upstream(rig: Rig):
    await rig.script(upstream="coingecko", kind="status", status=503, every=3)
    statuses = [(await rig.coingecko("/ping")).status for _ in range(6)]
    assert statuses == [200, 200, 503, 200, 200, 503]
    assert (await rig.lunarcrush("/coins/list/v1")).status == 200


async def test_html_in_place_of_json(rig: Rig):
    await rig.script(upstream="coingecko", kind="html", status=200)
    answer = await rig.coingecko("/ping")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("<!DOCTYPE html>")


async def test_broken_json_is_a_whole_answer_that_ends_early(rig: Rig):
    await rig.script(upstream="coingecko", kind="broken_json")
    answer = await rig.coingecko("/coins/list")
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
async def test_broken_connections(rig: Rig, kind, expected):
    await rig.script(upstream="coingecko", kind=kind)
    with pytest.raises(expected):
        await rig.coingecko("/coins/list")
    last = rig.simulator.ledger.report()["last"][-1]
    assert (last["status"], last["fault"]) == ("reset", kind)


async def test_silence_ends_with_the_clients_patience(rig: Rig):
    await rig.script(upstream="coingecko", kind="silence", path="/coins")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(rig.coingecko("/coins/list"), 0.3)
    assert (await rig.coingecko("/ping")).status == 200


async def test_a_span_of_the_simulated_clock(rig: Rig):
    await rig.script(upstream="rss", kind="status", for_s=90)
    before = (await rig.get("/rss/decrypt", BROWSER)).status
    rig.clock.move(90_000)
    assert (before, (await rig.get("/rss/decrypt", BROWSER)).status) == (500, 200)


async def test_unplugged_until_it_is_plugged_in(rig: Rig):
    number = rig.simulator.faults.unplug("cryptonews")
    with pytest.raises(aiohttp.ClientConnectionError):
        await rig.cryptonews(tickers="BTC")
    assert rig.simulator.faults.unplugged("cryptonews")
    url = f"{rig.simulator.url}/_faults"
    async with rig.session.delete(url, params={"number": number}) as answer:
        assert await answer.json() == {"left": 0}
    assert (await rig.cryptonews(tickers="BTC")).status == 200


async def test_stale_answers_stay_the_same_until_the_fault_ends(rig: Rig):
    number = (await rig.script(upstream="lunarcrush", kind="stale")).json["number"]
    first = (await rig.lunarcrush("/coins/list/v2", limit=1)).body
    rig.clock.move(600_000)
    assert (await rig.lunarcrush("/coins/list/v2", limit=1)).body == first
    rig.simulator.faults.remove(number)
    assert (await rig.lunarcrush("/coins/list/v2", limit=1)).body != first


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
async def test_a_wrong_fault_is_refused_with_the_reason(rig: Rig, fault, said):
    answer = await rig.script(**fault)
    assert answer.status == 400
    assert said in answer.json["error"]
    assert rig.simulator.faults.script() == {}


async def test_the_script_is_told(rig: Rig):
    rig.simulator.faults.add(Fault(upstream="coingecko", kind="status", times=1))
    assert (await rig.coingecko("/ping")).status == 500
    assert (await rig.coingecko("/ping")).status == 200
    row = (await rig.get("/_faults")).json[0]
    assert (row["kind"], row["struck"]) == ("status", 1)


async def test_aiohttp_hides_one_reset_of_a_kept_connection(rig: Rig):
    """So a single reset is no fault to its users: a script needs two, or a fresh connection."""
    assert (await rig.coingecko("/ping")).status == 200
    rig.simulator.faults.add(Fault(upstream="coingecko", kind="reset", times=1))
    assert (await rig.coingecko("/ping")).status == 200
    assert rig.simulator.ledger.report()["last"][-2]["status"] == "reset"


async def test_documented_limits_by_minute_and_day():
    async with rigged() as rig:
        statuses, lefts = [], []
        for _ in range(6):
            answer = await rig.lunarcrush("/coins/list/v1", limit=1)
            statuses.append(answer.status)
            lefts.append(answer.headers["x-rate-limit-minute-remaining"])
        assert statuses == [200] * 4 + [429] * 2
        assert lefts == ["3", "2", "1", "0", "0", "0"]
        reset_s = int(answer.headers["x-rate-limit-minute-reset"])
        rig.clock.move(reset_s * 1000 - rig.clock.now_ms())
        assert (await rig.lunarcrush("/coins/list/v1", limit=1)).status == 200
        told = (await rig.get("/_requests")).json
        line = told["upstreams"]["lunarcrush"]
        assert (line["requests"], line["minute_max"], line["violations"]) == (7, 6, 2)
        assert line["by_day"] == {"2025-10-09": 7}
        assert told["violations"][0]["violation"] == (
            "lunarcrush: 5 requests in a minute, 4 are allowed"
        )


async def test_a_key_raises_coingeckos_limit():
    async with rigged() as rig:
        plain = [(await rig.coingecko("/ping")).status for _ in range(6)]
        rig.clock.move(60_000)
        keyed = [
            (await rig.coingecko("/ping", x_cg_demo_api_key="simulated-coingecko-key")).status
            for _ in range(6)
        ]
        assert plain == [200] * 5 + [429]
        assert keyed == [200] * 6


async def test_a_stop_ends_silent_answers():
    async with rigged(UNLIMITED) as rig:
        rig.simulator.faults.add(Fault(upstream="*", kind="silence"))
        url = f"{rig.simulator.url}/lunarcrush/api4/public/coins/list/v1"
        waiting = asyncio.create_task(rig.session.get(url, headers=BEARER))
        await asyncio.sleep(0.1)
        await asyncio.wait_for(rig.simulator.stop(), 5)
        (outcome,) = await asyncio.gather(waiting, return_exceptions=True)
        assert isinstance(outcome, aiohttp.ClientError) or outcome.status == 503
