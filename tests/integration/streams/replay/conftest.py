"""Live runs, recorded once for all tests of a replay."""

from __future__ import annotations

import asyncio

import pytest

from tests.integration.streams.agents.rig import market
from tests.parity.scenario import Scenario, record


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the archive of a live run of two workers, one of them killed in mid-stream."""
    folder = tmp_path_factory.mktemp("recording")
    scenario = Scenario("tansu", 4, "0", workers=2, kills=1, part_size=60)
    address = str(folder / "archive")
    asyncio.run(record(scenario, market(5, 3), folder, address))
    return address
