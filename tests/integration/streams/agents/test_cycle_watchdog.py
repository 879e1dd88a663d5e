"""An engine that is silent does not stop a cycle: it is written off, and said to be missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.agents.process import WATCHDOG
from streams.topology import stage_names
from tests.integration.streams.agents.rig import market, rig


@pytest.mark.embedded
async def test_a_silent_engine_is_missing_in_every_signal(
    embedded_parts: dict[str, str], folder: Path
) -> None:
    without = [name for name in (*stage_names(), WATCHDOG) if name != "technical"]
    async with rig(embedded_parts, folder, name="silent", stage_list=without, grace_s=1.0) as run:
        events = market(assets=3, cycles=1)
        await run.publisher.publish_many(events)
        await run.publisher.flush()
        while run.sink.status.rows["signal_explanations"] < 12:
            await run.barrier.read_by(run.settings.group_id("fusion"), ["engine.scores"])
        signals = await run.fetch(
            "SELECT technical_score, metadata->'detail' AS detail FROM strategy_signals "
            "JOIN signal_details USING (signal_id) WHERE trigger = 'cycle'"
        )
        assert len(signals) == 12
        assert all("technical" in row["detail"] for row in signals)
