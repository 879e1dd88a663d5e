"""A worker that is killed in mid-stream leaves the same model portfolios, to the cent.

The decisions are published here, so that what they lead to is known: the stage itself over them, in
this process, without any trouble.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from schemas.partitioning import partition_of
from schemas.signals import Decision, OpenPosition
from schemas.topics import DECISIONS, EQUITY, SIGNALS, TOP, TRADES, logical
from streams.runner import StageRunner
from streams.topology import stage
from tests.factories import CYCLE_MS, START_MS
from tests.integration.streams.agents.rig import Rig, rig
from tests.unit.streams.confidence.worked import decision
from transport.log_reader import LogReader

pytestmark = [pytest.mark.embedded, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

ASSETS = ("BTC", "ETH", "SOL", "XRP", "ADA", "DOGE")
STRATEGIES = ("bold", "careful", "quick")
CYCLES, WAVE = 60, 180
OUTPUTS = (SIGNALS.name, TOP.name, TRADES.name, EQUITY.name)


def _happens(random: Random) -> Iterator[Decision]:
    """Yield the decisions of all strategies, with capital events and ends of cycles between."""
    prices = dict.fromkeys(ASSETS, 100.0)
    for number in range(CYCLES):
        cycle = START_MS + number * CYCLE_MS
        for asset in ASSETS:
            prices[asset] *= 1.0 + random.gauss(0.0, 0.02)
            for strategy_id in STRATEGIES:
                book: dict[str, Any] = {"spread_bps": random.uniform(1.0, 9.0)}
                yield decision(
                    asset,
                    cycle,
                    strategy_id=strategy_id,
                    decision_id=f"{strategy_id}-{asset}-{number}",
                    action=random.choice(("BUY", "BUY", "SELL", "HOLD")),
                    trigger="cycle",
                    cycle=cycle,
                    cycle_size=len(ASSETS) + number % 2,
                    price_usd=prices[asset],
                    position=OpenPosition(prices[asset], cycle, prices[asset] * 0.93),
                    daily_returns=tuple(random.gauss(0.0, 0.03) for _ in range(60)),
                    returns_until=cycle,
                    **(book if random.random() < 0.7 else {"spread_bps": None, "features": {}}),
                )
        for strategy_id in STRATEGIES:
            head: dict[str, Any] = {"strategy_id": strategy_id, "as_of": cycle + 1}
            if number % 2:
                name = f"{strategy_id}-end-{number}"
                yield Decision(decision_id=name, kind="cycle_end", cycle=cycle, **head)
            if number % 7 == 3:
                kind = ("deposit", "withdrawal", "reset")[number % 3]
                name = f"{strategy_id}-{kind}-{number}"
                yield Decision(decision_id=name, kind=kind, amount_usd=9_000.5, **head)


def _expected(happening: list[Decision], partitions: int) -> dict[str, list[Any]]:
    """Return what the stage makes of the decisions, by topic."""
    runner = StageRunner(stage("confidence"), partitions)
    offsets = dict.fromkeys(range(partitions), 0)
    found: dict[str, list[Any]] = {topic: [] for topic in OUTPUTS}
    for event in happening:
        key = event.strategy_id.encode()
        partition = partition_of(key, partitions)
        for output in runner.apply(DECISIONS.name, partition, offsets[partition], key, event):
            found[output.topic].append(output.event)
        offsets[partition] += 1
    return found


async def _written(running: Rig) -> dict[str, list[Any]]:
    """Return what the worker wrote, by topic; what it wrote again after a kill is there once."""
    found: dict[str, dict[str, Any]] = {}
    async with LogReader(running.settings) as reader:
        partitions = await reader.partitions()
        wanted = [one for topic in OUTPUTS for one in partitions[topic]]
        begins, ends = await reader.begins(wanted), await reader.ends(wanted)
        async for records in reader.scan({tp: (begins[tp], ends[tp]) for tp in wanted}):
            for record in records:
                event = running.codec.decode(record.value)
                events = found.setdefault(logical(record.topic, running.settings.prefix), {})
                events[repr(event)] = event
    return {topic: list(events.values()) for topic, events in found.items()}


def _sorted(events: list[Any]) -> list[str]:
    return sorted(map(repr, events))


async def test_killed_in_mid_stream_the_portfolios_are_the_same(
    embedded_parts: dict[str, str], folder: Path
) -> None:
    happening = list(_happens(Random(15)))
    async with rig(
        embedded_parts, folder, name="portfolio", stage_list=["confidence"], with_sink=False
    ) as running:
        kills = 0
        for at in range(0, len(happening), WAVE):
            await running.publisher.publish_many(happening[at : at + WAVE])
            await running.publisher.flush()
            if at // WAVE in {1, 3, 4}:
                await asyncio.sleep(kills * 0.05)  # before, while and after it takes the wave
                running.kill_worker()
                kills += 1
            await running.barrier(running.publisher.positions())
        assert running.workers[0].restarts >= kills - 1  # one may hit a process that only starts
        written = await _written(running)
        expected = _expected(happening, running.settings.partitions)
    assert len(expected[TRADES.name]) > 200
    assert {one.side for one in expected[TRADES.name]} == {"buy", "sell"}
    for topic in (TRADES.name, EQUITY.name, TOP.name, SIGNALS.name):
        ours, theirs = expected[topic], written[topic]
        assert len(theirs) == len(ours), topic
        assert _sorted(theirs) == _sorted(ours), topic
