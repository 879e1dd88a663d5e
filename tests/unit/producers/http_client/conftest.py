"""A clock and a local upstream for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.producers.http_client.harness import Server, StepClock, serving


@pytest.fixture
def clock() -> StepClock:
    return StepClock()


@pytest.fixture
async def server(clock: StepClock) -> AsyncIterator[Server]:
    async with serving(clock) as server:
        yield server
