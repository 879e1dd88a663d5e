"""Exchanges of ccxt beside the two with websockets: Kraken and OKX, real ccxt against stand-ins."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from producers.exchange.backfill import backfill
from producers.exchange.candle_tracker import CandleTracker
from producers.exchange.connection import Connection
from producers.http_client.errors import UpstreamError
from tests.integration.producers.exchange.harness import (
    HOUR_MS,
    START_MS,
    Exchange,
    Prices,
    Published,
    answering,
    clock_at,
    connected,
    serving,
    wrong,
)
from transport.clock import WallClock

ASSETS = ("BTC", "ETH", "DOGE", "SOL", *(f"C{number}" for number in range(12)))
"""More than Kraken's stand-in trades in USDT: BTC and DOGE are XBT and XDG there."""


@pytest.fixture(params=("kraken", "okx"))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def exchange(name: str) -> AsyncIterator[Exchange]:
    async with serving(name, clock_at(START_MS, 60.0), Prices(ASSETS)) as served:
        yield served


@pytest.fixture
async def connection(exchange: Exchange) -> AsyncIterator[Connection]:
    async with connected(exchange) as one:
        yield one


async def test_markets_have_our_names(exchange: Exchange) -> None:
    connection = exchange.connect()
    try:
        markets = await connection.markets()
    finally:
        await connection.close()
    assert {"BTC/USDT", "DOGE/USDT"} <= set(markets)
    assert ("C11/USD" if exchange.name == "kraken" else "C11/USDT") in markets
    assert all(market["spot"] and market["active"] for market in markets.values())


async def test_candles_books_and_prices_are_those_of_the_exchange(
    exchange: Exchange, connection: Connection
) -> None:
    since = START_MS // HOUR_MS * HOUR_MS - 3 * HOUR_MS
    rows = await connection.candles("BTC/USDT", "1h", since, 5)
    now_ms = exchange.clock.now_ms()
    expected = [exchange.prices.kline("BTC", "1h", row[0], now_ms) for row in rows]
    assert [row[0] for row in rows] == [since + hour * HOUR_MS for hour in range(4)]
    assert [row[:6] for row in rows[:3]] == [list(kline[:6]) for kline in expected[:3]]
    book = await connection.book("DOGE/USDT", 20)
    assert len(book["bids"]) == len(book["asks"]) == 20
    assert book["bids"][0][0] < book["asks"][0][0]
    traded = await connection.traded(["BTC/USDT", "ETH/USDT"])
    assert traded["ETH/USDT"].price == pytest.approx(exchange.prices.price("ETH", now_ms), rel=0.05)
    assert traded["BTC/USDT"].volume == pytest.approx(1000.0 * traded["BTC/USDT"].price, rel=0.05)


async def test_a_back_fill_is_whole_and_right(exchange: Exchange, connection: Connection) -> None:
    tracker = CandleTracker(exchange.name, {"BTC": "BTC/USDT", "ETH": "ETH/USDT"})
    published = Published()
    await backfill(connection, tracker, published)
    for asset in ("BTC", "ETH"):
        for timeframe in ("1h", "4h", "1d"):
            assert len(published.times(asset, timeframe)) == 300, (asset, timeframe)
    assert not published.doubled()
    assert not wrong(published, exchange.prices)
    assert not tracker.holes()


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        pytest.param("status", {"status": 502}, id="502"),
        pytest.param("html", {"status": 200}, id="HTML with 200"),
        pytest.param("half_body", {}, id="half a body"),
        pytest.param("broken_json", {}, id="JSON that ends early"),
        pytest.param("reset", {}, id="reset"),
        pytest.param("limit", {"retry_after_s": 3}, id="429 for 3 s"),
    ],
)
async def test_a_passing_failure_is_tried_again(
    exchange: Exchange, connection: Connection, fault: str, options: dict[str, object]
) -> None:
    exchange.fault(fault, times=2, **options)
    assert len(await connection.candles("BTC/USDT", "1h", None, 3)) >= 3
    assert connection.circuit == "closed"


@pytest.mark.parametrize(
    ("fault", "options", "kind"),
    [
        pytest.param("status", {"status": 451}, "auth", id="not in this country"),
        pytest.param("unplugged", {}, "connection", id="unplugged"),
        pytest.param("html", {"status": 403}, "limit", id="a page of Cloudflare's"),
    ],
)
async def test_a_lasting_failure_has_its_kind(
    exchange: Exchange, connection: Connection, fault: str, options: dict[str, object], kind: str
) -> None:
    exchange.fault(fault, **options)
    with pytest.raises(UpstreamError) as error:
        await connection.book("BTC/USDT", 20)
    assert error.value.kind == kind
    assert exchange.url not in str(error.value)


async def test_an_unknown_market_is_not_asked_for(
    exchange: Exchange, connection: Connection
) -> None:
    before = exchange.requests()
    with pytest.raises(UpstreamError) as error:
        await connection.candles("NOPE/USDT", "1h", None, 5)
    assert error.value.kind == "not_found"
    assert exchange.requests() == before


@pytest.mark.parametrize(
    ("name", "says"),
    [
        pytest.param("binanse", "is binance meant?", id="a slip"),
        pytest.param("mtgox", "which ccxt does not know", id="gone"),
    ],
)
def test_a_name_that_ccxt_does_not_know_is_refused(name: str, says: str) -> None:
    with pytest.raises(ValueError, match="QUANTIVA_EXCHANGES") as error:
        Connection(name, WallClock())
    assert says in str(error.value)


async def test_a_book_of_other_levels_than_asked_for_is_taken_where_there_is_no_choice() -> None:
    """Real ccxt's htx takes 5, 10, 20 or 150 levels only, and says so before it asks."""
    tick = {"bids": [[10.0, 1.0], [9.0, 2.0]], "asks": [[11.0, 1.0]], "ts": START_MS}
    body = json.dumps({"status": "ok", "ch": "x", "ts": START_MS, "tick": tick}).encode()
    async with answering({"/market/depth": body}) as url:
        connection = Connection("htx", WallClock(), url=url)
        market = {"id": "btcusdt", "symbol": "BTC/USDT", "base": "BTC", "quote": "USDT"}
        spot = {**market, "type": "spot", "spot": True, "active": True, "contract": False}
        connection._rest.set_markets([spot])
        try:
            for _ in range(2):
                book = await connection.book("BTC/USDT", 50)
                assert book["bids"] == [[10.0, 1.0], [9.0, 2.0]]
        finally:
            await connection.close()


def test_one_that_lacks_a_timeframe_is_refused_and_says_which() -> None:
    with pytest.raises(ValueError, match="coinbase, which has no candles of 4h in ccxt"):
        Connection("coinbase", WallClock())


@pytest.mark.parametrize("name", ["kucoin", "gate", "bitget", "mexc", "htx", "cryptocom"])
async def test_other_exchanges_of_ccxt_can_be_named(name: str) -> None:
    connection = Connection(name, WallClock())
    assert not connection.has_sockets
    await connection.close()
