"""The migrations: from nothing, again, by two at once, and after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from yoyo import read_migrations  # type: ignore[import-untyped]

import sinks.postgres
from embedded.database import Database
from schemas.signals import Contribution, Signal, from_json
from sinks.base import SinkError, SinkUnavailableError
from sinks.postgres import PostgresSink, migrate
from sinks.postgres.migrate import _backend, yoyo_uri
from sinks.postgres.values import json, time, time_or_none
from streams.provenance.sources.base import SourceError
from streams.provenance.sources.database import signals
from tests.contract.sink_samples import record, signal
from tests.integration.sinks.bench import Rows

pytestmark = pytest.mark.embedded

ALL = [
    "0001.strategies",
    "0002.signals",
    "0003.market",
    "0004.orders",
    "0005.explanations",
    "0006.bridge",
    "0007.signal_document",
    "0008.news_scores",
    "0009.trending_fields",
    "0010.strategy_versions",
    "0011.portfolios",
    "0012.requested_explanations",
    "0013.outcomes",
]
TABLES = {
    "bridge_tickets",
    "explanation_budget",
    "explanation_positions",
    "order_executions",
    "orders",
    "outcomes",
    "portfolio_equity",
    "portfolio_trades",
    "signal_explanations",
    "strategies",
    "strategy_signals",
    "table_retention",
    "trending_assets",
    "trending_news",
    "user_exchange_connections",
    "news_scores",
    "strategy_versions",
}


@pytest.fixture
async def empty(database: Database) -> AsyncIterator[Rows]:
    """A database without any table."""
    server = Rows(await database.start())
    await server.query("CREATE DATABASE fresh")
    yield Rows(server.dsn.rpartition("/")[0] + "/fresh")
    await server.query("DROP DATABASE fresh WITH (FORCE)")


async def test_up_from_empty_makes_every_table(empty: Rows) -> None:
    assert await migrate(empty.dsn) == ALL
    found = await empty.query(
        "SELECT table_name FROM information_schema.table_constraints"
        " WHERE table_schema = 'public' AND constraint_type = 'PRIMARY KEY'"
    )
    assert {name for (name,) in found if "yoyo" not in name} == TABLES


async def test_up_twice_does_nothing_more(empty: Rows) -> None:
    await migrate(empty.dsn)
    sink = PostgresSink(empty.dsn, run_migrations=False)
    sink.add([record(signal())])
    await sink.flush()
    await sink.close()
    assert await migrate(empty.dsn) == []
    assert await empty.count("strategy_signals") == 1


def migrate_as_before(dsn: str) -> None:
    """Apply the migrations of before signals were kept as documents."""
    backend = _backend(yoyo_uri(dsn))
    folder = Path(sinks.postgres.__file__).parent / "migrations"
    everything = read_migrations(str(folder))
    backend.apply_migrations(everything.filter(lambda one: one.id < "0007"))
    backend.connection.close()


OLD_SIGNAL = """
    INSERT INTO strategy_signals (signal_id, strategy_id, user_id, asset, as_of, cycle, trigger,
        request_id, final_score, action, fused_action, override, confidence, sentiment_score,
        technical_score, fundamental_score, event_risk_score, liquidity_score, stored_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0.5, 0.5, 0.5, 0.5, 0.5, $14)
"""
OLD_DETAILS = "INSERT INTO signal_details VALUES ($1, $2, $3, $4, $5, $6, $7)"
STORED_AT = datetime(2026, 1, 2, tzinfo=UTC)


async def write_as_before(to: Rows, event: Signal) -> None:
    """Write a signal as the sink did before: a column for each field, the rest in metadata."""
    decided = (event.final_score, event.action, event.fused_action, event.override)
    times = (time(event.as_of), time_or_none(event.cycle))
    head = (event.signal_id, event.strategy_id, event.user_id, event.asset, *times)
    asked = (event.trigger, event.request_id)
    await to.query(OLD_SIGNAL, *head, *asked, *decided, event.confidence, STORED_AT)
    names = ("contributions", "sizing", "features", "detail", "inputs")
    await to.query(
        OLD_DETAILS,
        *(event.signal_id, event.entry_price_usd, event.position_size),
        *(event.position_value_usd, event.stop_loss_usd, event.take_profit_usd),
        json({name: getattr(event, name) for name in names}),
    )


async def test_signals_of_before_are_carried_over(empty: Rows) -> None:
    before = [
        signal(1, detail={"sentiment.model": "no weights"}, user_id="u1", override="exit_rule"),
        signal(
            2,
            as_of=253_402_300_799_999,
            cycle=None,
            trigger="request",
            request_id="r",
            final_score=0.1 + 0.2,
            confidence=5e-324,
            entry_price_usd=1.7976931348623157e308,
            position_size=1e-300,
            stop_loss_usd=None,
            take_profit_usd=1 / 3,
            contributions=(Contribution("sentiment", "stale", 0.1, 0.0, 0.35, 0.0),),
            inputs=(),
        ),
    ]
    await asyncio.to_thread(migrate_as_before, empty.dsn)
    for event in before:
        await write_as_before(empty, event)
    with pytest.raises(SourceError, match="its schema is old: start `quantiva sink postgres`"):
        await signals(empty.dsn, "0" * 31, 2)
    assert await migrate(empty.dsn) == ALL[6:]
    assert await signals(empty.dsn, "0" * 31, 2) == before
    found = await empty.query(
        "SELECT body, sentiment_score, stored_at FROM strategy_signals ORDER BY as_of"
    )
    assert [from_json(body) for body, *_ in found] == before
    assert [rest for _, *rest in found] == [[0.72, STORED_AT], [None, STORED_AT]]


async def test_many_at_once_on_an_empty_database(empty: Rows) -> None:
    applied = await asyncio.gather(*(migrate(empty.dsn) for _ in range(4)))
    assert sorted(applied) == [[], [], [], ALL]


async def test_many_at_once_after_an_upgrade(empty: Rows) -> None:
    """yoyo's own tables are there already, so nothing but our lock keeps the starts apart."""
    await migrate(empty.dsn)
    await empty.query(f"DROP TABLE {', '.join(sorted(TABLES))} CASCADE")
    await empty.query("DELETE FROM _yoyo_migration")
    applied = await asyncio.gather(*(migrate(empty.dsn) for _ in range(4)))
    assert sorted(applied) == [[], [], [], ALL]


async def test_a_lock_row_that_a_dead_process_left(empty: Rows) -> None:
    await migrate(empty.dsn)
    await empty.query("INSERT INTO yoyo_lock (locked, ctime, pid) VALUES (1, now(), 1)")
    await empty.query("DELETE FROM _yoyo_migration WHERE migration_id = '0006.bridge'")
    await empty.query("DROP TABLE bridge_tickets")
    await empty.query("DROP INDEX strategy_signals_by_time")
    assert await migrate(empty.dsn) == ["0006.bridge"]


async def test_a_migration_that_fails_leaves_nothing_of_itself(empty: Rows) -> None:
    await empty.query("CREATE TABLE signal_details (mine integer)")
    with pytest.raises(SinkError, match=r"was rolled back.*signal_details"):
        await migrate(empty.dsn)
    assert await empty.query("SELECT to_regclass('strategy_signals')") == [(None,)]
    await empty.query("DROP TABLE signal_details")
    assert await migrate(empty.dsn) == ALL[1:]


async def test_a_database_that_is_away_or_not_there(empty: Rows) -> None:
    secret = urlsplit(empty.dsn).password
    assert secret
    absent = empty.dsn.replace("/fresh", "/nowhere")
    for attempt in (migrate(absent), PostgresSink(absent, run_migrations=False).setup()):
        with pytest.raises(SinkError, match="nowhere") as refused:
            await attempt
        assert not isinstance(refused.value, SinkUnavailableError)
        assert secret not in str(refused.value)
    away = absent.replace("/nowhere", ":1/nowhere")
    for attempt in (migrate(away), PostgresSink(away).setup()):
        with pytest.raises(SinkUnavailableError, match="cannot be used now") as gone:
            await attempt
        assert secret not in str(gone.value)


@pytest.mark.parametrize("dsn", ["host=db password=s3cret", "postgresql://u:s3cret@[db/q"])
async def test_an_address_that_is_none(dsn: str) -> None:
    for attempt in (migrate(dsn), PostgresSink(dsn, run_migrations=False).setup()):
        with pytest.raises(SinkError) as refused:
            await attempt
        assert not isinstance(refused.value, SinkUnavailableError)
        assert "s3cret" not in str(refused.value)


REFUSED = [
    pytest.param(
        "INSERT INTO signal_explanations (signal_id, strategy_id, asset, cycle, rank, status)"
        " VALUES ('a', 's', 'BTC', now(), 1, 'done')",
        id="done without a text",
    ),
    pytest.param(
        "INSERT INTO orders (order_id, user_id, mode, exchange, symbol, asset, side, type, status,"
        " quantity) VALUES ('o', 'u', 'live', 'binance', 'BTC/USDT', 'BTC', 'buy', 'market',"
        " 'created', 1)",
        id="live order without a connection",
    ),
    pytest.param(
        "INSERT INTO order_executions (execution_id, order_id, price, quantity, executed_at)"
        " VALUES ('e', 'no such order', 1, 1, now())",
        id="fill without an order",
    ),
]


@pytest.mark.parametrize("statement", REFUSED)
async def test_what_the_schema_refuses(rows: Rows, statement: str) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await rows.query(statement)
