"""On a real Apache Kafka: broker, workers and database go away in mid-stream; nothing is lost."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from embedded.kafka import ApacheKafka
from embedded.stack import Stack
from tests.integration.streams.agents.rig import Rig, market, rig

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

Trouble = Callable[[Rig, int], Awaitable[None]]
Away = Callable[[ApacheKafka, float], Awaitable[None]]
Tables = dict[str, list[str]]
ASSETS, CYCLES = 3, 2
LAST_TICKS = 13
"""The wave of the ticks of the second cycle."""


async def _tables(
    stack: Stack, folder: Path, name: str, trouble: Trouble | None, worker_count: int = 1
) -> Tables:
    """Play the market with trouble after some wave; return what is in the database then."""
    async with rig(stack.env(), folder, name=name, worker_count=worker_count) as running:

        async def on_wave(number: int) -> None:
            if trouble is not None:
                await trouble(running, number)

        await running.play(market(ASSETS, CYCLES), on_wave)
        await running.stored()
        return await running.tables()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def calm(kafka_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """Return the tables of a run without trouble."""
    tables = await _tables(kafka_stack, tmp_path_factory.mktemp("calm"), "calm", None)
    assert len(tables["strategy_signals"]) >= 4 * ASSETS * CYCLES
    assert len(tables["signal_explanations"]) == 4 * ASSETS * CYCLES
    assert len(tables["trending_assets"]) == ASSETS * CYCLES
    return tables


@pytest.mark.long  # test_crashes.py kills the one worker, and below one of two is killed
async def test_the_worker_killed_twice(calm: Tables, kafka_stack: Stack, folder: Path) -> None:
    restarts: list[int] = []

    async def kill_it(running: Rig, number: int) -> None:
        if number in (2, 9):
            running.kill_worker()
        restarts.append(running.workers[0].restarts)

    assert await _tables(kafka_stack, folder, "killed", kill_it) == calm
    assert restarts[-1] >= 2


@pytest.mark.parametrize(
    "waves",
    [
        pytest.param((10,), id="once"),
        pytest.param((3, 10), id="twice", marks=pytest.mark.long),
    ],
)
async def test_broker_killed_and_restarted(
    calm: Tables, kafka: ApacheKafka, kafka_stack: Stack, folder: Path, waves: tuple[int, ...]
) -> None:
    async def kill_broker(running: Rig, number: int) -> None:
        if number in waves:
            await _killed(kafka, 2.0)

    assert await _tables(kafka_stack, folder, f"broker{len(waves)}", kill_broker) == calm


async def _killed(kafka: ApacheKafka, seconds: float) -> None:
    await kafka.kill()
    await asyncio.sleep(seconds)
    await kafka.start()


async def _frozen(kafka: ApacheKafka, seconds: float) -> None:
    """Stop the broker's process: its connections stay open and nothing is answered."""
    pid = kafka.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize(
    ("away", "seconds"),
    [
        pytest.param(_killed, 30.0, id="killed for 30 s", marks=pytest.mark.long),
        pytest.param(_frozen, 10.0, id="frozen", marks=pytest.mark.long),
    ],
)
async def test_broker_away_for_longer_than_any_session(
    calm: Tables, kafka: ApacheKafka, kafka_stack: Stack, folder: Path, away: Away, seconds: float
) -> None:
    stored, restarts = [], []

    async def take_away(running: Rig, number: int) -> None:
        if number == LAST_TICKS:
            await running.publisher.flush()  # which gives up after 40 s: it is not on trial here
            await away(kafka, seconds)
            stored.extend(await running.fetch("SELECT signal_id FROM strategy_signals"))
            await running.barrier(running.publisher.positions())
        restarts.append(running.workers[0].restarts)

    name = f"away{seconds:.0f}"
    assert await _tables(kafka_stack, folder, name, take_away) == calm
    assert 0 < len(stored) < len(calm["strategy_signals"])
    assert restarts[-1] == 0  # they waited


@pytest.mark.parametrize(
    "waves",
    [
        pytest.param((2, LAST_TICKS), id="two times", marks=pytest.mark.long),
        pytest.param((2, 5, 9, 13, 17), id="five times", marks=pytest.mark.long),
    ],
)
async def test_two_workers_of_which_one_is_killed(
    calm: Tables, kafka_stack: Stack, folder: Path, waves: tuple[int, ...]
) -> None:
    kills = []

    async def kill_one(running: Rig, number: int) -> None:
        if number in waves:
            kills.append(number)
            running.kill_worker(1)

    name = f"shared{len(waves)}"
    killed = await _tables(kafka_stack, folder, name, kill_one, worker_count=2)
    assert len(kills) == len(waves)
    assert killed == calm


async def test_database_killed_and_restarted(
    calm: Tables, kafka_stack: Stack, folder: Path
) -> None:
    async def restart_database(running: Rig, number: int) -> None:
        if number == 4:
            await kafka_stack.database.kill()
        elif number == 12:
            await kafka_stack.database.start()

    assert await _tables(kafka_stack, folder, "database", restart_database) == calm
