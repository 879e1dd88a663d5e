"""On a real Apache Kafka: broker, workers and database go away in mid-stream; nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from embedded.kafka import ApacheKafka
from embedded.stack import Stack
from tests.integration.worker.rig import Rig, market, rig

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

Trouble = Callable[[Rig, int], Awaitable[None]]


async def _tables(
    stack: Stack, folder: Path, name: str, trouble: Trouble | None, worker_count: int = 1
) -> dict[str, list[str]]:
    async with rig(stack.env(), folder, name=name, worker_count=worker_count) as running:

        async def on_wave(number: int) -> None:
            if trouble is not None:
                await trouble(running, number)

        await running.play(market(), on_wave)
        await running.stored()
        return await running.tables()


async def test_broker_killed_and_restarted(
    kafka: ApacheKafka, kafka_stack: Stack, folder: Path
) -> None:
    calm = await _tables(kafka_stack, folder, "calm", None)

    async def kill_broker(running: Rig, number: int) -> None:
        if number in (3, 10):
            await kafka.kill()
            await asyncio.sleep(2.0)
            await kafka.start()

    assert await _tables(kafka_stack, folder, "broker", kill_broker) == calm
    assert len(calm["strategy_signals"]) >= 48


async def test_two_workers_of_which_one_is_killed_five_times(
    kafka_stack: Stack, folder: Path
) -> None:
    calm = await _tables(kafka_stack, folder, "calm", None)
    kills = []

    async def kill_one(running: Rig, number: int) -> None:
        if number in (2, 5, 9, 13, 17):
            kills.append(number)
            running.kill_worker(1)

    killed = await _tables(kafka_stack, folder, "shared", kill_one, worker_count=2)
    assert len(kills) == 5
    assert killed == calm


async def test_database_killed_and_restarted(kafka_stack: Stack, folder: Path) -> None:
    calm = await _tables(kafka_stack, folder, "calm", None)

    async def restart_database(running: Rig, number: int) -> None:
        if number == 4:
            await kafka_stack.database.kill()
        elif number == 12:
            await kafka_stack.database.start()

    assert await _tables(kafka_stack, folder, "database", restart_database) == calm
