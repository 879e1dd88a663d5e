"""`full_cycle`: 50 ticks published, until all 200 signals and the 4 rankings can be read."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

from benchmarks import live
from benchmarks.machine import OtherLoad
from benchmarks.report import Result, heading
from producers.strategies import PREBUILT
from schemas.market import TrendingAsset
from schemas.topics import SIGNALS, TOP

NAME = "full_cycle"
LIMIT_S = 60.0


class _Arrived:
    """Which signals and rankings of which cycle were read, and when the last one was."""

    def __init__(self, codec: Any) -> None:
        self._codec = codec
        self._seen: dict[int, set[tuple[str, ...]]] = {}
        self.last_s = 0.0

    def note(self, record: Any, now_ms: float) -> None:
        """Take a record of `signals` or `signals.top`; those between cycles do not count."""
        event = self._codec.decode(record.value)
        if record.topic == TOP.name:
            what: tuple[str, ...] = ("top", event.strategy_id)
        elif event.cycle is not None:
            what = ("signal", event.strategy_id, event.asset)
        else:
            return
        self._seen.setdefault(event.cycle, set()).add(what)
        self.last_s = time.perf_counter()

    def count(self, cycle: int) -> int:
        """Return how many different ones of a cycle have come."""
        return len(self._seen.get(cycle, ()))


async def measure(*, quick: bool) -> Result:
    """Run some cycles of the simulated market and time each from its ticks to its last record."""
    heading(NAME, "ticks published -> signals and rankings readable, embedded broker")
    warm, cycles = (1, 1) if quick else (3, 15)
    took = []
    async with live.platform(assets=live.QUICK_ASSETS if quick else live.ASSETS) as platform:
        print(f"  {platform.layout}")
        arrived = _Arrived(platform.site.codec)
        await platform.follow([SIGNALS.name, TOP.name], arrived.note)
        load = OtherLoad()
        for number in range(warm + cycles):
            seconds = await _cycle(platform, arrived)
            if number >= warm:
                took.append(seconds)
        others = load.cores()
        restarts = platform.supervisor.restarts
    value = median(took)
    print(f"  {cycles} cycles: median {value:.3f} s, {min(took):.3f} to {max(took):.3f} s")
    note = f"other processes kept {others:.2f} cores busy"
    detail = {
        "cycles": cycles,
        "min_s": round(min(took), 4),
        "max_s": round(max(took), 4),
        "other_processes_cores": others,
        "layout": platform.layout,
        "restarts": restarts,
    }
    unit = f"s for {live.ASSETS} assets x {len(PREBUILT)} strategies"
    return Result(NAME, round(value, 4), unit, detail=detail, note=note)


async def _cycle(platform: live.Platform, arrived: _Arrived) -> float:
    """Time one cycle's ticks; then let the rest of its ten minutes through."""
    events = platform.next_cycle()
    ticks = [event for event in events if isinstance(event, TrendingAsset)]
    expected = len(ticks) * len(PREBUILT) + len(PREBUILT)
    begin = time.perf_counter()
    await platform.publisher.publish_many(ticks)
    cycle = ticks[0].cycle
    await live.until(lambda: arrived.count(cycle) >= expected, LIMIT_S, platform.supervisor.check)
    seconds = arrived.last_s - begin
    await platform.publish([event for event in events if not isinstance(event, TrendingAsset)])
    return seconds
