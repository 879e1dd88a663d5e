"""`latency_500`: from a market event's publishing to the score and the signal that it causes.

The simulated market plays at 500 events a second: books, headlines, candles, and the ticks of the
cycles spread evenly among them (`full_cycle` is about their coming all at once). A record carries
the header `sent_ms` of the event that caused it, so its latency is the wall clock when a consumer
can read it less that header; the producer's linger counts.

On the embedded broker it grows with the run: Tansu 0.6.0 looks through all batches of a partition
for every fetch (8 ms with 50 batches, 26 ms with 16,000), and single events are a batch each.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

import msgspec

from benchmarks import brokers, live
from benchmarks.brokers import NO_KAFKA
from benchmarks.machine import OtherLoad
from benchmarks.report import Result, SkippedError, heading
from embedded.kafka import find_kafka
from marketdata.simulated.simulation import CYCLE_MS
from schemas.topics import SCORES, SIGNALS
from streams.agents.batch import sent_ms

NAMES = {"latency_500": "embedded", "latency_500_kafka": "kafka"}
RATE = 500
_DRAIN_S, _LAST_S = 1.0, 30.0


class _Latencies:
    """Latencies in ms by topic; nothing is noted before `on` is set."""

    def __init__(self) -> None:
        self.by_topic: dict[str, list[float]] = {SCORES.name: [], SIGNALS.name: []}
        self.on = False

    def note(self, record: Any, now_ms: float) -> None:
        """Take a record that names the event behind it."""
        sent = sent_ms(record.headers)
        if self.on and sent:
            self.by_topic[record.topic].append(now_ms - sent)


async def measure(name: str, *, quick: bool) -> Result:
    """Play the market at the rate for some seconds after a warm-up."""
    kind = NAMES[name]
    heading(name, f"{RATE} market events/s through the whole platform on {brokers.NAMES[kind]}")
    if kind == "kafka" and find_kafka() is None:
        raise SkippedError(NO_KAFKA)
    warm_s, seconds = (1, 2) if quick else (10, 20)
    latencies = _Latencies()
    async with live.platform(kind, live.QUICK_ASSETS if quick else live.ASSETS) as platform:
        print(f"  {platform.layout}, {seconds} s after {warm_s} s of warm-up")
        # All made before the clock runs: making them would hold up both publishing and reading.
        events = await _events(platform, (warm_s + seconds) * RATE)
        await platform.follow([SCORES.name, SIGNALS.name], latencies.note)
        await _play(platform, events[: warm_s * RATE])
        latencies.on, load = True, OtherLoad()
        measured = events[warm_s * RATE :]
        rate = await _play(platform, measured)
        others = load.cores()
        await platform.publisher.flush()
        deadline = time.monotonic() + _LAST_S
        while not latencies.by_topic[SIGNALS.name] and time.monotonic() < deadline:
            await asyncio.sleep(_DRAIN_S)  # a short run on a busy machine
        await asyncio.sleep(_DRAIN_S)
        restarts = platform.supervisor.restarts
    detail: dict[str, Any] = {
        "events_per_s": round(rate, 1),
        "events": dict(Counter(type(event).__name__ for event in measured)),
        "other_processes_cores": others,
        "layout": platform.layout,
        "restarts": restarts,
    }
    print(f"  {'event to':<16}{'n':>8}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}")
    for topic, values in latencies.by_topic.items():
        found = percentiles(values)
        detail[topic] = found
        print(f"  {topic:<16}{found['n']:>8,}{found['p50']:>9}{found['p99']:>9}{found['max']:>9}")
    p99 = detail[SIGNALS.name]["p99"]
    note = f"other processes kept {others:.2f} cores busy"
    print(f"  {note}")
    return Result(name, p99, "ms p99, event to signal", detail=detail, note=note)


async def _events(platform: live.Platform, count: int) -> list[Any]:
    """Return the next events of the market."""
    events: list[Any] = []
    while len(events) < count:
        events += _spread(await asyncio.to_thread(platform.next_cycle))
    return events[:count]


async def _play(platform: live.Platform, events: list[Any]) -> float:
    """Publish events one by one, each at its time; return how many a second it was."""
    begin = time.perf_counter()
    for number, event in enumerate(events):
        if (early := begin + number / RATE - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        await platform.publisher.publish(event)
    return len(events) / (time.perf_counter() - begin)


def _spread(events: list[Any]) -> list[Any]:
    """Return a cycle's events, each kind spread evenly over the cycle, observed accordingly."""
    kinds: dict[type, list[Any]] = {}
    for event in events:
        kinds.setdefault(type(event), []).append(event)
    placed = [
        ((number + 0.5) / len(of_kind), event)
        for of_kind in kinds.values()
        for number, event in enumerate(of_kind)
    ]
    start_ms = min(event.observed_at for event in events)
    return [
        msgspec.structs.replace(event, observed_at=start_ms + int(place * CYCLE_MS))
        for place, event in sorted(placed, key=lambda one: one[0])
    ]


def percentiles(values: list[float]) -> dict[str, float]:
    """Return n, p50, p99 and max; RuntimeError without any."""
    if not values:
        msg = "no record came"
        raise RuntimeError(msg)
    ranked = sorted(values)
    return {
        "n": len(ranked),
        "p50": round(ranked[len(ranked) // 2], 1),
        "p99": round(ranked[min(len(ranked) - 1, len(ranked) * 99 // 100)], 1),
        "max": round(ranked[-1], 1),
    }
