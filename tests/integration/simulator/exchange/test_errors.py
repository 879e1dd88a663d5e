"""What real ccxt raises when a simulated exchange, or the way to it, says no."""

from __future__ import annotations

from typing import Any

import ccxt
import pytest

from tests.integration.simulator.exchange.harness import MARKET, Served, client, serving
from tests.unit.simulator.exchange.tiny_world import TinyWorld

pytestmark = pytest.mark.asyncio(loop_scope="module")
_LIMITED = {"binance": ccxt.DDoSProtection, "bybit": ccxt.RateLimitExceeded}
_LATEST_MS = {"binance": 10_000, "bybit": 5_000}
_OUT_OF_TIME = {"binance": "-1021", "bybit": "10002"}


async def test_an_answer_that_is_not_json_raises_nothing(tiny: Served, fresh: Any) -> None:
    tiny.can(200, "not json", "text/html")
    assert (await fresh.fetch_ticker(MARKET))["last"] is None


async def test_limits_unplugged_lines_and_silence(tiny: Served, fresh: Any) -> None:
    tiny.script(kind="limit", times=1, retry_after_s=7)
    with pytest.raises(_LIMITED[tiny.name]):
        await fresh.fetch_ticker(MARKET)
    assert fresh.last_response_headers["Retry-After"] == "7"
    tiny.script(kind="unplugged", times=2)  # a kept connection is tried twice
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await fresh.fetch_ticker(MARKET)
    tiny.script(kind="silence", times=1)
    fresh.timeout = 300
    with pytest.raises(ccxt.RequestTimeout):
        await fresh.fetch_ticker(MARKET)


async def test_a_stale_answer_is_the_one_before(tiny: Served, fresh: Any) -> None:
    number = tiny.script(kind="stale")
    before = await fresh.fetch_time()
    await fresh.sleep(10)  # ms
    assert await fresh.fetch_time() == before
    tiny.faults.remove(number)
    assert await fresh.fetch_time() > before


@pytest.mark.parametrize(
    ("name", "code", "kind", "error"),
    [
        pytest.param("binance", "-1003", "limit", ccxt.DDoSProtection, id="Binance, 429"),
        pytest.param("binance", "-1121", "status", ccxt.BadSymbol, id="Binance, 500"),
        pytest.param("bybit", "10006", "limit", ccxt.RateLimitExceeded, id="Bybit, 429"),
        pytest.param("bybit", "10016", "status", ccxt.ExchangeError, id="Bybit, 500"),
    ],
    indirect=["name"],
)
async def test_a_fault_with_a_code_is_said_in_the_exchanges_own_form(
    tiny: Served, fresh: Any, code: str, kind: str, error: type
) -> None:
    tiny.script(kind=kind, code=code, times=1)
    field = "code" if tiny.name == "binance" else "retCode"
    with pytest.raises(error, match=f'"{field}":{code},'):
        await fresh.fetch_ticker(MARKET)


async def test_nobody_there(name: str) -> None:
    async with serving(name, world=TinyWorld()) as gone:
        alone = client(gone)
        exchange = await alone.__aenter__()
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await exchange.fetch_ticker(MARKET)
    await alone.__aexit__(None, None, None)


@pytest.mark.parametrize("early", [False, True], ids=["too late", "too early"])
async def test_a_timestamp_outside_of_the_window(fresh: Any, early: bool) -> None:
    fresh.options["timeDifference"] = -2_000 if early else _LATEST_MS[fresh.id] + 1_000
    with pytest.raises(ccxt.InvalidNonce, match=_OUT_OF_TIME[fresh.id]):
        await fresh.fetch_balance()


async def test_an_order_that_is_not_there_is_not_cancelled(fresh: Any) -> None:
    code = {"binance": "-2011", "bybit": "170213"}[fresh.id]
    with pytest.raises(ccxt.OrderNotFound, match=code):
        await fresh.cancel_order("1", MARKET)


async def test_funds(fresh: Any) -> None:
    with pytest.raises(ccxt.InsufficientFunds):
        await fresh.create_order(MARKET, "limit", "buy", 5_000, 99)


async def test_an_amount_below_the_smallest_is_refused_before_it_is_sent(
    tiny: Served, fresh: Any
) -> None:
    await fresh.fetch_balance()  # asks Bybit what kind of account it is
    asked = len(tiny.requests)
    with pytest.raises(ccxt.InvalidOrder):
        await fresh.create_order(MARKET, "market", "sell", 0.000001)
    assert len(tiny.requests) == asked
