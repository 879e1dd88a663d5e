"""The command `quantiva producers run` is killed again and again; then the topics are looked at."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvloop

from quantiva.commands.producers import PROGRESS, READY
from schemas.market import CalendarEvent, Candle, NewsArticle, TrendingAsset
from schemas.validation import problem
from tests.integration.producers.live_checks import (
    calendar_is_whole,
    candles_are_whole,
    market,
    news_is_whole,
    no_limit_was_broken,
)
from tests.integration.producers.live_harness import FEW, HOUR_MS, START_MS, LiveDay, live_day

pytestmark = [pytest.mark.embedded, pytest.mark.slow]
_SPEED = 300.0
HANGS_S = 180.0
"""Only what hangs takes so long, also on a busy machine."""
_BACKFILL = f"{PROGRESS}back-fill"
_FEW = ((_BACKFILL, 0.3), (READY, 0.05), (READY, 1.9))
_MANY = ((_BACKFILL, 0.0), *_FEW, (READY, 0.8))
"""After which line, and how long after it, the process is killed."""
Deaths = tuple[tuple[str, float], ...]


@pytest.fixture(scope="module")
def event_loop_policy() -> uvloop.EventLoopPolicy:
    return uvloop.EventLoopPolicy()


class Command:
    """A `quantiva` command that runs, and what it has printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def until(self, begins: str, within_s: float = HANGS_S) -> None:
        """Wait for a line that begins so."""
        assert self.process.stdout is not None
        async with asyncio.timeout(within_s):
            while not (self.lines and self.lines[-1].startswith(begins)):
                line = await self.process.stdout.readline()
                assert line, self.lines
                self.lines.append(line.decode().rstrip())

    async def end(self, number: int) -> int:
        """Send a signal; return the exit status."""
        self.process.send_signal(number)
        out, _ = await asyncio.wait_for(self.process.communicate(), HANGS_S)
        self.lines += out.decode().splitlines()
        return self.process.returncode or 0


@contextlib.asynccontextmanager
async def command(*words: str) -> AsyncIterator[Command]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "quantiva.cli", *words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield Command(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize(
    "deaths",
    [
        pytest.param(_FEW, id="3 kills", marks=pytest.mark.long),
        pytest.param(_MANY, id="5 kills", marks=pytest.mark.long),
    ],
)
async def test_nothing_is_doubled_or_lost_by_kills(tmp_path: Path, deaths: Deaths) -> None:
    async with live_day(tmp_path, speed=_SPEED) as day:
        for line, then_s in deaths:
            async with command("producers", "run") as running:
                await running.until(line)
                await asyncio.sleep(then_s)
                assert await running.end(signal.SIGKILL) == -signal.SIGKILL, running.lines
        asked, most = _asked(day), 2 * len(deaths)
        async with command("producers", "run") as running:
            await running.until(READY)
            assert any("records in the topics already" in line for line in running.lines)
            settled_ms = day.now_ms + HOUR_MS // 2
            await _news_until(day, settled_ms)
            await _status_shows_every_source(day, asked, most)
            assert await running.end(signal.SIGINT) == 0
            assert running.lines[-1] == "stopped"
        assert all(line.startswith((PROGRESS, READY, "stopped")) for line in running.lines)
        await _all_is_there_once(day, settled_ms)


async def _news_until(day: LiveDay, end_ms: int) -> None:
    """Wait until everything that was published up to then is in the topic."""
    async with asyncio.timeout(HANGS_S):
        while True:
            try:
                news_is_whole(day, (await day.events())[NewsArticle], end_ms)
            except AssertionError:
                await asyncio.sleep(1.0)
            else:
                return


async def _all_is_there_once(day: LiveDay, settled_ms: int) -> None:
    events = await day.events()
    assert day.now_ms > START_MS + HOUR_MS
    assert [text for one in market(events) if (text := problem(one))] == []
    ticks = Counter((tick.cycle, tick.asset) for tick in events[TrendingAsset])
    assert max(ticks.values()) == 1
    assert max(Counter(cycle for cycle, _ in ticks).values()) == len(FEW)
    assert {tick.cycle_size for tick in events[TrendingAsset]} == {len(FEW)}
    candles_are_whole(day, events[Candle], day.now_ms)
    news_is_whole(day, events[NewsArticle], settled_ms)
    calendar_is_whole(day, events[CalendarEvent])
    no_limit_was_broken(day)


async def _status_shows_every_source(day: LiveDay, asked_before: int, unsaved: int) -> None:
    async with command("status", "--json") as asked:
        out, _ = await asyncio.wait_for(asked.process.communicate(), HANGS_S)
    sources = {one["status"]["source"]: one for one in json.loads(out)["sources"]}
    assert set(sources) == {
        *("lunarcrush", "coingecko", "cryptonews", "stocknews", "coinmarketcal", "rss", "binance"),
        *("announcements", "coinmetrics", "feargreed", "universe"),
    }
    assert sources.pop("universe")["status"]["assets"]
    for name, one in sources.items():
        assert one["status"]["state"] == "ok", one
        assert one["told_age_ms"] < 60_000, name
        assert one["age_ms"] is not None, name
        assert one["status"]["requests_day"] > 0, name
    assert sources["lunarcrush"]["status"]["limit_day"] == 500
    # Killed and started again, it knows how often it has asked today.
    told = sources["lunarcrush"]["status"]["requests_day"]
    assert asked_before <= told <= _asked(day) + unsaved


def _asked(day: LiveDay) -> int:
    requests: int = day.simulator.requests.report()["upstreams"]["lunarcrush"]["requests"]
    return requests
