"""A worker that is killed leaves the same tables as one that is not.

On the embedded broker; `test_outages.py` has the same and more on Apache Kafka.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import pytest_asyncio

from embedded.stack import Stack
from marketdata.recorded.source import read_directory
from tests.integration.streams.agents.rig import Rig, market, rig

pytestmark = [pytest.mark.embedded, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

Tables = dict[str, list[str]]
ASSETS, CYCLES = 3, 2
CYCLES_AN_HOUR = 6


async def _played(
    environment: dict[str, str], folder: Path, name: str, kill_at: frozenset[int], processes: int
) -> tuple[Tables, Rig]:
    async with rig(environment, folder, name=name, processes=processes) as running:

        async def on_wave(number: int) -> None:
            if number in kill_at:
                running.kill_worker()

        waves = await running.play(market(ASSETS, CYCLES), on_wave)
        assert max(kill_at, default=0) < waves, "killed after the end: the test shows nothing"
        await running.stored()
        return await running.tables(), running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def calm(embedded_parts: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """Return the tables of a run without trouble, in one process."""
    folder = tmp_path_factory.mktemp("calm")
    tables, _ = await _played(embedded_parts, folder, "calm", frozenset(), 1)
    assert len(tables["strategy_signals"]) >= 4 * ASSETS * CYCLES
    assert len(tables["signal_explanations"]) == 4 * ASSETS * CYCLES
    assert len(tables["trending_assets"]) == ASSETS * CYCLES
    return tables


async def test_killed_in_mid_stream(
    calm: Tables, embedded_parts: dict[str, str], folder: Path
) -> None:
    killed, running = await _played(embedded_parts, folder, "killed", frozenset({2, 9}), 1)
    assert running.workers[0].restarts >= 2
    assert killed == calm


async def test_another_play_on_a_fresh_stack_in_two_processes_is_identical(
    calm: Tables, folder: Path
) -> None:
    async with Stack(fast=True) as stack:
        environment = {**stack.env(), "QUANTIVA_SESSION_TIMEOUT_S": "3"}
        again, _ = await _played(environment, folder, "play", frozenset(), 2)
    assert again == calm


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "hours", [pytest.param(1, id="an hour"), pytest.param(6, id="6 h", marks=pytest.mark.long)]
)
async def test_recorded_data_played_twice_gives_identical_signals(
    shared_data: Path, embedded_parts: dict[str, str], folder: Path, hours: int
) -> None:
    start_ms = 1_646_092_800_000  # 2022-03-01
    plays = []
    for number in range(2):
        name = f"recorded{hours}-{number}"
        async with rig(embedded_parts, folder, name=name) as running:
            events = read_directory(shared_data, start_ms, start_ms + hours * 3_600_000)
            await running.play(events)
            await running.stored()
            plays.append(await running.tables())
    assert len(plays[0]["strategy_signals"]) >= CYCLES_AN_HOUR * hours * 5 * 4
    assert plays[0] == plays[1]
