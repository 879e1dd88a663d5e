"""Rows in a real database, written by the PostgreSQL sink, and pools that bridges share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from sinks.base import SinkRecord
from sinks.bridge.api import open_pool
from sinks.bridge.api.route_decorator import Pool
from sinks.postgres import PostgresSink
from tests.contract.sink_samples import record
from tests.integration.sinks.bench import Rows
from tests.unit.sinks.bridge_api.fixtures import settings

Store = Callable[..., Awaitable[None]]


@pytest.fixture
async def pool(rows: Rows) -> AsyncIterator[Pool]:
    """A pool as a bridge has it."""
    await rows.query("TRUNCATE bridge_tickets")
    pool = await open_pool(rows.dsn, settings())
    yield pool
    await pool.close()


@pytest.fixture
async def store(rows: Rows) -> AsyncIterator[Store]:
    """Write events (or records) as the sink does."""
    sink = PostgresSink(rows.dsn, run_migrations=False)

    async def write(*events: Any) -> None:
        sink.add([event if isinstance(event, SinkRecord) else record(event) for event in events])
        assert not (await sink.flush()).rejected

    yield write
    await sink.close()
