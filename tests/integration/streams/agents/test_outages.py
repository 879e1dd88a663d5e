"""On a real Apache Kafka: broker, workers and database go away in mid-stream; nothing is lost."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from embedded.kafka import ApacheKafka
from embedded.stack import Stack
from tests.integration.streams.agents.rig import Rig, market, rig

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

Trouble = Callable[[Rig, int], Awaitable[None]]
Away = Callable[[ApacheKafka, float], Awaitable[None]]
Tables = dict[str, list[str]]

_calm: Tables = {}


async def _tables(
    stack: Stack, folder: Path, name: str, trouble: Trouble | None, worker_count: int = 1
) -> Tables:
    async with rig(stack.env(), folder, name=name, worker_count=worker_count) as running:

        async def on_wave(number: int) -> None:
            if trouble is not None:
                await trouble(running, number)

        await running.play(market(), on_wave)
        await running.stored()
        return await running.tables()


async def _undisturbed(stack: Stack, folder: Path) -> Tables:
    """Return the tables of a run without trouble, made by the first test that asks."""
    if not _calm:
        _calm.update(await _tables(stack, folder, "calm", None))
    return _calm


async def test_broker_killed_and_restarted(
    kafka: ApacheKafka, kafka_stack: Stack, folder: Path
) -> None:
    calm = await _undisturbed(kafka_stack, folder)

    async def kill_broker(running: Rig, number: int) -> None:
        if number in (3, 10):
            await kafka.kill()
            await asyncio.sleep(2.0)
            await kafka.start()

    assert await _tables(kafka_stack, folder, "broker", kill_broker) == calm
    assert len(calm["strategy_signals"]) >= 48


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
        pytest.param(_frozen, 10.0, id="frozen"),
    ],
)
async def test_broker_away_for_longer_than_any_session(
    kafka: ApacheKafka, kafka_stack: Stack, folder: Path, away: Away, seconds: float
) -> None:
    calm = await _undisturbed(kafka_stack, folder)
    stored, restarts = [], []

    async def take_away(running: Rig, number: int) -> None:
        if number == 13:  # the ticks of the second of three cycles
            await running.publisher.flush()  # which gives up after 40 s: it is not on trial here
            await away(kafka, seconds)
            stored.extend(await running.fetch("SELECT signal_id FROM strategy_signals"))
            await running.barrier(running.publisher.positions())
        restarts.append(running.workers[0].restarts)

    assert await _tables(kafka_stack, folder, "away", take_away) == calm
    assert 0 < len(stored) < len(calm["strategy_signals"])
    assert restarts[-1] == 0  # they waited


async def test_two_workers_of_which_one_is_killed_five_times(
    kafka_stack: Stack, folder: Path
) -> None:
    calm = await _undisturbed(kafka_stack, folder)
    kills = []

    async def kill_one(running: Rig, number: int) -> None:
        if number in (2, 5, 9, 13, 17):
            kills.append(number)
            running.kill_worker(1)

    killed = await _tables(kafka_stack, folder, "shared", kill_one, worker_count=2)
    assert len(kills) == 5
    assert killed == calm


async def test_database_killed_and_restarted(kafka_stack: Stack, folder: Path) -> None:
    calm = await _undisturbed(kafka_stack, folder)

    async def restart_database(running: Rig, number: int) -> None:
        if number == 4:
            await kafka_stack.database.kill()
        elif number == 12:
            await kafka_stack.database.start()

    assert await _tables(kafka_stack, folder, "database", restart_database) == calm
