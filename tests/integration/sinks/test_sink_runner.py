"""The runner with the PostgreSQL sink on the embedded broker and database."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence

import pytest

from embedded.database import Database
from schemas.codec import Codec, UnknownSchemaError, local_codec
from schemas.contract import STRUCTS, schema
from schemas.registry_client import RegistryError
from schemas.topics import NEWS, SIGNALS, STRATEGIES, TRENDING
from sinks.base import SinkError, SinkRecord
from sinks.memory import MemorySink
from sinks.postgres import PostgresSink
from sinks.status import SinkState
from tests.contract.sink_samples import T0, news, signal, strategy, top, trending
from tests.integration.sinks.bench import Bench, Rows, is_running, running, until

pytestmark = pytest.mark.embedded

COUNT = 600


async def test_every_signal_becomes_a_row(bench: Bench, rows: Rows) -> None:
    flushed: list[SinkRecord] = []
    runner = bench.runner(hooks={"on_flush": flushed.extend}, max_records=100)
    async with running(runner) as task:
        await bench.send(*(signal(n) for n in range(COUNT)), sent_ms=T0)
        await bench.send(strategy(), trending(), news(), top(0, places=3))
        await until(lambda: runner.status.rows["signal_explanations"] == 3, "the top is written")
        await rows.until("strategy_signals", COUNT)
        await until(lambda: runner.status.lag_total == 0, "the lag is gone")
    assert task.done()
    assert await rows.count("strategy_signals") == COUNT
    assert await rows.count("signal_details") == COUNT
    status = runner.status
    assert status.state is SinkState.STOPPED
    assert status.rows == {
        "strategy_signals": COUNT,
        "strategies": 1,
        "strategy_versions": 1,
        "trending_assets": 1,
        "trending_news": 1,
        "signal_explanations": 3,
    }
    assert status.flushes >= COUNT / 100
    assert status.last_error is None
    assert len(flushed) == COUNT + 4
    assert {record.sent_ms for record in flushed if record.topic == SIGNALS.name} == {T0}
    assert await bench.committed() == COUNT + 4
    ranks = await rows.query(
        "SELECT signal_id, rank, status FROM strategy_signals JOIN signal_explanations"
        " USING (signal_id) ORDER BY rank"
    )
    assert ranks == [(f"{n:032x}", n, "pending") for n in (1, 2, 3)]


async def test_what_cannot_be_used_becomes_a_dead_letter(bench: Bench, rows: Rows) -> None:
    good = bench.codec.encode(news(1))
    bad = {
        "no Avro": (NEWS.name, b"\x00\x00\x00\x00\x02garbage"),
        "not the wire format": (NEWS.name, b"{}"),
        "no value": (NEWS.name, None),
        "unknown schema": (NEWS.name, b"\x00\x00\x00\x03\xe7" + good[5:]),
        "another event": (NEWS.name, bench.codec.encode(signal(1))),
        "not valid": (TRENDING.name, bench.codec.encode(trending(price_usd=-1.0))),
        "NUL": (NEWS.name, bench.codec.encode(news(2, headline="a\0b"))),
        "PostgreSQL: check": (SIGNALS.name, bench.codec.encode(signal(2, action="WAIT"))),
        "PostgreSQL: range": (SIGNALS.name, bench.codec.encode(signal(3, as_of=2**62))),
    }
    for topic, value in bad.values():
        await bench.send_raw(topic, value, "BTC")
    await bench.send(news(1), signal(9))
    runner = bench.runner()
    async with running(runner):
        await until(lambda: runner.status.dead_letters == len(bad), "all bad ones are buried")
        await rows.until("strategy_signals", 1)
        await rows.until("trending_news", 1)
    letters = await bench.dead_letters(len(bad))
    assert sorted((each.topic, each.record_value or b"") for each in letters) == sorted(
        (topic, value or b"") for topic, value in bad.values()
    )
    assert {each.stage for each in letters} == {"sink.postgres"}
    assert Counter(each.kind for each in letters) == {"invalid": 7, "not_stored": 2}
    assert all(each.reason.endswith(".") and each.error for each in letters)
    assert len({each.letter_id for each in letters}) == len(bad)
    assert await rows.query("SELECT source_id FROM trending_news") == [("article-1",)]
    assert await rows.count("strategy_signals") == 1
    assert await bench.committed() == len(bad) + 2


async def test_a_database_that_dies_costs_nothing(
    bench: Bench, rows: Rows, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sinks")
    runner = bench.runner(max_records=100)
    async with running(runner):
        await bench.send(*(signal(n) for n in range(COUNT)))
        await until(lambda: runner.status.flushes >= 1, "something is written")
        await database.kill()
        await bench.send(*(signal(n) for n in range(COUNT, 2 * COUNT)))
        await until(lambda: runner.status.state is SinkState.WAITING, "the loss is noticed")
        errors = runner.status.last_error_at_ms
        await until(lambda: runner.status.last_error_at_ms != errors, "it was tried again")
        assert runner.status.lag_total > 0
        await database.start()
        await rows.until("strategy_signals", 2 * COUNT)
        assert runner.status.state is SinkState.RUNNING
        await until(lambda: runner.status.lag_total == 0, "the lag is gone")
    assert await bench.committed() == 2 * COUNT
    said = [line.message for line in caplog.records if "waits for" in line.message]
    back = [line.message for line in caplog.records if "is back" in line.message]
    assert (len(said), len(back)) == (1, 1)


async def test_a_database_that_comes_later_than_the_sink(
    bench: Bench, rows: Rows, database: Database
) -> None:
    await database.kill()
    runner = bench.runner(PostgresSink(bench.dsn))
    async with running(runner):
        await bench.send(signal())
        await until(lambda: runner.status.state is SinkState.WAITING, "the sink waits")
        await database.start()
        await until(lambda: runner.status.rows["strategy_signals"] == 1, "the row is there")
    assert await rows.count("strategy_signals") == 1


@pytest.mark.parametrize("moment", ["between flush and commit", "within a flush"])
async def test_a_runner_cut_off_and_started_again(bench: Bench, rows: Rows, moment: str) -> None:
    await bench.send(*(signal(n) for n in range(COUNT)))
    cut_off: list[asyncio.Task[None]] = []

    def cut(_records: Sequence[SinkRecord]) -> None:
        if moment == "between flush and commit":
            cut_off[0].cancel()
        else:  # the next flush is on its way in some milliseconds
            asyncio.get_running_loop().call_later(0.005, cut_off[0].cancel)

    first = bench.runner(hooks={"on_flush": cut}, max_records=100, max_age_ms=0)
    cut_off.append(asyncio.create_task(first.run()))
    with pytest.raises(asyncio.CancelledError):
        await cut_off[0]
    assert await bench.committed() < COUNT
    second = bench.runner()
    async with running(second):
        await rows.until("strategy_signals", COUNT)
    assert await bench.committed() == COUNT
    assert second.status.rows["strategy_signals"] < COUNT  # the first one's rows were kept


async def test_two_runners_share_the_work_and_take_over(bench: Bench, rows: Rows) -> None:
    first, second = bench.runner(), bench.runner()
    async with running(second):
        async with running(first):
            await until(is_running(first), "the first one runs")
            await until(is_running(second), "the second one runs")
            for n in range(0, COUNT, 50):
                await bench.send(*(signal(n) for n in range(n, n + 50)))
            await until(lambda: first.status.records_read > 0, "the first one reads")
            await until(lambda: second.status.records_read > 0, "the second one reads")
        await bench.send(*(signal(n) for n in range(COUNT, 2 * COUNT)))
        await rows.until("strategy_signals", 2 * COUNT)
    assert await bench.committed() == 2 * COUNT


async def test_what_was_taken_from_a_runner_is_written_by_the_other_one_only(bench: Bench) -> None:
    """The first one has read, and waits for its target, when the second one joins."""
    waiting, other = MemorySink((SIGNALS.name,)), MemorySink((SIGNALS.name,))
    first, second = bench.runner(waiting), bench.runner(other)
    async with running(first):
        await until(is_running(first), "the first one runs")
        waiting.available = False
        await bench.send(*(signal(n) for n in range(COUNT)))
        await until(lambda: first.status.state is SinkState.WAITING, "the first one waits")
        async with running(second):
            await until(lambda: other.records, "the second one writes its part")
            waiting.available = True
            await until(
                lambda: len(waiting.records) + len(other.records) >= COUNT, "all are written"
            )
    by_first = {event.signal_id for event in waiting.events}
    by_second = {event.signal_id for event in other.events}
    assert len(by_first | by_second) == COUNT
    assert by_first & by_second == set()


async def test_stop_while_the_target_is_away_commits_nothing(bench: Bench) -> None:
    sink = MemorySink((SIGNALS.name,))
    runner = bench.runner(sink)
    async with running(runner) as task:
        await until(is_running(runner), "it runs")
        sink.available = False
        await bench.send(signal())
        await until(lambda: runner.status.state is SinkState.WAITING, "it waits")
    assert task.done()
    assert runner.status.state is SinkState.STOPPED
    assert sink.records == []
    assert await bench.committed() == 0


async def test_an_unknown_schema_is_asked_for_and_an_absent_registry_waited_for(
    bench: Bench, rows: Rows
) -> None:
    """A writer with a newer id for the same schema; the registry fails twice before it answers."""
    asked: list[int] = []

    async def resolve(codec: Codec, unknown: UnknownSchemaError) -> bool:
        asked.append(unknown.schema_id)
        if len(asked) < 3:
            raise RegistryError("the registry does not answer")
        return codec.learn(unknown.schema_id, schema("news_article").text)

    names = list(STRUCTS)
    writer = Codec({name: 900 + number for number, name in enumerate(names)})
    await bench.send_raw(NEWS.name, writer.encode(news(1)), "BTC")
    await bench.send_raw(NEWS.name, writer.encode(news(2)), "BTC")
    await bench.flush()
    runner = bench.runner(hooks={"resolve": resolve})
    async with running(runner):
        await until(lambda: runner.status.rows["trending_news"] == 2, "both are stored")
    assert asked == [900 + names.index("news_article")] * 3
    assert runner.status.dead_letters == 0
    assert local_codec().encode(news(1)) != writer.encode(news(1))


async def test_a_tombstone_on_the_topic_deletes_the_strategy(bench: Bench, rows: Rows) -> None:
    await bench.send(strategy(1, updated_at=1))
    await bench.send_raw(STRATEGIES.name, None, "momentum")
    await bench.flush()
    runner = bench.runner()
    async with running(runner):
        await until(lambda: runner.status.records_read == 2, "both are read")
    found = await rows.query("SELECT strategy_id, active, deleted_at IS NULL FROM strategies")
    assert found == [("momentum", False, False)]
    assert runner.status.dead_letters == 0


async def test_a_defect_ends_the_runner_and_commits_nothing(bench: Bench, rows: Rows) -> None:
    await rows.query("ALTER TABLE trending_news RENAME TO hidden")
    try:
        await bench.send(news())
        runner = bench.runner()
        with pytest.raises(SinkError, match="run the migrations"):
            await runner.run()
    finally:
        await rows.query("ALTER TABLE hidden RENAME TO trending_news")
    assert runner.status.state is SinkState.FAILED
    assert "trending_news" in (runner.status.last_error or "")
    assert await bench.committed() == 0
