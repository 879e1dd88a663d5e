"""A worker that is killed leaves the same tables as one that is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from embedded.stack import Stack
from marketdata.recorded.source import read_directory
from tests.integration.streams.agents.rig import Rig, market, rig


async def _run(
    environment: dict[str, str], folder: Path, name: str, kill_at: frozenset[int], **options: Any
) -> tuple[dict[str, list[str]], Rig]:
    async with rig(environment, folder, name=name, **options) as running:

        async def on_wave(number: int) -> None:
            if number in kill_at:
                running.kill_worker()

        waves = await running.play(market(), on_wave)
        assert max(kill_at, default=0) < waves, "killed after the end: the test shows nothing"
        await running.stored()
        return await running.tables(), running


def _assert_whole(tables: dict[str, list[str]]) -> None:
    assert len(tables["strategy_signals"]) >= 4 * 4 * 3
    assert len(tables["signal_explanations"]) == 4 * 4 * 3
    assert len(tables["trending_assets"]) == 4 * 3


@pytest.mark.embedded
@pytest.mark.slow
async def test_killed_in_mid_stream_on_the_embedded_broker(
    embedded_parts: dict[str, str], folder: Path
) -> None:
    calm, _ = await _run(embedded_parts, folder, "calm", frozenset())
    _assert_whole(calm)
    killed, running = await _run(embedded_parts, folder, "killed", frozenset({2, 9}))
    assert running.workers[0].restarts >= 2
    assert killed == calm


@pytest.mark.kafka
@pytest.mark.slow
async def test_killed_in_mid_stream_on_apache_kafka(kafka_stack: Stack, folder: Path) -> None:
    calm, _ = await _run(kafka_stack.env(), folder, "calm", frozenset())
    _assert_whole(calm)
    killed, running = await _run(kafka_stack.env(), folder, "killed", frozenset({2, 9}))
    assert running.workers[0].restarts >= 2
    assert killed == calm


@pytest.mark.embedded
@pytest.mark.slow
async def test_two_plays_on_fresh_stacks_are_identical(folder: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("QUANTIVA_BROKER", "tansu")
    plays = []
    for number in range(2):
        async with Stack(fast=True) as stack:
            environment = {**stack.env(), "QUANTIVA_SESSION_TIMEOUT_S": "3"}
            tables, _ = await _run(
                environment, folder / str(number), "play", frozenset(), processes=1 + number
            )
            plays.append(tables)
    _assert_whole(plays[0])
    assert plays[0] == plays[1]


@pytest.mark.embedded
@pytest.mark.slow
@pytest.mark.shared_data
async def test_recorded_data_played_twice_gives_identical_signals(
    shared_data: Path, folder: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("QUANTIVA_BROKER", "tansu")
    start_ms = 1_646_092_800_000  # 2022-03-01
    plays = []
    for number in range(2):
        async with Stack(fast=True) as stack:
            environment = {**stack.env(), "QUANTIVA_SESSION_TIMEOUT_S": "3"}
            async with rig(environment, folder / str(number), name="recorded") as running:
                await running.play(read_directory(shared_data, start_ms, start_ms + 6 * 3_600_000))
                await running.stored()
                plays.append(await running.tables())
    assert len(plays[0]["strategy_signals"]) >= 36 * 5 * 4
    assert plays[0] == plays[1]
