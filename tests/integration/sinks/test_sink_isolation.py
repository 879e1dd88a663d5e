"""Rows that PostgreSQL never takes stand alone, whatever the class; what is of the whole is waited
for."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from schemas.codec import local_codec
from schemas.market import NewsArticle
from schemas.signals import RankedSignal, TopSignals
from schemas.topics import NEWS
from sinks.base import Rejected, SinkError, SinkRecord, SinkUnavailableError
from sinks.decoding import ContractDecoder
from sinks.explanations import claims
from sinks.explanations.judging import ExplanationPolicy
from sinks.postgres import PostgresSink
from tests.contract.sink_samples import news, record, signal, strategy, tombstone, top
from tests.integration.sinks.bench import Bench, Rows, running, until
from transport import circuit_breaker

pytestmark = pytest.mark.embedded
CASE = Path(__file__).resolve().parents[4] / "shared" / "cases" / "long-source-id"
LONG_ID = "https://e.example/" + "".join(chr(0x4E00 + 7 * n) for n in range(1_200))
"""3.6 kB that do not compress: longer than an index takes a row (54000)."""
_RAISE = """
    CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.source_id = 'article-3' THEN
            RAISE EXCEPTION 'no such luck' USING ERRCODE = '{state}'; END IF;
        RETURN NEW; END $$;
    CREATE TRIGGER refused BEFORE INSERT ON trending_news FOR EACH ROW EXECUTE FUNCTION refuse()
"""
_NO_SKIPPED = """
    CREATE OR REPLACE FUNCTION no_skipped() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.rank = 1 AND NEW.status = 'skipped' THEN RAISE EXCEPTION 'no such luck'; END IF;
        RETURN NEW; END $$;
    CREATE TRIGGER refused BEFORE UPDATE ON signal_explanations
        FOR EACH ROW EXECUTE FUNCTION no_skipped()
"""


@pytest.fixture
async def sink(rows: Rows) -> AsyncIterator[PostgresSink]:
    made = PostgresSink(rows.dsn, run_migrations=False)
    await made.setup()
    yield made
    await made.close()


@pytest.fixture
async def refusing(rows: Rows) -> AsyncIterator[Any]:
    """Make the database refuse article 3 with an error of a state, or nothing any more."""
    connection = await asyncpg.connect(rows.dsn)

    async def refuse(state: str | None) -> None:
        await connection.execute("DROP TRIGGER IF EXISTS refused ON trending_news")
        if state is not None:
            await connection.execute(_RAISE.format(state=state))

    yield refuse
    await refuse(None)
    await connection.close()


def articles(**changes: Any) -> list[SinkRecord]:
    """Six articles; the third is changed, also to what the contract refuses."""
    made = [news(number) for number in range(1, 7)]
    made[2] = msgspec.structs.replace(made[2], **changes)
    return [record(one) for one in made]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"source_id": LONG_ID}, "ProgramLimitExceeded", id="case long-source-id"),
        pytest.param({"source": LONG_ID}, "ProgramLimitExceeded", id="a long source"),
        pytest.param({"asset": LONG_ID}, "ProgramLimitExceeded", id="a long asset"),
        pytest.param({"headline": "a\0b"}, "CharacterNotInRepertoire", id="a NUL"),
        pytest.param({"headline": "\ud83d"}, "Data", id="half a character"),
        pytest.param({"sentiment_label": "odd"}, "CheckViolation", id="a check"),
        pytest.param({"headline": None}, "NotNullViolation", id="a null"),
        pytest.param({"event_time": 2**62}, "Overflow", id="a time in no calendar"),
        pytest.param({"event_time": "now"}, "Type", id="a row that cannot be made"),
    ],
)
async def test_a_row_that_is_never_taken_stands_alone(
    sink: PostgresSink, rows: Rows, changes: dict[str, Any], error: str
) -> None:
    added = articles(**changes)
    sink.add(added)
    flushed = await sink.flush()
    assert [(one.record, one.error) for one in flushed.rejected] == [(added[2], error)]
    assert await rows.count("trending_news") == 5
    assert (await sink.flush()).rejected == ()


@pytest.mark.parametrize(
    "state",
    ["P0001", "54000", "54001", "22000", "23000", "21000", "0A000", "XX000", "XX002", "38000"],
)
async def test_no_class_of_error_stops_the_sink(
    sink: PostgresSink, rows: Rows, refusing: Any, state: str
) -> None:
    await refusing(state)
    sink.add([*articles(), record(signal(1)), record(strategy())])
    flushed = await sink.flush()
    assert [one.record.event.source_id for one in flushed.rejected] == ["article-3"]
    assert "no such luck" in flushed.rejected[0].reason
    assert await rows.count("trending_news") == 5
    assert await rows.count("strategy_signals") == await rows.count("strategies") == 1


@pytest.mark.parametrize(
    "state",
    ["53100", "53200", "53300", "57P01", "57P03", "57014", "58030", "55P03", "25006", "40001"],
)
async def test_what_is_of_the_whole_is_waited_for(
    sink: PostgresSink, rows: Rows, refusing: Any, state: str
) -> None:
    await refusing(state)
    sink.add(articles())
    for _ in range(2):
        with pytest.raises(SinkUnavailableError):
            await sink.flush()
    assert await rows.count("trending_news") == 0
    await refusing(None)
    assert (await sink.flush()).rejected == ()
    assert await rows.count("trending_news") == 6


@pytest.mark.parametrize("state", ["42P01", "42703", "42501", "28000"])
async def test_a_wrong_setup_ends_the_sink_and_loses_nothing(
    sink: PostgresSink, rows: Rows, refusing: Any, state: str
) -> None:
    await refusing(state)
    sink.add(articles())
    with pytest.raises(SinkError) as caught:
        await sink.flush()
    assert not isinstance(caught.value, SinkUnavailableError)
    await refusing(None)
    await sink.flush()
    assert await rows.count("trending_news") == 6


async def test_a_bad_record_of_every_topic_stands_alone(sink: PostgresSink, rows: Rows) -> None:
    bad_top = TopSignals("s", 0, True, 1, 1, (RankedSignal(0, LONG_ID, "BTC", "BUY", 0.5, 0.8),))
    key = b"\xff\xfe"
    bad = [
        record(msgspec.structs.replace(signal(2), detail={"model": "a\0b"})),
        record(msgspec.structs.replace(signal(3), request_id=LONG_ID)),
        record(msgspec.structs.replace(strategy(), strategy_id=LONG_ID)),
        record(bad_top),
        msgspec.structs.replace(tombstone("x", 0), key=key),
    ]
    sink.add([*bad, record(signal(1)), record(strategy()), record(top(0, places=3))])
    flushed = await sink.flush()
    assert {one.record.offset for one in flushed.rejected} == {one.offset for one in bad}
    tables = ("strategy_signals", "strategies", "signal_explanations")
    assert [await rows.count(table) for table in tables] == [1, 1, 3]


async def stored(bench: Bench, rows: Rows, events: list[NewsArticle]) -> tuple[list[str], Any]:
    """Send articles through the whole runner; return the ids stored and the dead letter."""
    for event in events:
        await bench.send_raw(NEWS.name, bench.codec.encode(event), event.asset)
    await bench.flush()
    runner = bench.runner()
    async with running(runner):
        await until(lambda: runner.status.dead_letters == 1, "the bad one is buried")
        await rows.until("trending_news", len(events) - 1)
        await until(lambda: runner.status.lag_total == 0, "the lag is gone")
    assert await bench.committed() == len(events)
    found = await rows.query("SELECT source_id FROM trending_news ORDER BY source_id")
    return [source_id for (source_id,) in found], (await bench.dead_letters(1))[0]


async def test_case_long_source_id_is_a_dead_letter_of_the_contract(
    bench: Bench, rows: Rows
) -> None:
    events = [one.event for one in articles(source_id=LONG_ID)]
    found, letter = await stored(bench, rows, events)
    assert found == [f"article-{number}" for number in (1, 2, 4, 5, 6)]
    assert letter.kind == "invalid"
    assert letter.reason.startswith("source_id is 1218 characters long, more than 512")


@pytest.mark.skipif(not CASE.is_dir(), reason="no cases beside the project")
async def test_case_long_source_id_as_given(bench: Bench, rows: Rows) -> None:
    given = json.loads((CASE / "articles.json").read_text("utf-8"))
    events = [msgspec.convert(one, NewsArticle) for one in given]
    found, letter = await stored(bench, rows, events)
    assert found == ["a1", "a2", "a4"]
    assert "source_id" in letter.reason


async def test_a_signal_that_cannot_be_explained_keeps_no_other_one_waiting(
    sink: PostgresSink, rows: Rows
) -> None:
    sink.add([record(signal(1)), record(signal(2)), record(top(0, places=2))])
    await sink.flush()
    connection = await asyncpg.connect(rows.dsn)
    try:
        await connection.execute(_NO_SKIPPED)
        _, permit = circuit_breaker.enter(circuit_breaker.CLOSED, 0)
        policy = ExplanationPolicy(False, None, 10, 60.0, Decimal(0), lambda _: Decimal(0))
        taken = [await claims.take(connection, policy, permit) for _ in range(3)]
        assert taken == ["failed", "skipped", None]
        found = await rows.query("SELECT rank, status, error FROM signal_explanations ORDER BY 1")
        assert [one[:2] for one in found] == [(1, "failed"), (2, "skipped")]
        assert found[0][2] == "The signal cannot be explained (RaiseError)."
    finally:
        await connection.execute("DROP TRIGGER refused ON signal_explanations")
        await connection.close()


async def test_the_longest_key_of_the_contract_is_taken(sink: PostgresSink, rows: Rows) -> None:
    letters = random.Random(0)

    def of(length: int) -> str:
        return "".join(chr(letters.randrange(0x20000, 0x2A000)) for _ in range(length))

    longest = news(source=of(64), source_id=of(512), asset=of(20))
    sink.add([record(longest), record(signal(1, request_id=of(64), user_id=of(64), asset=of(20)))])
    assert (await sink.flush()).rejected == ()
    assert await rows.count("trending_news") == await rows.count("strategy_signals") == 1


class Odd:
    """A codec that breaks in a way of its own."""

    def decode(self, _value: bytes | None) -> Any:
        raise RuntimeError("no idea")


async def test_whatever_happens_while_a_record_is_decoded_is_the_records() -> None:
    class Raw:
        topic, partition, offset, timestamp = NEWS.name, 0, 7, -1
        key, value = b"BTC", local_codec().encode(news())
        headers = (("sent_ms", b"\0\0\x01\x9bv\xda\xa8\0"),)

    fine = await ContractDecoder(local_codec()).decode(Raw)
    assert isinstance(fine, SinkRecord)
    assert (fine.sent_ms, fine.event) == (None, news())
    refused = await ContractDecoder(Odd()).decode(Raw)  # type: ignore[arg-type]
    assert isinstance(refused, Rejected)
    assert (refused.record.offset, refused.error) == (7, "Runtime")
