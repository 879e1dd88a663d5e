"""What real ccxt raises for each way in which Binance, or the way to it, says no."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import ccxt
import pytest
import pytest_asyncio

from producers.simulator.binance import routes
from producers.simulator.binance.weights import WEIGHTS
from tests.integration.producers.simulator.exchange_factory import Served, binance, serving
from tests.unit.producers.simulator.exchange.tiny_world import TinyWorld

pytestmark = pytest.mark.asyncio(loop_scope="module")
MARKET = "BTC/USDT"
OVERLOADED = '{"code":-1008,"msg":"Server is currently overloaded with other requests."}'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    async with serving("binance", routes, world=TinyWorld()) as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(served: Served) -> AsyncIterator[Any]:
    async with binance(served) as one:
        await one.load_markets()
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def fresh(served: Served) -> AsyncIterator[Any]:
    """Return a client that a test may change."""
    async with binance(served) as one:
        await one.load_markets()
        yield one


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
    served: Served, exchange: Any, status: int, text: str, kind: str, error: type
) -> None:
    served.can(status, text, kind)
    with pytest.raises(error) as caught:
        await exchange.fetch_ticker(MARKET)
    assert type(caught.value) is error
    assert isinstance(caught.value, ccxt.NetworkError)


async def test_overload_is_not_retryable_at_a_local_address_until_the_spot_table_is_merged(
    served: Served, fresh: Any
) -> None:
    served.can(503, OVERLOADED)
    with pytest.raises(ccxt.ExchangeError) as caught:
        await fresh.fetch_ticker(MARKET)
    assert type(caught.value) is ccxt.ExchangeError
    for kind in ("exact", "broad"):
        spot = fresh.exceptions["spot"].get(kind, {})
        fresh.exceptions[kind] = {**fresh.exceptions[kind], **spot}
    served.can(503, OVERLOADED)
    with pytest.raises(ccxt.OperationFailed):
        await fresh.fetch_ticker(MARKET)


async def test_an_answer_that_is_not_json_raises_nothing(served: Served, exchange: Any) -> None:
    served.can(200, "not json", "text/html")
    assert (await exchange.fetch_ticker(MARKET))["last"] is None


async def test_scripted_faults(served: Served, fresh: Any) -> None:
    served.script(kind="limit", times=1, retry_after_s=7)
    with pytest.raises(ccxt.DDoSProtection):
        await fresh.fetch_ticker(MARKET)
    assert fresh.last_response_headers["Retry-After"] == "7"
    served.script(kind="unplugged", times=2)  # a kept connection is tried twice
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await fresh.fetch_ticker(MARKET)
    served.script(kind="silence", times=1)
    fresh.timeout = 300
    with pytest.raises(ccxt.RequestTimeout):
        await fresh.fetch_ticker(MARKET)
    served.script(kind="stale", times=2)
    fresh.timeout = 10_000
    first = await fresh.fetch_ticker(MARKET)
    assert (await fresh.fetch_ticker(MARKET))["timestamp"] == first["timestamp"]


async def test_too_much_weight_is_429_and_then_a_ban() -> None:
    async with serving("binance", routes, world=TinyWorld()) as strict, binance(strict) as exchange:
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
        assert strict.faults.ledger.violations() == 52


async def test_nobody_there(served: Served) -> None:
    async with serving("binance", routes, world=TinyWorld()) as gone:
        client = binance(gone)
        exchange = await client.__aenter__()
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await exchange.fetch_ticker(MARKET)
    await client.__aexit__(None, None, None)


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


async def test_a_request_without_a_key(served: Served, exchange: Any) -> None:
    with pytest.raises(ccxt.AuthenticationError, match="-2014"):
        await exchange.fetch2("account", ["public"], "GET")


@pytest.mark.parametrize("off_ms", [11_000, -2_000], ids=["too late", "too early"])
async def test_a_timestamp_outside_of_the_window(fresh: Any, off_ms: int) -> None:
    fresh.options["timeDifference"] = off_ms
    with pytest.raises(ccxt.InvalidNonce, match="-1021"):
        await fresh.fetch_balance()


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
    exchange: Any, path: str, query: dict[str, str], error: type, code: str
) -> None:
    with pytest.raises(error, match=code):
        await exchange.fetch2(path, ["public"], "GET", query)


async def test_orders_that_are_not_there(exchange: Any) -> None:
    with pytest.raises(ccxt.OrderNotFound, match="-2013"):
        await exchange.fetch_order("1", MARKET)
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        await exchange.cancel_order("1", MARKET)


async def test_funds_and_duplicates(exchange: Any) -> None:
    with pytest.raises(ccxt.InsufficientFunds):
        await exchange.create_order(MARKET, "limit", "buy", 5_000, 99)
    await exchange.create_order(MARKET, "limit", "buy", 1, 90, {"clientOrderId": "twice"})
    with pytest.raises(ccxt.InvalidOrder, match="Duplicate order sent"):
        await exchange.create_order(MARKET, "limit", "buy", 1, 90, {"clientOrderId": "twice"})


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
    exchange: Any, fields: dict[str, str], error: type, text: str
) -> None:
    with pytest.raises(error, match=text):
        await exchange.private_post_order(_order(**fields))


async def test_an_amount_below_the_smallest_is_refused_before_it_is_sent(
    served: Served, exchange: Any
) -> None:
    asked = len(served.requests)
    with pytest.raises(ccxt.InvalidOrder):
        await exchange.create_order(MARKET, "market", "buy", 0.000001)
    assert len(served.requests) == asked
