"""Exchanges being served, and real ccxt clients of them.

A test that says nothing is run with both exchanges; what is true of one alone is in a module whose
`name` is that one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.simulator.exchange.harness import START_MS, Served, client, serving
from tests.unit.simulator.exchange.tiny_world import TinyWorld
from transport.clock import WallClock, scaled


@pytest.fixture(scope="module", params=("binance", "bybit"))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(name: str) -> AsyncIterator[Served]:
    """The seeded market."""
    async with serving(name) as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(served: Served) -> AsyncIterator[Any]:
    async with client(served) as one:
        await one.load_markets()
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tiny(name: str) -> AsyncIterator[Served]:
    """A market with prices and books that stand still."""
    async with serving(name, world=TinyWorld()) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def fresh(tiny: Served) -> AsyncIterator[Any]:
    """A client of the tiny market, which a test may change."""
    async with client(tiny) as one:
        await one.load_markets()
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def streaming(name: str) -> AsyncIterator[Served]:
    """The seeded market, ten times as fast: a book changes every second of the clock at least."""
    async with serving(name, scaled(START_MS, 10.0)) as one:
        await one.venue.ready()
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def listener(streaming: Served) -> AsyncIterator[Any]:
    """A client that watches, without a key: it would ask for more than markets then."""
    streaming.faults.clear()
    async with client(streaming, pro=True, apiKey="", secret="") as one:
        await one.load_markets()
        yield one


@pytest.fixture
def world() -> TinyWorld:
    """A market that a test sets itself."""
    return TinyWorld()


@pytest_asyncio.fixture
async def trader(name: str, world: TinyWorld) -> AsyncIterator[Any]:
    # Fast, because a book is looked at again after five seconds of the clock.
    async with serving(name, scaled(WallClock().now_ms(), 20.0), world) as one, client(one) as own:
        await own.load_markets()
        yield own
