"""How sure the engines are of a start without any key: `-s` prints the mean confidence by engine.

`quantiva status` prints the same of a running platform.
"""

from __future__ import annotations

from math import fsum
from pathlib import Path

import pytest
import uvloop

from producers.settings import SourceSettings
from schemas.events import TOPIC_OF, order_key
from schemas.scores import EngineScore
from simulator.keys import KEYS
from streams.runner import TopologyRunner
from streams.topology import stages
from tests.integration.producers.live_harness import CYCLE_MS, START_MS, live_day

pytestmark = pytest.mark.embedded
_CYCLES = 4


@pytest.fixture(scope="module")
def event_loop_policy() -> uvloop.EventLoopPolicy:
    return uvloop.EventLoopPolicy()


async def test_the_confidence_of_a_start_without_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with live_day(tmp_path, speed=60.0) as day:
        for name in KEYS:
            monkeypatch.delenv(f"{name.upper()}_API_KEY", raising=False)
        day.sources = SourceSettings()
        await day.produce_until(START_MS + _CYCLES * CYCLE_MS)
        found = await day.events()
    market = [event for kind, events in found.items() if kind in TOPIC_OF for event in events]
    runner, last = TopologyRunner(stages()), dict[tuple[str, str], EngineScore]()
    for event in sorted(market, key=order_key):
        for made in runner.publish(event):
            if isinstance(made.event, EngineScore):
                last[made.event.engine, made.event.asset] = made.event
    confidence: dict[str, list[float]] = {}
    for (engine, _), score in sorted(last.items()):
        confidence.setdefault(engine, []).append(score.confidence)
    means = {engine: fsum(all_) / len(all_) for engine, all_ in confidence.items()}
    print("keyless, mean confidence:", {name: round(mean, 3) for name, mean in means.items()})
    assert means["technical"] == pytest.approx(1.0)
    assert means["liquidity"] > 0.3
    assert means["fundamental"] > 0.1
