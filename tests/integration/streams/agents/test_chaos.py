"""Two workers, of which one sleeps past its session or dies at a random moment: nothing differs.

A short form of `make chaos`. Where there are no transactions a record may stand twice, but the same
record; on Apache Kafka none does. Without transactions a window is left between the look at the
clock and the write: on a machine that is busy with other tests it is wide enough to be met.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded.kafka import ApacheKafka
from embedded.stack import Stack
from tests.chaos.campaign import Campaign, Differences, Plan

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

PLAN = Plan({"worker asleep": 2, "worker killed": 1}, cycles=5)


async def _differences(campaign: Campaign, name: str) -> Differences:
    clean = await campaign.play(f"clean-{name}", PLAN, with_faults=False)
    assert len(clean.records["engine.scores"]) > 1_000
    return Differences.between(clean, await campaign.play(f"chaos-{name}", PLAN))


@pytest.mark.kafka
async def test_on_apache_kafka_nothing_is_lost_and_nothing_doubled(
    kafka: ApacheKafka, kafka_stack: Stack, folder: Path
) -> None:
    campaign = Campaign(kafka_stack, kafka, folder)
    assert await _differences(campaign, "kafka") == Differences(0, 0, 0, 0)


@pytest.mark.embedded
@pytest.mark.long
async def test_on_the_embedded_broker_nothing_is_lost_and_nothing_changed(folder: Path) -> None:
    async with Stack(fast=True) as stack:
        found = await _differences(Campaign(stack, None, folder), "tansu")
    assert found._replace(doubled=0) == Differences(0, 0, 0, 0)
