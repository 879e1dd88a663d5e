"""A worker that is killed in mid-stream tells the same outcomes; so does a replay of its log."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from schemas.outcomes import Outcome
from schemas.partitioning import partition_of
from schemas.scores import EngineScore
from schemas.signals import Signal
from schemas.topics import OUTCOMES, SCORES, SIGNALS
from streams.runner import StageRunner
from streams.topology import stage
from tests.integration.streams.agents.rig import Rig, rig
from tests.unit.streams.outcomes.test_outcomes_stage import answers, signal
from transport import records
from transport.log_reader import LogReader

pytestmark = [pytest.mark.embedded, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

ASSETS = ("BTC", "ETH", "SOL", "XRP")
CYCLES, WAVE = 40, 260


def _happens(random: Random) -> Iterator[Any]:
    """Yield scores and signals of all assets, cycle by cycle."""
    prices = dict.fromkeys(ASSETS, 100.0)
    for number in range(CYCLES):
        for asset in ASSETS:
            prices[asset] *= 1.0 + random.gauss(0.0, 0.02)
            for one in answers(number, prices[asset], random.uniform(-1.0, 1.0)):
                yield replace(one, asset=asset)
            for name in ("bold", "careful"):
                one = signal(number, prices[asset], name, final_score=random.uniform(-1.0, 1.0))
                yield replace(one, asset=asset, signal_id=f"{name}-{asset}-{number}")


def _expected(happening: list[Any], partitions: int) -> list[Outcome]:
    """Return what the stage makes of it in this process: of all scores first, then the signals."""
    runner = StageRunner(stage("outcomes"), partitions)
    offsets: dict[tuple[str, int], int] = {}
    found = []
    for event in sorted(happening, key=lambda one: hasattr(one, "signal_id")):
        topic = SIGNALS.name if hasattr(event, "signal_id") else SCORES.name
        key = event.asset.encode()
        partition = partition_of(key, partitions)
        offset = offsets[topic, partition] = offsets.get((topic, partition), -1) + 1
        found += [one.event for one in runner.apply(topic, partition, offset, key, event)]
    return found


async def _written(running: Rig) -> list[Outcome]:
    """Return the outcomes in the log; one that was written again after a kill is there once."""
    found: dict[str, Outcome] = {}
    async with LogReader(running.settings) as reader:
        wanted = (await reader.partitions())[OUTCOMES.name]
        begins, ends = await reader.begins(wanted), await reader.ends(wanted)
        async for read in reader.scan({tp: (begins[tp], ends[tp]) for tp in wanted}):
            for record in read:
                event = running.codec.decode(record.value)
                assert found.setdefault(event.outcome_id, event) == event
    return list(found.values())


async def test_killed_in_mid_stream_the_outcomes_are_the_same(
    embedded_parts: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, topic in ((EngineScore, SCORES), (Signal, SIGNALS)):  # which producers do not publish
        monkeypatch.setitem(records._TOPICS, kind, topic)
        monkeypatch.setitem(records._TIME_FIELD, kind, "as_of")
    happening = list(_happens(Random(16)))
    async with rig(
        embedded_parts, folder, name="outcomes", stage_list=["outcomes"], with_sink=False
    ) as running:
        kills = 0
        for at in range(0, len(happening), WAVE):
            await running.publisher.publish_many(happening[at : at + WAVE])
            await running.publisher.flush()
            if at // WAVE in {1, 3}:
                await asyncio.sleep(kills * 0.05)  # before, and while it takes the wave
                running.kill_worker()
                kills += 1
            await running.barrier(running.publisher.positions())
        assert running.workers[0].restarts >= kills - 1  # one may hit a process that only starts
        written = await _written(running)
        expected = _expected(happening, running.settings.partitions)
    assert {one.horizon for one in expected} == {"1h", "4h"}
    assert {one.kind for one in expected} == {"score", "signal"}
    assert len(expected) > 500
    assert sorted(map(repr, written)) == sorted(map(repr, expected))
