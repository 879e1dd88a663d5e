"""Live runs, recorded once for all tests of a replay."""

from __future__ import annotations

import asyncio
import fcntl
import os

import pytest

from tests.integration.streams.agents.rig import market
from tests.parity.scenario import Scenario, record


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the archive of a live run of two workers, one of them killed in mid-stream.

    The processes of pytest-xdist share it: the first one records, the others wait.
    """
    shared = tmp_path_factory.getbasetemp()
    folder = (shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared) / "recording"
    folder.mkdir(exist_ok=True)
    address, done = folder / "archive", folder / "done"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            scenario = Scenario("tansu", 4, "0", workers=2, kills=1, part_size=60)
            asyncio.run(record(scenario, market(5, 3), folder, str(address)))
            done.touch()
    return str(address)
