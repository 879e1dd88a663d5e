"""What real ccxt raises for each way in which Bybit, or the way to it, says no."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import ccxt
import pytest
import pytest_asyncio

from producers.clock import WallClock, scaled
from producers.simulator.bybit import routes
from producers.simulator.bybit.limits import ORDERS_A_SECOND
from tests.integration.producers.simulator.exchange_factory import Served, bybit, serving
from tests.unit.producers.simulator.exchange.tiny_world import TinyWorld

pytestmark = pytest.mark.asyncio(loop_scope="module")
MARKET = "BTC/USDT"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    async with serving("bybit", routes, world=TinyWorld()) as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(served: Served) -> AsyncIterator[Any]:
    async with bybit(served) as one:
        await one.load_markets()
        await one.fetch_balance()
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def fresh(served: Served) -> AsyncIterator[Any]:
    """Return a client that a test may change."""
    async with bybit(served) as one:
        await one.load_markets()
        yield one


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
async def test_answers(served: Served, exchange: Any, status: int, text: str, error: type) -> None:
    served.can(status, text, "application/json" if text.startswith("{") else "text/plain")
    with pytest.raises(error) as caught:
        await exchange.fetch_ticker(MARKET)
    assert type(caught.value) is error


async def test_an_answer_that_is_not_json_raises_nothing(served: Served, exchange: Any) -> None:
    served.can(200, "notjson", "text/html")
    assert (await exchange.fetch_ticker(MARKET))["last"] is None


async def test_scripted_faults(served: Served, fresh: Any) -> None:
    served.script(kind="limit", times=1, retry_after_s=7)
    with pytest.raises(ccxt.RateLimitExceeded):
        await fresh.fetch_ticker(MARKET)
    assert fresh.last_response_headers["Retry-After"] == "7"
    served.script(kind="silence", times=1)
    fresh.timeout = 300
    with pytest.raises(ccxt.RequestTimeout):
        await fresh.fetch_ticker(MARKET)


async def test_keys_and_signatures(fresh: Any) -> None:
    await fresh.fetch_balance()
    fresh.secret = "wrong"
    with pytest.raises(ccxt.AuthenticationError, match="10004"):
        await fresh.fetch_balance()
    fresh.apiKey, fresh.secret = "wrong", "testsecret"
    with pytest.raises(ccxt.AuthenticationError, match="10003"):
        await fresh.fetch_balance()


@pytest.mark.parametrize("off_ms", [6_000, -2_000], ids=["too late", "too early"])
async def test_a_timestamp_outside_of_the_window(fresh: Any, off_ms: int) -> None:
    fresh.options["timeDifference"] = off_ms
    with pytest.raises(ccxt.InvalidNonce, match="10002"):
        await fresh.fetch_balance()


async def test_too_many_orders_in_a_second() -> None:
    # The clock stands nearly still, so that no second ends while the orders come.
    clock = scaled(WallClock().now_ms(), 0.01)
    async with serving("bybit", routes, clock, TinyWorld()) as slow, bybit(slow) as exchange:
        exchange.milliseconds = clock.now_ms
        await exchange.load_markets()
        for _ in range(ORDERS_A_SECOND):
            await exchange.create_order(MARKET, "limit", "buy", 1, 90)
        with pytest.raises(ccxt.RateLimitExceeded, match="10006"):
            await exchange.create_order(MARKET, "limit", "buy", 1, 90)
        assert slow.faults.ledger.violations() == 1


async def test_orders_that_are_not_there(exchange: Any) -> None:
    with pytest.raises(ccxt.OrderNotFound):
        await exchange.cancel_order("1", MARKET)
    with pytest.raises(ccxt.OrderNotFound):
        await exchange.fetch_closed_order("1", MARKET)


async def test_the_headers_say_what_is_left(exchange: Any) -> None:
    await exchange.create_order(MARKET, "limit", "buy", 1, 90)
    headers = exchange.last_response_headers
    assert headers["X-Bapi-Limit"] == "20"
    assert 0 <= int(headers["X-Bapi-Limit-Status"]) < 20


async def test_a_client_id_is_never_used_again(exchange: Any) -> None:
    mine = {"clientOrderId": "once"}
    named = await exchange.create_order(MARKET, "limit", "buy", 1, 90, mine)
    await exchange.cancel_order(named["id"], MARKET)
    with pytest.raises(ccxt.InvalidOrder, match="170141"):
        await exchange.create_order(MARKET, "limit", "buy", 1, 90, mine)


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
    exchange: Any, fields: dict[str, Any], error: type, code: str
) -> None:
    with pytest.raises(error, match=code):
        await exchange.private_post_v5_order_create(_order(**fields))


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"symbol": "NOPEUSDT", "interval": "60"}, id="no market"),
        pytest.param({"symbol": "BTCUSDT", "interval": "7"}, id="no interval"),
        pytest.param({"symbol": "BTCUSDT", "interval": "60", "limit": "x"}, id="no number"),
    ],
)
async def test_bad_requests(exchange: Any, query: dict[str, str]) -> None:
    with pytest.raises(ccxt.BadRequest, match="10001"):
        await exchange.public_get_v5_market_kline({"category": "spot", **query})
