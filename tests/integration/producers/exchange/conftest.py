"""What the tests of the exchanges share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from producers.exchange.connection import Connection
from producers.exchange.throttled import SOCKETS, ccxt_pro
from tests.integration.producers.exchange.harness import (
    ASSETS,
    START_MS,
    Exchange,
    Prices,
    clock_at,
    connected,
    serving,
)

SPEED = 60.0


@pytest.fixture(scope="session", autouse=True)
def ccxt() -> None:
    """Import ccxt before the clocks run: it takes a second."""
    ccxt_pro()


@pytest.fixture(params=SOCKETS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def exchange(name: str) -> AsyncIterator[Exchange]:
    async with serving(name, clock_at(START_MS, SPEED), Prices(ASSETS)) as served:
        yield served


@pytest.fixture
async def connection(exchange: Exchange) -> AsyncIterator[Connection]:
    async with connected(exchange) as one:
        yield one
