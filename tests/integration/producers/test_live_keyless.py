"""A start without any key: what is asked, what comes of it, and what each source is worth."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import pytest
import uvloop

from producers.feeds.assembly import FEEDS
from schemas.engines import ENGINES
from schemas.market import CalendarEvent, Fundamentals, TrendingAsset
from schemas.signals import Signal
from schemas.topics import SIGNALS
from schemas.validation import problem
from simulator.keyless import is_covered
from tests.integration.producers.live_checks import market
from tests.integration.producers.live_harness import FEW, HOUR_MS, START_MS, live_day
from tests.integration.streams.agents.rig import rig

pytestmark = pytest.mark.embedded
KEYLESS = ("announcements", "coinmetrics", "feargreed")
COVERED = {asset.symbol for asset in FEW if is_covered(asset.symbol)}
HOURS = 4


@pytest.fixture(scope="module")
def event_loop_policy() -> uvloop.EventLoopPolicy:
    return uvloop.EventLoopPolicy()


@pytest.mark.slow
async def test_a_start_without_keys_asks_all_that_needs_none(tmp_path: Path) -> None:
    names = [name for name in FEEDS if name != "books"]
    async with live_day(tmp_path, keys=False) as day:
        await day.produce_until(START_MS + 3 * HOUR_MS, names)
        states = await day.states()
        events = await day.events()
        report = day.simulator.requests.report()
        followed = {event.asset for event in events[TrendingAsset]}
    assert report["violations"] == []
    assert {name for name, one in states.items() if one.state != "off"} == {
        *("coingecko", "rss", "binance", "universe", *KEYLESS)
    }
    assert {name: states[name].state for name in KEYLESS} == dict.fromkeys(KEYLESS, "ok")
    assert [text for one in market(events) if (text := problem(one))] == []
    chains = [one for one in events[Fundamentals] if one.source == "coinmetrics"]
    assert {one.asset for one in chains} == COVERED & followed
    assert all(one.measured_at and one.event_time < one.observed_at for one in chains)
    beats = {one.asset for one in events[CalendarEvent] if one.title == "calendar checked"}
    assert beats == COVERED & followed, "of the others nobody knows"
    ticks = events[TrendingAsset]
    last = max(tick.cycle for tick in ticks)
    moods = {tick.fear_greed for tick in ticks if tick.cycle == last}
    assert len(moods) == 1
    assert None not in moods
    assert any(tick.votes_up_pct is not None for tick in ticks)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_what_each_source_adds_to_the_confidence_of_a_keyless_start(tmp_path: Path) -> None:
    """Prints docs/producers.md's table: `pytest -m long -s` and this file."""
    runs = {"none of the three": KEYLESS}
    runs |= {f"with {name}": tuple(one for one in KEYLESS if one != name) for name in KEYLESS}
    runs |= {"all three": ()}
    found = {}
    for number, (title, off) in enumerate(runs.items()):
        found[title] = await _confidences(tmp_path / str(number), off)
    print("\n\n| asked | " + " | ".join([*ENGINES, "signal"]) + " |")
    print("|---" * (len(ENGINES) + 2) + "|")
    for title, values in found.items():
        told = (f"{values[name]:.2f}" for name in (*ENGINES, "signal"))
        print(f"| {title} | " + " | ".join(told) + " |")
    before, after = found["none of the three"], found["all three"]
    assert found["with announcements"]["event_risk"] > before["event_risk"]
    assert found["with coinmetrics"]["fundamental"] > before["fundamental"]
    assert found["with feargreed"]["sentiment"] > before["sentiment"]
    assert after["signal"] > before["signal"]


async def _confidences(folder: Path, off: Sequence[str]) -> dict[str, float]:
    """Return the mean confidence of the engines and of the signals after some hours."""
    folder.mkdir()
    more = {"QUANTIVA_GROUP": "test-live", "QUANTIVA_SOURCES_OFF": json.dumps(off)}
    async with live_day(folder, keys=False, more=more) as day:
        names = ("KAFKA_BOOTSTRAP_SERVERS", "SCHEMA_REGISTRY_URL", "QUANTIVA_BROKER")
        parts = {name: os.environ[name] for name in names}
        async with rig(parts, folder, name="live", with_sink=False):
            await day.produce_until(START_MS + HOURS * HOUR_MS)
            signals = (await day.events(SIGNALS.name))[Signal]
    by_cycle = defaultdict(list)
    for signal in signals:
        if signal.cycle is not None:
            by_cycle[signal.cycle].append(signal)
    whole = max(map(len, by_cycle.values()))
    last = by_cycle[max(cycle for cycle, these in by_cycle.items() if len(these) == whole)]
    values = {"signal": fmean(signal.confidence for signal in last)}
    for name in ENGINES:
        parts_of = [one for signal in last for one in signal.contributions if one.engine == name]
        values[name] = fmean(one.confidence for one in parts_of)
    return values
