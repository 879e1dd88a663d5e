"""The migrations: from nothing, again, by two at once, and after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from embedded.database import Database
from sinks.base import SinkError, SinkUnavailableError
from sinks.postgres import PostgresSink, migrate
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
]
TABLES = {
    "bridge_tickets",
    "explanation_budget",
    "explanation_positions",
    "order_executions",
    "orders",
    "signal_details",
    "signal_explanations",
    "strategies",
    "strategy_signals",
    "trending_assets",
    "trending_news",
    "user_exchange_connections",
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


async def test_a_database_that_is_away_or_not_there(empty: Rows, database: Database) -> None:
    absent = empty.dsn.replace("postgres@", "postgres:s3cret@").replace("/fresh", "/nowhere")
    for attempt in (migrate(absent), PostgresSink(absent, run_migrations=False).setup()):
        with pytest.raises(SinkError, match="nowhere") as refused:
            await attempt
        assert not isinstance(refused.value, SinkUnavailableError)
        assert "s3cret" not in str(refused.value)
    away = absent.replace(f":{database.port}/", ":1/")
    for attempt in (migrate(away), PostgresSink(away).setup()):
        with pytest.raises(SinkUnavailableError, match="cannot be used now") as gone:
            await attempt
        assert "s3cret" not in str(gone.value)


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
    pytest.param(
        "INSERT INTO signal_details (signal_id, position_size, position_value_usd, metadata)"
        " VALUES ('no such signal', 0, 0, '{}')",
        id="details without a signal",
    ),
]


@pytest.mark.parametrize("statement", REFUSED)
async def test_what_the_schema_refuses(rows: Rows, statement: str) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await rows.query(statement)
