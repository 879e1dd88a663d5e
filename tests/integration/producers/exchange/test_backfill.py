"""The back-fill against the stand-ins: complete, once, resumable, and patient with faults."""

from __future__ import annotations

import asyncio

from producers.exchange.backfill import Progress, backfill
from producers.exchange.candle_tracker import TIMEFRAMES, CandleTracker
from producers.exchange.connection import Connection
from schemas.validation import TIMEFRAME_MS, problem
from tests.integration.producers.exchange.harness import (
    ASSETS,
    START_MS,
    Exchange,
    Published,
    markets,
    wrong,
)

SERIES = len(ASSETS) * len(TIMEFRAMES)


def ledger_of(exchange: Exchange, published: Published | None = None) -> CandleTracker:
    """Return a ledger that knows what was published, as one does after a restart."""
    known: dict[tuple[str, str], list[int]] = {}
    for candle in [] if published is None else published.closed:
        known.setdefault((candle.asset, candle.timeframe), []).append(candle.open_time)
    return CandleTracker(exchange.name, markets(ASSETS), known=known)


async def test_three_hundred_closed_candles_of_each_series_once_and_final(
    exchange: Exchange, connection: Connection
) -> None:
    published, seen = Published(), list[Progress]()
    filled = await backfill(connection, ledger_of(exchange), published, on_progress=seen.append)
    assert filled.candles == len(published.closed) == len(published.candles) == SERIES * 300
    assert (filled.errors, filled.skipped) == ((), ())
    assert published.doubled() == []
    assert wrong(published, exchange.prices) == []
    assert all(problem(candle) is None for candle in published.candles)
    for asset in ASSETS:
        for timeframe in TIMEFRAMES:
            times = published.times(asset, timeframe)
            first = times[0]
            assert times == [first + at * TIMEFRAME_MS[timeframe] for at in range(300)]
    assert exchange.requests("kline") == SERIES
    assert seen[0] == Progress(0, SERIES, 0)
    assert seen[-1] == Progress(SERIES, SERIES, SERIES * 300)
    assert [one.done for one in seen] == sorted(one.done for one in seen)


async def test_it_goes_on_where_it_was_stopped(exchange: Exchange, connection: Connection) -> None:
    published = Published()
    first = asyncio.create_task(backfill(connection, ledger_of(exchange), published, concurrency=2))
    while len(published.closed) < 900:
        await asyncio.sleep(0.001)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    half = len(published.closed)
    assert 900 <= half < SERIES * 300
    seen: list[Progress] = []
    await backfill(connection, ledger_of(exchange, published), published, on_progress=seen.append)
    assert len(published.closed) == SERIES * 300
    assert published.doubled() == []
    assert seen[0].done == half // 300


async def test_nothing_missing_is_nothing_asked(exchange: Exchange, connection: Connection) -> None:
    published = Published()
    await backfill(connection, ledger_of(exchange), published)
    before = exchange.requests()
    seen: list[Progress] = []
    again = await backfill(
        connection, ledger_of(exchange, published), published, on_progress=seen.append
    )
    assert (again.candles, again.series) == (0, 0)
    assert exchange.requests() == before
    assert seen[-1].done == SERIES


async def test_after_a_downtime_only_what_was_missed_is_published(
    exchange: Exchange, connection: Connection
) -> None:
    published = Published()
    await backfill(connection, ledger_of(exchange), published)
    kept = Published(
        [one for one in published.closed if one.close_time < START_MS - 500 * 3_600_000]
    )
    missed = len(published.closed) - len(kept.closed)
    before = len(published.events)
    resumed = ledger_of(exchange, kept)
    await backfill(connection, resumed, published)
    assert len(published.events) - before >= missed
    assert resumed.missing(exchange.clock.now_ms()) == 0


async def test_holes_of_the_exchange_are_asked_for_twice_and_remembered(
    exchange: Exchange, connection: Connection
) -> None:
    hour = TIMEFRAME_MS["1h"]
    now_hour = START_MS // hour * hour
    holes = {now_hour - 20 * hour, now_hour - 21 * hour, now_hour - 200 * hour}
    exchange.prices.holes[("BTC", "1h")] = holes
    exchange.prices.born["SOL"] = START_MS - 100 * TIMEFRAME_MS["1d"]
    published, tracker = Published(), ledger_of(exchange)
    filled = await backfill(connection, tracker, published)
    assert published.doubled() == []
    assert published.times("BTC", "1h") == sorted(published.times("BTC", "1h"))
    assert len(published.times("BTC", "1h")) == 297
    assert len(published.times("SOL", "1d")) == 99
    assert set(tracker.holes()[("BTC", "1h")]) == holes
    assert filled.errors == ()
    assert exchange.requests("kline") == SERIES + 2  # the two with holes once more
    before = exchange.requests()
    await backfill(connection, tracker, published)
    await backfill(
        connection,
        CandleTracker(
            exchange.name,
            {"BTC": "BTC/USDT"},
            timeframes=("1h",),
            known={("BTC", "1h"): published.times("BTC", "1h")},
            holes=tracker.holes(),
        ),
        published,
    )
    assert exchange.requests() == before


async def test_faults_on_the_way_cost_time_and_no_candle(
    exchange: Exchange, connection: Connection
) -> None:
    exchange.fault("status", status=500, every=5, times=3)
    exchange.fault("html", status=200, every=4, times=2)
    exchange.fault("half_body", every=6, times=2)
    exchange.fault("limit", retry_after_s=5, every=7, times=1)
    published = Published()
    await backfill(connection, ledger_of(exchange), published)
    assert len(published.closed) == SERIES * 300
    assert published.doubled() == []
    assert wrong(published, exchange.prices) == []


async def test_a_market_that_is_unknown_costs_no_other_its_candles(
    exchange: Exchange, connection: Connection
) -> None:
    published = Published()
    tracker = CandleTracker(exchange.name, {"NOPE": "NOPE/USDT", **markets(ASSETS)})
    filled = await backfill(connection, tracker, published)
    assert len(published.closed) == SERIES * 300
    assert all("NOPE" in str(error) for error in filled.errors)
    assert filled.errors


async def test_what_was_not_acknowledged_is_published_again(
    exchange: Exchange, connection: Connection
) -> None:
    published = Published(refuse=3)
    filled = await backfill(connection, ledger_of(exchange), published)
    assert len(published.closed) == SERIES * 300
    assert published.doubled() == []
    assert len(filled.errors) == 3


async def test_an_exchange_that_is_away_raises_nothing_and_leaves_all_missing(
    exchange: Exchange, connection: Connection
) -> None:
    exchange.faults.unplug(exchange.name)
    published, tracker = Published(), ledger_of(exchange)
    filled = await backfill(connection, tracker, published)
    assert published.events == []
    assert filled.errors
    assert tracker.missing(exchange.clock.now_ms()) == SERIES * 300
