"""Upstreams go away and come back under the whole pipeline, at 600x and more."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvloop

from producers.feeds.assembly import FEEDS
from schemas.market import TrendingAsset
from schemas.signals import Signal
from schemas.sources import SourceStatus
from schemas.topics import SIGNALS, TRENDING
from simulator.faults import Fault
from tests.integration.producers.live_harness import CYCLE_MS, FEW, HOUR_MS, LiveDay, live_day
from tests.integration.streams.agents.rig import rig

pytestmark = pytest.mark.embedded
_STRATEGIES = 4
HANGS_S = 180.0
"""Only what hangs takes so long, also on a busy machine."""


@pytest.fixture(scope="module")
def event_loop_policy() -> uvloop.EventLoopPolicy:
    return uvloop.EventLoopPolicy()


@contextlib.asynccontextmanager
async def _pipeline(folder: Path, speed: float = 300.0) -> AsyncIterator[LiveDay]:
    """Yield a day whose topics are read by a worker."""
    async with live_day(folder, speed=speed, more={"QUANTIVA_GROUP": "test-live"}) as day:
        names = ("KAFKA_BOOTSTRAP_SERVERS", "SCHEMA_REGISTRY_URL", "QUANTIVA_BROKER")
        parts = {name: os.environ[name] for name in names}
        async with rig(parts, folder, name="live", with_sink=False):
            yield day


async def _play(
    day: LiveDay, script: Callable[[], object], names: Sequence[str] = FEEDS
) -> dict[int, list[Signal]]:
    """Run the producers while the script runs; return the signals by cycle."""
    playing = asyncio.ensure_future(script())  # type: ignore[arg-type]
    await day.produce(playing.done, names)
    await playing
    last = max(tick.cycle for tick in (await day.events(TRENDING.name))[TrendingAsset])
    async with asyncio.timeout(HANGS_S):  # until the workers are through
        while not _is_whole((by_cycle := await _signals(day))[last]):
            await asyncio.sleep(0.2)
    return by_cycle


async def _signals(day: LiveDay) -> dict[int, list[Signal]]:
    by_cycle: dict[int, list[Signal]] = defaultdict(list)
    for signal in (await day.events(SIGNALS.name))[Signal]:
        if signal.cycle is not None:
            by_cycle[signal.cycle].append(signal)
    return by_cycle


def _is_whole(signals: Sequence[Signal]) -> bool:
    """Whether every asset has a signal of every strategy."""
    return len({(one.asset, one.strategy_id) for one in signals}) == _STRATEGIES * len(FEW)


async def _ready(day: LiveDay, cycles: int) -> None:
    while "ready" not in day.lines:
        await asyncio.sleep(0.02)
    await day.simulator.clock.sleep(cycles * CYCLE_MS / 1000)


async def _until(
    day: LiveDay, names: Iterable[str], ok: Callable[[SourceStatus], bool], longest_ms: int
) -> dict[str, SourceStatus]:
    """Return what the producers say of sources as soon as that is so, or the time is over."""
    until_ms = day.now_ms + longest_ms
    while True:
        states = await day.states()
        found = {name: states[name] for name in names}
        if all(map(ok, found.values())) or day.now_ms > until_ms:
            return found
        await asyncio.sleep(0.2)


def _confidence(signals: Sequence[Signal]) -> float:
    return sum(signal.confidence for signal in signals) / len(signals)


def _detail(signals: Sequence[Signal], key: str) -> set[str]:
    return {signal.detail.get(key, "") for signal in signals}


def _best_before(by_cycle: dict[int, list[Signal]], time_ms: int) -> list[Signal]:
    """Return the surest of the last six cycles: at 900x a busy moment costs one its list."""
    cycles = sorted(cycle for cycle in by_cycle if cycle <= time_ms)
    return max((by_cycle[cycle] for cycle in cycles[-6:]), key=_confidence)


async def _signals_went_on(day: LiveDay, by_cycle: dict[int, list[Signal]]) -> None:
    """Every asset has a signal of every strategy in every cycle; most cycles have ticks.

    A second without time for us is half a cycle at 300x. It may be missed, half of
    them on a busy machine, but not in silence.
    """
    cycles = sorted({tick.cycle for tick in (await day.events(TRENDING.name))[TrendingAsset]})
    missing = len(range(cycles[0], cycles[-1] + 1, CYCLE_MS)) - len(cycles)
    assert missing <= day.missed("trending") <= len(cycles)
    assert [cycle for cycle in cycles if not _is_whole(by_cycle[cycle])] == []


@dataclass
class Outage:
    """Upstreams that go together, and what the signals then say (a key of `detail`, a part)."""

    names: tuple[str, ...]
    says: dict[str, str] = field(default_factory=dict)
    span: tuple[int, int] = (0, 0)
    back_ms: int = 0
    states: dict[str, SourceStatus] = field(default_factory=dict)


# The two that are asked hourly come first: it takes them an hour to show that they are back.
_KEYLESS = ("announcements", "coinmetrics", "feargreed")
_HOURLY = (_KEYLESS, ("coinmarketcal",), ("coingecko",), ("cryptonews", "stocknews"))
_OFTEN = (("rss",), ("lunarcrush",), ("binance",))
_SAYS = {
    "lunarcrush": {"sentiment.social": "only"},
    "binance": {"liquidity.status": "stale", "liquidity.stale": "book is"},
}


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize(
    "together",
    [pytest.param(_OFTEN, id="those asked often"), pytest.param((*_HOURLY, *_OFTEN), id="each")],
)
async def test_upstreams_unplugged_in_turn(
    tmp_path: Path, together: tuple[tuple[str, ...], ...]
) -> None:
    outages = [Outage(names, _SAYS.get(names[0], {})) for names in together]
    final: dict[str, SourceStatus] = {}
    async with _pipeline(tmp_path) as day:

        async def script() -> None:
            await _ready(day, 4)
            for outage in outages:
                await _take_away(day, outage)
            final.update(await _until(day, await day.states(), _is_ok, 2 * HOUR_MS))

        by_cycle = await _play(day, script)
        await _signals_went_on(day, by_cycle)
        for outage in outages:
            _was_told(outage, by_cycle)
        assert {name: one.state for name, one in final.items() if one.state != "ok"} == {}


def _is_ok(status: SourceStatus) -> bool:
    return status.state == "ok"


async def _take_away(day: LiveDay, outage: Outage) -> None:
    begun_ms = day.now_ms
    numbers = [day.simulator.faults.unplug(name) for name in outage.names]
    # At least four cycles, and until it shows: at the latest two hours after.
    await day.simulator.clock.sleep(4 * CYCLE_MS / 1000)
    outage.states = await _until(
        day, outage.names, lambda status: not _is_ok(status), 2 * HOUR_MS - 4 * CYCLE_MS
    )
    outage.span = begun_ms, day.now_ms
    for number in numbers:
        day.simulator.faults.remove(number)
    await day.simulator.clock.sleep(3 * CYCLE_MS / 1000)
    outage.back_ms = day.now_ms


def _was_told(outage: Outage, by_cycle: dict[int, list[Signal]]) -> None:
    for name, status in outage.states.items():
        assert status.state in ("degraded", "failing"), name
        assert status.detail, name
        assert status.last_error is not None, name
        assert f"{name}:" in status.last_error
    if not outage.says:  # others have the same, or what they say lasts for hours
        return
    begun_ms, ended_ms = outage.span
    before = _best_before(by_cycle, begun_ms)
    during = by_cycle[max(cycle for cycle in by_cycle if cycle <= ended_ms)]
    back = {cycle: found for cycle, found in by_cycle.items() if cycle > ended_ms}
    after = _best_before(back, outage.back_ms)
    for key, text in outage.says.items():
        assert all(text in one for one in _detail(during, key)), key
    key, text = next(iter(outage.says.items()))
    assert not any(text in one for one in (*_detail(before, key), *_detail(after, key))), key
    assert _confidence(during) < 0.99 * _confidence(before)
    assert _confidence(after) > 1.01 * _confidence(during)


@pytest.mark.slow
async def test_sources_that_are_away_at_the_start_and_come_later(tmp_path: Path) -> None:
    marks: list[int] = []
    async with _pipeline(tmp_path) as day:
        faults = day.simulator.faults
        for name in (*_KEYLESS, "cryptonews", "stocknews", "rss", "coinmarketcal", "coingecko"):
            faults.unplug(name)
        faults.add(Fault(upstream="lunarcrush", kind="unplugged", path="/topic"))

        async def script() -> None:
            await _ready(day, 5)
            marks.append(day.now_ms)
            faults.clear()
            # Those that are asked hourly are the last to come.
            await _until(day, await day.states(), _is_ok, 5 * HOUR_MS)
            await day.simulator.clock.sleep(4 * CYCLE_MS / 1000)
            marks.append(day.now_ms)

        by_cycle = await _play(day, script)
        await _signals_went_on(day, by_cycle)
        before = by_cycle[max(cycle for cycle in by_cycle if cycle <= marks[0])]
        after = by_cycle[max(cycle for cycle in by_cycle if cycle <= marks[1])]
        assert _detail(before, "sentiment.news") == {"none in 24 h"}
        assert _detail(after, "sentiment.news") == {""}
        assert all("no record" in one for one in _detail(before, "event_risk.calendar"))
        assert _detail(after, "event_risk.calendar") == {""}
        assert _confidence(after) > 1.1 * _confidence(before)
        assert {one.state for one in (await day.states()).values()} == {"ok"}


@pytest.mark.long
@pytest.mark.timeout(400)
async def test_two_days_with_the_exchange_alone(tmp_path: Path) -> None:
    # Without books, at 900x: fifty hours are two hundred seconds.
    names = [name for name in FEEDS if name != "books"]
    others = ("lunarcrush", "coingecko", "cryptonews", "stocknews", "coinmarketcal", "rss")
    others += _KEYLESS
    marks: list[int] = []
    states: dict[str, SourceStatus] = {}
    async with _pipeline(tmp_path, speed=900.0) as day:

        async def script() -> None:
            await _ready(day, 18)
            marks.append(day.now_ms)
            numbers = [day.simulator.faults.unplug(name) for name in others]
            await day.simulator.clock.sleep(50 * HOUR_MS / 1000)
            marks.append(day.now_ms)
            states.update(await day.states())
            for number in numbers:
                day.simulator.faults.remove(number)
            await day.simulator.clock.sleep(4 * HOUR_MS / 1000)
            marks.append(day.now_ms)

        by_cycle = await _play(day, script, names)
        ticks = (await day.events(TRENDING.name))[TrendingAsset]
        held = {tick.source for tick in ticks if marks[0] + CYCLE_MS < tick.cycle < marks[1]}
        assert held == {"exchange"}
        await _signals_went_on(day, by_cycle)
        before, during, after = (_best_before(by_cycle, mark) for mark in marks)
        for key, text in {
            "sentiment.news": "none in 24 h",
            "sentiment.social": "no metrics",
            "fundamental.fundamentals": "none in 24 h",
            "event_risk.calendar": "no record for",
            "event_risk.status": "stale",
        }.items():
            assert not any(text in one for one in _detail(before, key)), key
            assert all(text in one for one in _detail(during, key)), key
            assert not any(text in one for one in _detail(after, key)), key
        assert _confidence(during) < 0.75 * _confidence(before)
        assert _confidence(after) > 0.9 * _confidence(before)
        assert {name: one.state for name, one in states.items() if one.state != "failing"} == {
            "binance": "ok"
        }
        # At 900x a busy moment is a timeout: what was last asked for may have had one.
        back = await day.states()
        assert {name: one for name, one in back.items() if one.state == "failing"} == {}
