"""A broker and a database for the sinks' tests, started once; each test has topics of its own."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from embedded.broker import Broker
from embedded.database import Database
from sinks.postgres import migrate
from tests.integration.sinks.bench import Bench, Rows, create_topics

_numbers = itertools.count()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database() -> AsyncIterator[Database]:
    """The database server with the schema."""
    server = Database(fast=True)
    await migrate(await server.start())
    yield server
    await server.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def bootstrap() -> AsyncIterator[str]:
    """The embedded broker's address."""
    broker = Broker()
    yield await broker.start()
    await broker.stop()


@pytest.fixture
async def rows(database: Database) -> Rows:
    """The database, with empty tables."""
    await database.start()
    connection = await asyncpg.connect(database.dsn)
    await connection.execute(
        "TRUNCATE strategy_signals, signal_explanations, strategies, strategy_versions,"
        " trending_assets, trending_news, news_scores, portfolio_trades, portfolio_equity, outcomes"
    )
    await connection.close()
    return Rows(database.dsn)


@pytest.fixture
async def bench(bootstrap: str, rows: Rows, tansu: None) -> AsyncIterator[Bench]:
    """Topics under a prefix of their own on the embedded broker, and a producer."""
    bench = Bench(bootstrap, f"t{next(_numbers)}.", rows.dsn)
    await create_topics(bootstrap, bench.prefix)
    await bench.start()
    yield bench
    await bench.stop()
