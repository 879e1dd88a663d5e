"""Live candles against the stand-ins: each closed one once, and final, whatever happens."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from producers.exchange.backfill import backfill
from producers.exchange.candle_tracker import TIMEFRAMES, CandleTracker
from producers.exchange.candles import CandleFeed
from producers.exchange.parsing import UNFOLLOWED_MS
from producers.exchange.series import SETTLE_MS
from producers.exchange.streams import CandleStream
from schemas.validation import TIMEFRAME_MS, problem
from simulator.shapes import Kline
from tests.integration.producers.exchange.harness import (
    ASSETS,
    HOUR_MS,
    START_MS,
    Exchange,
    Prices,
    Published,
    clock_at,
    connected,
    markets,
    running,
    serving,
    until,
    wrong,
)
from transport.clock import Clock

NOON = START_MS // HOUR_MS * HOUR_MS + HOUR_MS  # an hour and four close


@asynccontextmanager
async def feeding(
    exchange: Exchange, tracker: CandleTracker, published: Published, *, websocket: bool = True
) -> AsyncIterator[CandleFeed]:
    async with connected(exchange) as connection:
        await backfill(connection, tracker, published)
        stream = CandleStream(connection, silence_s=0.5) if websocket else None
        feed = CandleFeed(connection, tracker, published, websocket=websocket, stream=stream)
        async with running(feed.run()):
            yield feed


def ledger_of(exchange: Exchange, published: Published | None = None) -> CandleTracker:
    known: dict[tuple[str, str], list[int]] = defaultdict(list)
    for candle in [] if published is None else published.closed:
        known[candle.asset, candle.timeframe].append(candle.open_time)
    return CandleTracker(exchange.name, markets(ASSETS), known=known, count=20)


async def reached(clock: Clock, now_ms: int) -> None:
    await until(lambda: clock.now_ms() >= now_ms, "the time")


def has_closed(published: Published, timeframe: str, open_time: int) -> bool:
    return all(open_time in published.times(asset, timeframe) for asset in ASSETS)


def check_whole(published: Published, prices: Prices) -> None:
    """Check that every series is gapless, in the order of time, once, and final."""
    for asset in ASSETS:
        for timeframe in TIMEFRAMES:
            times = published.times(asset, timeframe)
            assert times == list(range(times[0], times[-1] + 1, TIMEFRAME_MS[timeframe]))
    assert published.doubled() == []
    assert wrong(published, prices) == []
    assert all(problem(candle) is None for candle in published.candles)


async def test_a_candle_is_published_when_it_closes(name: str) -> None:
    published = Published()
    async with serving(name, clock_at(NOON - 60_000, 60.0), Prices(ASSETS)) as exchange:
        async with feeding(exchange, ledger_of(exchange), published):
            await until(lambda: has_closed(published, "1h", NOON - HOUR_MS), "the hour's candles")
            await until(lambda: has_closed(published, "4h", NOON - 4 * HOUR_MS), "the 4h ones")
        check_whole(published, exchange.prices)
    new = [candle for candle in published.closed if candle.close_time == NOON]
    assert len(new) == 2 * len(ASSETS)
    assert all(candle.observed_at >= NOON + SETTLE_MS for candle in new)


async def test_it_waits_until_the_exchange_shows_that_a_candle_is_final(name: str) -> None:
    published = Published()
    async with serving(name, clock_at(NOON - 30_000, 30.0), Prices(ASSETS)) as exchange:
        exchange.prices.hidden = NOON  # it is behind: the next candle does not begin
        async with feeding(exchange, ledger_of(exchange), published):
            await reached(exchange.clock, NOON + 20_000)
            shown_ms = exchange.clock.now_ms()
            exchange.prices.hidden = None
            await until(lambda: has_closed(published, "1h", NOON - HOUR_MS), "the hour's candles")
        check_whole(published, exchange.prices)
    new = [candle for candle in published.closed if candle.close_time == NOON]
    assert all(one.observed_at >= min(shown_ms, NOON + UNFOLLOWED_MS) for one in new)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("binance", "ws_dies"),
        ("binance", "ws_skips"),
        ("bybit", "ws_silent"),
        ("bybit", "ws_refuses"),
    ],
)
async def test_the_websocket_may_fail_as_it_likes(name: str, fault: str) -> None:
    published = Published()
    async with serving(name, clock_at(NOON - 600_000, 3_600.0), Prices(ASSETS)) as exchange:
        exchange.fault(fault, every=2 if fault == "ws_skips" else 1)
        async with feeding(exchange, ledger_of(exchange), published):
            await until(lambda: has_closed(published, "1h", NOON), "candles of two hours")
        check_whole(published, exchange.prices)
        opens = {candle.source_id for candle in published.candles if not candle.closed}
    assert len(opens) >= len(ASSETS)  # by REST


async def test_a_websocket_that_died_comes_back(name: str) -> None:
    async with (
        serving(name, clock_at(NOON - 600_000, 60.0), Prices(ASSETS)) as exchange,
        connected(exchange) as connection,
    ):
        stream = CandleStream(connection)
        stream.follow([("BTC/USDT", "1h")])
        async with running(stream.run()):
            await until(lambda: stream.fresh(("BTC/USDT", "1h"), HOUR_MS) is not None, "a candle")
            exchange.fault("ws_dies", times=1)
            await until(lambda: stream.lives == 2, "a second life")
            await until(lambda: stream.fresh(("BTC/USDT", "1h"), HOUR_MS) is not None, "a candle")
            stream.follow([("ETH/USDT", "1h")])
            await until(lambda: stream.fresh(("ETH/USDT", "1h"), HOUR_MS) is not None, "another")
            assert stream.lives == 2  # no new socket for a new subscription


async def test_what_a_silent_websocket_said_last_is_not_fresh() -> None:
    pair = ("BTC/USDT", "1h")
    async with (
        serving("bybit", clock_at(NOON, 60.0), Prices(ASSETS)) as exchange,
        connected(exchange) as connection,
    ):
        stream = CandleStream(connection)
        stream.follow([pair])
        async with running(stream.run()):
            await until(lambda: stream.fresh(pair, 120_000) is not None, "a candle")
            exchange.fault("ws_silent")
            await reached(exchange.clock, exchange.clock.now_ms() + 130_000)
            assert stream.fresh(pair, 120_000) is None
            assert stream.fresh(pair, HOUR_MS) is not None


async def test_the_gap_of_a_downtime_is_filled(name: str) -> None:
    published = Published()
    async with serving(name, clock_at(NOON - 600_000, 3_600.0), Prices(ASSETS)) as exchange:
        async with feeding(exchange, ledger_of(exchange), published):
            await until(lambda: has_closed(published, "1h", NOON - HOUR_MS), "the hour's candles")
        await reached(exchange.clock, NOON + 2 * HOUR_MS)
        async with feeding(exchange, ledger_of(exchange, published), published):
            last = NOON + HOUR_MS
            await until(lambda: has_closed(published, "1h", last), "candles of the downtime")
        check_whole(published, exchange.prices)


async def test_the_gap_of_an_exchange_that_was_away_is_filled(name: str) -> None:
    published = Published()
    async with serving(name, clock_at(NOON - 600_000, 1_200.0), Prices(ASSETS)) as exchange:
        async with feeding(exchange, ledger_of(exchange), published):
            number = exchange.faults.unplug(exchange.name)
            open_time = exchange.clock.now_ms() // HOUR_MS * HOUR_MS
            await reached(exchange.clock, open_time + HOUR_MS + 600_000)
            assert not has_closed(published, "1h", open_time)
            exchange.faults.remove(number)
            await until(lambda: has_closed(published, "1h", open_time), "the missed candles")
        check_whole(published, exchange.prices)


async def test_a_broker_that_was_away_costs_no_candle(name: str) -> None:
    published = Published()
    async with serving(name, clock_at(NOON - 60_000, 240.0), Prices(ASSETS)) as exchange:
        async with feeding(exchange, ledger_of(exchange), published):
            published.refuse = 8
            await until(lambda: has_closed(published, "1h", NOON - HOUR_MS), "the hour's candles")
            await until(lambda: has_closed(published, "4h", NOON - 4 * HOUR_MS), "the 4h ones")
        check_whole(published, exchange.prices)


class Quiet(Prices):
    """A market without trades: no candle changes while it is open."""

    def kline(self, symbol: str, timeframe: str, open_time: int, now_ms: int) -> Kline:
        final = super().kline(symbol, timeframe, open_time, open_time + TIMEFRAME_MS[timeframe])
        return final._replace(closed=now_ms >= open_time + TIMEFRAME_MS[timeframe])


async def test_open_candles_of_a_broker_that_was_away_come_although_they_do_not_change(
    name: str,
) -> None:
    published = Published()
    async with (
        serving(name, clock_at(NOON + 30_000, 600.0), Quiet(ASSETS)) as exchange,
        feeding(exchange, ledger_of(exchange), published, websocket=False),
    ):
        published.refuse = 1

        def opens() -> list[tuple[str, str]]:
            # Of the hour under way: what comes later has changed.
            return sorted(
                (candle.asset, candle.timeframe)
                for candle in published.candles
                if not candle.closed and candle.observed_at < NOON + HOUR_MS
            )

        await reached(exchange.clock, NOON + HOUR_MS)
    assert opens() == sorted((asset, one) for asset in ASSETS for one in TIMEFRAMES)  # once each


@pytest.mark.parametrize(
    ("name", "websocket"),
    [
        pytest.param("binance", True, id="binance, websocket"),
        pytest.param("bybit", True, id="bybit, websocket"),
        pytest.param("bybit", False, id="bybit, REST"),
    ],
)
async def test_open_candles_are_marked_and_rare(name: str, websocket: bool) -> None:
    published = Published()
    async with (
        serving(name, clock_at(NOON + 30_000, 60.0), Prices(ASSETS)) as exchange,
        feeding(exchange, ledger_of(exchange), published, websocket=websocket),
    ):
        await reached(exchange.clock, NOON + 240_000)
        asked = exchange.requests("kline")
    opens = defaultdict(list)
    for candle in published.candles:
        if not candle.closed:
            opens[candle.asset, candle.timeframe].append(candle)
    assert sorted(opens) == sorted((asset, one) for asset in ASSETS for one in TIMEFRAMES)
    for (_, timeframe), candles in opens.items():
        pauses = [later.observed_at - one.observed_at for one, later in pairwise(candles)]
        assert all(pause >= TIMEFRAME_MS[timeframe] // 60 for pause in pauses)
        assert all(one.open_time <= one.observed_at < one.close_time for one in candles)
        assert len({(one.close, one.volume) for one in candles}) == len(candles)
    assert all(len(opens[asset, "1h"]) >= 2 for asset in ASSETS)
    series = len(ASSETS) * len(TIMEFRAMES)
    assert asked >= 2 * series or websocket  # back-filled, and then asked for


async def test_followed_markets_may_change(name: str) -> None:
    published = Published()
    async with serving(name, clock_at(NOON - 600_000, 240.0), Prices(ASSETS)) as exchange:
        tracker = CandleTracker(name, {"BTC": "BTC/USDT"}, count=20)
        async with feeding(exchange, tracker, published) as feed:
            feed.follow({"ETH": "ETH/USDT"})
            await until(lambda: len(published.times("ETH", "1h")) >= 20, "the new one's candles")
            await until(lambda: NOON - HOUR_MS in published.times("ETH", "1h"), "its next one")
            await reached(exchange.clock, NOON + 30_000)
            assert NOON - HOUR_MS not in published.times("BTC", "1h")
    assert published.doubled() == []
