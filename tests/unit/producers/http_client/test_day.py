"""A simulated day: no limit is broken as the upstream sees it, restarts included."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from pathlib import Path

import pytest

from producers.http_client.errors import UpstreamError
from producers.http_client.quota import Quota
from producers.upstreams.table import LUNARCRUSH
from tests.unit.producers.http_client.harness import (
    DAY_MS,
    T0,
    StepClock,
    asking,
    serving,
    upstream,
)
from transport.clock import Clock, scaled

LIMITS = LUNARCRUSH.limits
START = (T0 // DAY_MS) * DAY_MS + DAY_MS // 2


async def greedy(clock: Clock, url: str, store: Path, until_ms: int) -> None:
    """Ask as fast as the limits let us, three at a time, until then."""
    kinds: set[str] = set()
    quota = Quota(LIMITS, clock, store)
    source = upstream(per_minute=LIMITS.per_minute or 0, per_day=LIMITS.per_day or 0)

    async def ask() -> None:
        while clock.now_ms() < until_ms:
            try:
                await client.get_json("/coins")
            except UpstreamError as error:
                kinds.add(error.kind)
                left_s = (until_ms - clock.now_ms()) / 1000
                await clock.sleep(max(min(error.retry_after_s or 0.0, left_s), 0.0))

    async with asking(clock, url, source, quota) as client:
        await asyncio.gather(*(ask() for _ in range(3)))
    assert kinds <= {"quota", "limit"}


@pytest.mark.parametrize(
    "clock",
    [
        pytest.param(StepClock(START), id="time passes by sleeping"),
        pytest.param(None, id="600x", marks=pytest.mark.long),
    ],
)
async def test_a_day_keeps_the_limits(clock: Clock | None, tmp_path: Path) -> None:
    """From noon to noon, with a restart (same store, other process memory) every three hours."""
    clock = scaled(START, 600.0) if clock is None else clock
    async with serving(clock) as server:
        for part in range(1, 9):
            until_ms = START + part * DAY_MS // 8
            await greedy(clock, server.url, tmp_path / "lunarcrush.json", until_ms)
        times = sorted(seen.at_ms for seen in server.seen)
    minute: deque[int] = deque()
    for at_ms in times:
        minute.append(at_ms)
        while minute[0] <= at_ms - 60_000:
            minute.popleft()
        assert len(minute) <= (LIMITS.per_minute or 0)
    days = Counter(at_ms // DAY_MS for at_ms in times)
    assert len(days) == 2
    assert max(days.values()) <= (LIMITS.per_day or 0)
    assert min(days.values()) >= (LIMITS.per_day or 0) / 4  # all of them, if the machine is idle
