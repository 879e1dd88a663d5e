"""What real ccxt raises for the ways in which Bybit alone says no."""

from __future__ import annotations

from typing import Any

import ccxt
import pytest

from simulator.bybit.limits import ORDERS_A_SECOND
from tests.integration.simulator.exchange.harness import MARKET, Served, client, serving
from tests.unit.simulator.exchange.tiny_world import TinyWorld
from transport.clock import WallClock, scaled

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def name() -> str:
    return "bybit"


@pytest.mark.parametrize(
    ("status", "text", "error"),
    [
        (200, '{"retCode":10006,"retMsg":"Too many visits."}', ccxt.RateLimitExceeded),
        (403, '{"retCode":10018,"retMsg":"access too frequent"}', ccxt.RateLimitExceeded),
        (403, "error: access denied", ccxt.RateLimitExceeded),
        (429, "", ccxt.RateLimitExceeded),
        (500, "x", ccxt.ExchangeNotAvailable),
        (200, '{"retCode":10016,"retMsg":"Server error"}', ccxt.ExchangeError),
        (200, '{"foo":1}', ccxt.ExchangeError),
    ],
)
async def test_answers(tiny: Served, fresh: Any, status: int, text: str, error: type) -> None:
    tiny.can(status, text, "application/json" if text.startswith("{") else "text/plain")
    with pytest.raises(error) as caught:
        await fresh.fetch_ticker(MARKET)
    assert type(caught.value) is error


async def test_keys_and_signatures(fresh: Any) -> None:
    await fresh.fetch_balance()
    fresh.secret = "wrong"
    with pytest.raises(ccxt.AuthenticationError, match="10004"):
        await fresh.fetch_balance()
    fresh.apiKey, fresh.secret = "wrong", "testsecret"
    with pytest.raises(ccxt.AuthenticationError, match="10003"):
        await fresh.fetch_balance()


async def test_the_headers_say_what_is_left(fresh: Any) -> None:
    await fresh.create_order(MARKET, "limit", "buy", 1, 90)
    headers = fresh.last_response_headers
    assert headers["X-Bapi-Limit"] == "20"
    assert 0 <= int(headers["X-Bapi-Limit-Status"]) < 20


async def test_a_client_id_is_never_used_again(fresh: Any) -> None:
    mine = {"clientOrderId": "once"}
    named = await fresh.create_order(MARKET, "limit", "buy", 1, 90, mine)
    await fresh.cancel_order(named["id"], MARKET)
    with pytest.raises(ccxt.InvalidOrder, match="170141"):
        await fresh.create_order(MARKET, "limit", "buy", 1, 90, mine)


def _order(**fields: Any) -> dict[str, Any]:
    order = {"category": "spot", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit"}
    return {**order, "qty": "1", "price": "99", **fields}


@pytest.mark.parametrize(
    ("fields", "error", "code"),
    [
        pytest.param({"qty": "5000"}, ccxt.InsufficientFunds, "170131", id="no funds"),
        pytest.param({"qty": "0.01"}, ccxt.InvalidOrder, "170140", id="worth too little"),
        pytest.param({"qty": "0.0001"}, ccxt.InvalidOrder, "170136", id="too small"),
        pytest.param({"qty": "1e9"}, ccxt.InvalidOrder, "170135", id="too large"),
        pytest.param({"qty": "1.00001"}, ccxt.InvalidOrder, "170137", id="off the step"),
        pytest.param({"price": "99.01"}, ccxt.InvalidOrder, "170134", id="off the tick"),
        pytest.param({"price": "1000"}, ccxt.InvalidOrder, "170193", id="far above"),
        pytest.param({"qty": ""}, ccxt.BadRequest, "170105", id="no quantity"),
        pytest.param({"qty": "x"}, ccxt.BadRequest, "170130", id="no number"),
        pytest.param({"side": "Hold"}, ccxt.InvalidOrder, "170117", id="unknown side"),
        pytest.param({"orderType": "Stop"}, ccxt.InvalidOrder, "170116", id="unknown type"),
        pytest.param({"timeInForce": "X"}, ccxt.InvalidOrder, "170115", id="unknown lifetime"),
        pytest.param({"symbol": "NOPEUSDT"}, ccxt.BadRequest, "10001", id="unknown market"),
        pytest.param({"category": "linear"}, ccxt.BadRequest, "10001", id="not spot"),
    ],
)
async def test_orders_that_break_a_rule(
    fresh: Any, fields: dict[str, Any], error: type, code: str
) -> None:
    with pytest.raises(error, match=code):
        await fresh.private_post_v5_order_create(_order(**fields))


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"symbol": "NOPEUSDT", "interval": "60"}, id="no market"),
        pytest.param({"symbol": "BTCUSDT", "interval": "7"}, id="no interval"),
        pytest.param({"symbol": "BTCUSDT", "interval": "60", "limit": "x"}, id="no number"),
    ],
)
async def test_bad_requests(fresh: Any, query: dict[str, str]) -> None:
    with pytest.raises(ccxt.BadRequest, match="10001"):
        await fresh.public_get_v5_market_kline({"category": "spot", **query})


async def test_too_many_orders_in_a_second() -> None:
    # The clock stands nearly still, so that no second ends while the orders come.
    clock = scaled(WallClock().now_ms(), 0.01)
    async with serving("bybit", clock, TinyWorld()) as slow, client(slow) as exchange:
        exchange.milliseconds = clock.now_ms
        await exchange.load_markets()
        for _ in range(ORDERS_A_SECOND):
            await exchange.create_order(MARKET, "limit", "buy", 1, 90)
        with pytest.raises(ccxt.RateLimitExceeded, match="10006"):
            await exchange.create_order(MARKET, "limit", "buy", 1, 90)
        assert slow.faults.requests.violations() == 1


async def test_an_order_that_was_never_there(fresh: Any) -> None:
    with pytest.raises(ccxt.OrderNotFound):
        await fresh.fetch_closed_order("1", MARKET)
