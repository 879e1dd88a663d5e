"""One contract for every sink: the same tests on the sink in memory and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace

from embedded.database import Database
from sinks.base import SinkRecord, SinkUnavailableError
from sinks.postgres import migrate
from tests.contract.sink_benches import NUL, Bench, MemoryBench, PostgresBench, describe, execute
from tests.contract.sink_samples import (
    T0,
    equity,
    news,
    outcome,
    record,
    signal,
    strategy,
    tombstone,
    top,
    trade,
    trending,
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[Database]:
    """The database server of this module, migrated."""
    database = Database(fast=True)
    dsn = await database.start()
    await migrate(dsn)
    yield database
    await database.stop()


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.embedded)])
def make_bench(request: pytest.FixtureRequest) -> Callable[[], Awaitable[Bench]]:
    if request.param == "memory":
        return memory_bench
    server: Database = request.getfixturevalue("server")
    return lambda: postgres_bench(server)


async def memory_bench() -> Bench:
    return MemoryBench()


async def postgres_bench(server: Database) -> Bench:
    dsn = await server.start()
    tables = "strategy_signals, signal_explanations, strategies, strategy_versions"
    tables += ", portfolio_trades, portfolio_equity, outcomes"
    await execute(dsn, f"TRUNCATE {tables}, trending_assets, trending_news, news_scores")
    made = PostgresBench(server, dsn)
    await made.sink.setup()
    return made


@pytest.fixture
async def bench(make_bench: Callable[[], Awaitable[Bench]]) -> AsyncIterator[Bench]:
    made = await make_bench()
    yield made
    await made.sink.close()


def everything() -> list[SinkRecord]:
    """One record of each topic."""
    events = (strategy(), trending(), news(), signal(), top(), trade(), equity(), outcome())
    return [record(event) for event in events]


async def test_flush_writes_every_topic(bench: Bench) -> None:
    bench.sink.add(everything())
    flushed = await bench.sink.flush()
    assert await bench.stored() == [
        "equity momentum cycle 49999",
        "news article-0 BTC Bitcoin does thing number 0",
        "outcome BTC 4h 2",
        "signal " + "0" * 32 + " BUY 814",
        "strategy momentum 1",
        "top strategy-0 10",
        "trade BTC buy 1000",
        "trending A0 10",
    ]
    assert sum(flushed.rows.values()) > 0
    assert flushed.rejected == ()


async def test_nothing_is_visible_before_flush(bench: Bench) -> None:
    bench.sink.add(everything())
    assert await bench.stored() == []


async def test_an_empty_flush_does_nothing(bench: Bench) -> None:
    flushed = await bench.sink.flush()
    assert (flushed.rows, flushed.rejected) == ({}, ())
    assert await bench.stored() == []


async def test_the_same_records_again_change_nothing(bench: Bench) -> None:
    records = everything()
    bench.sink.add(records)
    await bench.sink.flush()
    before = await bench.stored()
    bench.sink.add(records)
    again = await bench.sink.flush()
    assert await bench.stored() == before
    assert again.rows == {}


async def test_the_same_thing_twice_in_one_batch_is_stored_once(bench: Bench) -> None:
    bench.sink.add(everything() + everything() + everything())
    await bench.sink.flush()
    assert len(await bench.stored()) == 8


REPLACING = [
    pytest.param(
        [strategy(1), strategy(2)], ["strategy momentum 2"], id="newer strategy after older"
    ),
    pytest.param(
        [strategy(2), strategy(1)], ["strategy momentum 2"], id="older strategy after newer"
    ),
    pytest.param(
        [trending(price_usd=1.0), trending(price_usd=2.0, observed_at=T0 + 9)],
        ["trending A0 2"],
        id="trending asset seen again later",
    ),
    pytest.param(
        [trending(price_usd=2.0, observed_at=T0 + 9), trending(price_usd=1.0)],
        ["trending A0 2"],
        id="trending asset seen earlier comes late",
    ),
    pytest.param(
        [news(headline="old"), news(headline="mended", observed_at=T0 + 9)],
        ["news article-0 BTC mended"],
        id="corrected headline",
    ),
    pytest.param(
        [news(), news(asset="ETH", headline="same article")],
        [
            "news article-0 BTC Bitcoin does thing number 0",
            "news article-0 ETH same article",
        ],
        id="one article about two assets",
    ),
    pytest.param(
        [signal(7), signal(7, action="HOLD", position_value_usd=0.0)],
        [f"signal {7:032x} BUY 814"],
        id="a signal never changes",
    ),
    pytest.param(
        [trade(), trade(value_usd=1.0), trade(1)],
        ["trade BTC buy 1000", "trade BTC sell 1100"],
        id="a trade never changes",
    ),
    pytest.param(
        [equity(), equity(equity_usd=1.0), equity(kind="deposit"), equity(strategy_id="other")],
        [
            "equity momentum cycle 49999",
            "equity momentum deposit 49999",
            "equity other cycle 49999",
        ],
        id="equity of one moment, and of another kind and strategy",
    ),
]


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "two batches"])
@pytest.mark.parametrize(("events", "expected"), REPLACING)
async def test_which_of_two_stays(
    bench: Bench, events: list[Any], expected: list[str], together: bool
) -> None:
    for event in events:
        bench.sink.add([record(event)])
        if not together:
            await bench.sink.flush()
    await bench.sink.flush()
    assert await bench.stored() == expected


@pytest.mark.parametrize("flushed_after", [(), (0,), (1,), (2,), (0, 1, 2)], ids=str)
async def test_a_deleted_strategy_may_come_again(
    bench: Bench, flushed_after: tuple[int, ...]
) -> None:
    log = [
        record(strategy(1)),
        record(strategy(3)),
        tombstone("momentum", T0 + 100),
        record(strategy(1, updated_at=T0 + 200)),
    ]
    for _ in range(2):  # read from the beginning once more, it ends the same
        for position, each in enumerate(log):
            bench.sink.add([each])
            if position in flushed_after:
                await bench.sink.flush()
        await bench.sink.flush()
        assert await bench.stored() == ["strategy momentum 1"]


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "two batches"])
async def test_a_tombstone_deletes(bench: Bench, together: bool) -> None:
    bench.sink.add([record(strategy(3))])
    if not together:
        await bench.sink.flush()
    bench.sink.add([tombstone("momentum", T0 + 100), tombstone("never-seen", T0)])
    await bench.sink.flush()
    assert await bench.stored() == []


async def test_a_bad_record_is_handed_back_and_the_others_are_written(bench: Bench) -> None:
    # What passed the contract before it had rules for texts.
    bad = [record(replace(signal(3), asset=NUL)), record(news(1, headline=NUL))]
    good = [record(signal(n)) for n in range(8)] + [record(news(n)) for n in range(2, 5)]
    good = [
        each
        for each in good
        if each.event.__class__.__name__ != "Signal"
        or each.event.signal_id != bad[0].event.signal_id
    ]
    bench.sink.add([*good[:4], bad[0], *good[4:], bad[1]])
    flushed = await bench.sink.flush()
    assert {each.record.offset for each in flushed.rejected} == {each.offset for each in bad}
    assert all(each.reason.endswith(".") and each.error for each in flushed.rejected)
    assert await bench.stored() == sorted(describe(each.event) for each in good)
    assert (await bench.sink.flush()).rejected == ()


async def test_only_bad_records(bench: Bench) -> None:
    bench.sink.add([record(news(n, headline=NUL)) for n in range(5)])
    assert len((await bench.sink.flush()).rejected) == 5
    assert await bench.stored() == []


async def test_a_flush_that_fails_keeps_what_was_added(bench: Bench) -> None:
    bench.sink.add(everything())
    await bench.take_away()
    with pytest.raises(SinkUnavailableError):
        await bench.sink.flush()
    await bench.bring_back()
    assert await bench.stored() == []
    await bench.sink.flush()
    assert len(await bench.stored()) == 8


async def test_discarded_records_are_not_written(bench: Bench) -> None:
    bench.sink.add(everything())
    bench.sink.discard()
    await bench.sink.flush()
    assert await bench.stored() == []


async def test_setup_twice_and_close_twice(bench: Bench) -> None:
    await bench.sink.setup()
    bench.sink.add(everything())
    await bench.sink.flush()
    await bench.sink.close()
    await bench.sink.close()
    assert len(await bench.stored()) == 8


async def test_close_drops_what_was_not_flushed(bench: Bench) -> None:
    bench.sink.add(everything())
    await bench.sink.close()
    assert await bench.stored() == []


async def test_things_keep_the_order_of_the_log(bench: Bench) -> None:
    """The last state of each thing is the one that the log says last, over many batches."""
    for version in range(1, 31):
        article = news(version % 3, observed_at=T0 + version, headline=str(version))
        bench.sink.add([record(strategy(version)), record(article)])
        if version % 7 == 0:
            await bench.sink.flush()
    await bench.sink.flush()
    assert await bench.stored() == [
        "news article-0 BTC 30",
        "news article-1 BTC 28",
        "news article-2 BTC 29",
        "strategy momentum 30",
    ]


async def test_setup_says_that_the_target_is_away(bench: Bench) -> None:
    await bench.take_away()
    try:
        with pytest.raises(SinkUnavailableError):
            await bench.sink.setup()
    finally:
        await bench.bring_back()
