"""What real ccxt raises for the ways in which Binance alone says no."""

from __future__ import annotations

from typing import Any

import ccxt
import pytest

from simulator.binance.weights import WEIGHTS
from tests.integration.simulator.exchange.harness import MARKET, Served, client, serving
from tests.unit.simulator.exchange.tiny_world import TinyWorld

pytestmark = pytest.mark.asyncio(loop_scope="module")
OVERLOADED = '{"code":-1008,"msg":"Server is currently overloaded with other requests."}'


@pytest.fixture(scope="module")
def name() -> str:
    return "binance"


@pytest.mark.parametrize(
    ("status", "text", "kind", "error"),
    [
        (500, "internal", "text/plain", ccxt.ExchangeNotAvailable),
        (502, "<html>bad gateway</html>", "text/html", ccxt.ExchangeNotAvailable),
        (403, "<html>WAF</html>", "text/html", ccxt.ExchangeNotAvailable),
        (
            451,
            '{"code":0,"msg":"restricted location"}',
            "application/json",
            ccxt.ExchangeNotAvailable,
        ),
        (504, "", "text/plain", ccxt.RequestTimeout),
    ],
)
async def test_statuses(
    tiny: Served, fresh: Any, status: int, text: str, kind: str, error: type
) -> None:
    tiny.can(status, text, kind)
    with pytest.raises(error) as caught:
        await fresh.fetch_ticker(MARKET)
    assert type(caught.value) is error
    assert isinstance(caught.value, ccxt.NetworkError)


async def test_overload_is_not_retryable_at_a_local_address_until_the_spot_table_is_merged(
    tiny: Served, fresh: Any
) -> None:
    tiny.can(503, OVERLOADED)
    with pytest.raises(ccxt.ExchangeError) as caught:
        await fresh.fetch_ticker(MARKET)
    assert type(caught.value) is ccxt.ExchangeError
    for kind in ("exact", "broad"):
        spot = fresh.exceptions["spot"].get(kind, {})
        fresh.exceptions[kind] = {**fresh.exceptions[kind], **spot}
    tiny.can(503, OVERLOADED)
    with pytest.raises(ccxt.OperationFailed):
        await fresh.fetch_ticker(MARKET)


async def test_keys_and_signatures(fresh: Any) -> None:
    fresh.apiKey = "wrong"
    with pytest.raises(ccxt.AuthenticationError, match="-2015"):
        await fresh.fetch_balance()
    fresh.apiKey, fresh.secret = "testkey", "wrong"
    with pytest.raises(ccxt.AuthenticationError, match="-1022"):
        await fresh.fetch_balance()
    fresh.secret = "testsecret"
    await fresh.fetch_balance()
    fresh.apiKey = "wrong"
    with pytest.raises(ccxt.DDoSProtection, match="-2015"):  # after a success: as if throttled
        await fresh.fetch_balance()


async def test_a_request_without_a_key(tiny: Served, fresh: Any) -> None:
    with pytest.raises(ccxt.AuthenticationError, match="-2014"):
        await fresh.fetch2("account", ["public"], "GET")


@pytest.mark.parametrize(
    ("path", "query", "error", "code"),
    [
        ("ticker/24hr", {"symbol": "NOPEUSDT"}, ccxt.BadSymbol, "-1121"),
        ("klines", {"symbol": "BTCUSDT", "interval": "7h"}, ccxt.BadRequest, "-1120"),
        ("klines", {"interval": "1h"}, ccxt.BadRequest, "-1102"),
        ("depth", {"symbol": "BTCUSDT", "limit": "x"}, ccxt.BadRequest, "-1100"),
    ],
)
async def test_bad_requests(
    fresh: Any, path: str, query: dict[str, str], error: type, code: str
) -> None:
    with pytest.raises(error, match=code):
        await fresh.fetch2(path, ["public"], "GET", query)


def _order(**fields: str) -> dict[str, str]:
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    return {**order, "quantity": "1", "price": "99", **fields}


@pytest.mark.parametrize(
    ("fields", "error", "text"),
    [
        pytest.param({"quantity": "0.01"}, ccxt.BadRequest, "NOTIONAL", id="worth too little"),
        pytest.param({"quantity": "1.00001"}, ccxt.InvalidOrder, "LOT_SIZE", id="off the step"),
        pytest.param({"price": "99.01"}, ccxt.InvalidOrder, "PRICE_FILTER", id="off the tick"),
        pytest.param({"price": "1000"}, ccxt.InvalidOrder, "PERCENT_PRICE", id="far off"),
        pytest.param({"quantity": "1.000000001"}, ccxt.BadRequest, "-1111", id="too precise"),
        pytest.param({"quantity": "x"}, ccxt.BadRequest, "-1100", id="no number"),
        pytest.param({"price": ""}, ccxt.BadRequest, "-1102", id="no price"),
        pytest.param({"type": "STOP_LOSS"}, ccxt.BadRequest, "-1116", id="unknown type"),
        pytest.param({"side": "HOLD"}, ccxt.BadRequest, "-1117", id="unknown side"),
        pytest.param({"timeInForce": "GTX"}, ccxt.BadRequest, "-1115", id="unknown lifetime"),
    ],
)
async def test_orders_that_break_a_rule(
    fresh: Any, fields: dict[str, str], error: type, text: str
) -> None:
    with pytest.raises(error, match=text):
        await fresh.private_post_order(_order(**fields))


async def test_too_much_weight_is_429_and_then_a_ban() -> None:
    async with serving("binance", world=TinyWorld()) as strict, client(strict) as exchange:
        await exchange.load_markets()
        strict.exchange[WEIGHTS].minute.most = 0
        with pytest.raises(ccxt.DDoSProtection, match="429"):
            await exchange.fetch_ticker(MARKET)
        assert int(exchange.last_response_headers["Retry-After"]) <= 60
        for _ in range(50):
            with pytest.raises(ccxt.DDoSProtection):
                await exchange.fetch_ticker(MARKET)
        with pytest.raises(ccxt.DDoSProtection, match="418"):
            await exchange.fetch_ticker(MARKET)
        assert int(exchange.last_response_headers["Retry-After"]) > 60
        assert strict.faults.requests.violations() == 52


async def test_an_order_that_was_never_there(fresh: Any) -> None:
    with pytest.raises(ccxt.OrderNotFound, match="-2013"):
        await fresh.fetch_order("1", MARKET)


async def test_a_client_id_of_an_open_order_is_not_used_again(fresh: Any) -> None:
    mine = {"clientOrderId": "twice"}
    await fresh.create_order(MARKET, "limit", "buy", 1, 90, mine)
    with pytest.raises(ccxt.InvalidOrder, match="Duplicate order sent"):
        await fresh.create_order(MARKET, "limit", "buy", 1, 90, mine)
