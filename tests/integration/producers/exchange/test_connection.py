"""Real ccxt against the stand-ins: markets, manners, and every way an answer can go wrong."""

from __future__ import annotations

import asyncio
import time

import pytest

from producers.exchange.connection import Connection, open_exchange
from producers.http_client.errors import UpstreamError
from producers.http_client.quota import Quota
from producers.http_client.upstream import Limits
from producers.settings import SourceSettings
from tests.integration.producers.exchange.harness import (
    ASSETS,
    HOUR_MS,
    START_MS,
    Exchange,
    Prices,
    answering,
    clock_at,
    fetched,
    serving,
    until,
)
from transport.clock import WallClock


async def test_markets_are_spot_and_without_the_exchanges_own_words(exchange: Exchange) -> None:
    settings = SourceSettings(exchange=exchange.name, exchange_url=exchange.url)
    connection = await open_exchange(exchange.name, settings, exchange.clock)
    try:
        markets = await connection.markets()
    finally:
        await connection.close()
    assert sorted(markets) == [f"{asset}/USDT" for asset in ASSETS]
    assert all(market["spot"] and market["active"] for market in markets.values())
    assert not any(market["info"] for market in markets.values())


async def test_candles_and_books_are_those_of_the_exchange(
    exchange: Exchange, connection: Connection
) -> None:
    since = START_MS // HOUR_MS * HOUR_MS - 3 * HOUR_MS
    rows = await connection.candles("BTC/USDT", "1h", since, 5)
    now_ms = exchange.clock.now_ms()
    expected = [exchange.prices.kline("BTC", "1h", row[0], now_ms) for row in rows]
    assert [row[:5] for row in rows[:3]] == [list(kline[:5]) for kline in expected[:3]]
    assert [row[0] for row in rows] == [since + hour * HOUR_MS for hour in range(4)]
    book = await connection.book("ETH/USDT", 20)
    assert len(book["bids"]) == len(book["asks"]) == 20
    assert book["bids"][0][0] < book["asks"][0][0]


async def test_an_unknown_market_is_not_asked_for(
    exchange: Exchange, connection: Connection
) -> None:
    before = exchange.requests()
    with pytest.raises(UpstreamError) as error:
        await connection.candles("NOPE/USDT", "1h", None, 5)
    assert error.value.kind == "not_found"
    assert exchange.requests() == before


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        pytest.param("status", {"status": 500}, id="500"),
        pytest.param("status", {"status": 503}, id="503 in the exchange's own words"),
        pytest.param("html", {"status": 502}, id="HTML with 502"),
        pytest.param("html", {"status": 200}, id="HTML with 200"),
        pytest.param("half_body", {}, id="half a body"),
        pytest.param("broken_json", {}, id="JSON that ends early"),
        pytest.param("reset", {}, id="reset"),
        pytest.param("limit", {"retry_after_s": 3}, id="429 for 3 s"),
        pytest.param("limit", {"retry_after_s": 0}, id="429 without a time"),
    ],
)
async def test_a_passing_failure_is_tried_again(
    exchange: Exchange, connection: Connection, fault: str, options: dict[str, object]
) -> None:
    exchange.fault(fault, times=2, **options)
    rows = await connection.candles("BTC/USDT", "1h", None, 3)
    assert len(rows) == 3
    assert connection.circuit == "closed"


@pytest.mark.parametrize(
    ("fault", "options", "kind"),
    [
        pytest.param("status", {"status": 502}, "server", id="502"),
        pytest.param("html", {"status": 200}, "not_json", id="HTML with 200"),
        pytest.param("broken_json", {}, "not_json", id="broken JSON"),
        pytest.param("unplugged", {}, "connection", id="unplugged"),
        pytest.param("status", {"status": 451}, "auth", id="not in this country"),
    ],
)
async def test_a_lasting_failure_has_its_kind_and_no_event(
    exchange: Exchange, connection: Connection, fault: str, options: dict[str, object], kind: str
) -> None:
    exchange.fault(fault, **options)
    with pytest.raises(UpstreamError) as error:
        await connection.book("BTC/USDT", 20)
    assert error.value.kind == kind
    assert exchange.url not in str(error.value)


async def test_an_exchange_that_says_how_long_is_left_alone_for_so_long(
    exchange: Exchange, connection: Connection
) -> None:
    exchange.fault("limit", retry_after_s=40, times=1)
    asked_ms = exchange.clock.now_ms()
    first = asyncio.create_task(connection.candles("BTC/USDT", "1h", None, 3))
    await until(lambda: connection.circuit == "open", "the refusal")
    others = [connection.candles("ETH/USDT", "1h", None, 3) for _ in range(5)]
    answers = await asyncio.gather(first, *others)
    assert [len(rows) for rows in answers] == [3] * 6
    good = [line for line in exchange.log() if line["status"] == 200 and "kline" in line["path"]]
    assert len(good) == 6
    assert min(line["at_ms"] for line in good) >= asked_ms + 40_000


async def test_a_ban_for_longer_is_told_at_once_and_nothing_is_asked(
    exchange: Exchange, connection: Connection
) -> None:
    number = exchange.fault("status", status=418, retry_after_s=7200, times=1)
    with pytest.raises(UpstreamError) as first:
        await connection.candles("BTC/USDT", "1h", None, 3)
    before = exchange.requests()
    with pytest.raises(UpstreamError) as second:
        await connection.book("BTC/USDT", 20)
    exchange.faults.remove(number)
    assert exchange.requests() == before
    assert (first.value.kind, second.value.kind) == ("limit", "limit")
    assert 7000 < (second.value.retry_after_s or 0) <= 7200
    assert connection.circuit == "open"


async def test_who_fails_too_often_is_left_alone_and_then_tried_once(
    exchange: Exchange, connection: Connection
) -> None:
    number = exchange.fault("status", status=500)
    kinds = []
    for _ in range(6):
        with pytest.raises(UpstreamError) as error:
            await connection.candles("BTC/USDT", "1h", None, 3)
        kinds.append(error.value.kind)
    assert kinds[-1] == "open_circuit"
    exchange.faults.remove(number)
    await exchange.clock.sleep(error.value.retry_after_s or 0.0)
    assert len(await connection.candles("BTC/USDT", "1h", None, 3)) == 3
    assert connection.circuit == "closed"


async def test_every_request_counts_in_the_quota(exchange: Exchange) -> None:
    quota = Quota(Limits(per_minute=10_000), exchange.clock, upstream=exchange.name)
    connection = exchange.connect(quota=quota)
    try:
        await connection.markets()
        await connection.candles("BTC/USDT", "1h", None, 3)
        await connection.book("BTC/USDT", 20)
    finally:
        await connection.close()
    assert quota.used_day() == exchange.requests() == 3


async def test_the_rate_limiter_is_ccxts_own_at_the_clocks_speed(name: str) -> None:
    wall = Connection(name, WallClock())
    fast = Connection(name, clock_at(START_MS, 600.0), url="http://127.0.0.1:1")
    real = await open_exchange(name, SourceSettings(exchange=name), clock_at(START_MS, 600.0))
    try:
        rates = [one._rest.throttler.config["refillRate"] for one in (wall, fast, real)]
    finally:
        for one in (wall, fast, real):
            await one.close()
    assert rates[1] == pytest.approx(600.0 * rates[0])
    assert rates[2] == rates[0]  # no rehearsal stretches the real exchange's limits


async def test_a_watcher_shares_the_rate_limiter(connection: Connection) -> None:
    watcher = connection.watcher()
    try:
        await watcher.fetch_order_book("BTC/USDT")
        assert watcher.throttler is connection._rest.throttler
    finally:
        await watcher.close()


async def test_who_no_longer_waits_for_the_markets_does_not_hold_up_the_end(
    exchange: Exchange,
) -> None:
    exchange.fault("silence")
    connection = exchange.connect()
    asked = asyncio.create_task(connection.markets())
    await until(lambda: bool(exchange.faults.requests.report()["upstreams"]), "the request")
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    await connection.close()
    await asyncio.wait_for(asyncio.get_running_loop().shutdown_default_executor(), 3)


async def test_the_event_loop_goes_on_while_two_thousand_markets_are_parsed() -> None:
    symbols = [f"COIN{number}" for number in range(2_000)]
    async with serving("binance", WallClock(), Prices(symbols)) as exchange:
        body = await fetched(f"{exchange.url}/api/v3/exchangeInfo")
    longest, last = 0.0, time.perf_counter()

    async def beat() -> None:
        nonlocal longest, last
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now

    # The answer is there already: what its server does in this process is not ours to count.
    async with answering({"exchangeInfo": body}) as url:
        connection = Connection("binance", WallClock(), url=url)
        beating = asyncio.create_task(beat())
        began = last = time.perf_counter()
        markets = await connection.markets()
        took = time.perf_counter() - began
        beating.cancel()
        await connection.close()
    assert len(markets) == 2_000
    assert longest < took / 2, f"stood still for {longest:.3f} s of {took:.3f} s"
