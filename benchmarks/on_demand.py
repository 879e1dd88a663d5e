"""`on_demand`: from asking the REST interface for a signal to having it, while the market plays.

A client asks one signal after another, of different assets and strategies, some of them dry runs.
The bridge is as `quantiva bridge` serves it, on the same broker as the workers.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import aiohttp
from pydantic import SecretStr

from benchmarks import brokers, live
from benchmarks.brokers import NO_KAFKA
from benchmarks.latency import percentiles
from benchmarks.machine import OtherLoad
from benchmarks.report import Result, SkippedError, heading
from embedded.kafka import find_kafka
from producers.strategies import PREBUILT
from quantiva.wiring.bridge import serve
from sinks.bridge.settings import BridgeSettings

NAMES = {"on_demand": "embedded", "on_demand_kafka": "kafka"}
GOAL_MS = 300.0
RATE = 50
_DRY_EVERY = 5
_PATH = "/api/v1/signals/generate"
_TOKEN = "benchmark-000000"
_OWN = {"name": "Mine", "entry_rule": "RSI < 40 AND SENTIMENT > 0", "stop_loss_pct": 4.0}


async def measure(name: str, *, quick: bool) -> Result:
    """Ask some hundred times after a warm-up."""
    kind, count, warm = NAMES[name], 20 if quick else 400, 5 if quick else 50
    heading(name, f"signals on demand on {brokers.NAMES[kind]}, {RATE} market events/s beside it")
    if kind == "kafka" and find_kafka() is None:
        raise SkippedError(NO_KAFKA)
    async with live.platform(kind, live.QUICK_ASSETS if quick else live.ASSETS) as platform:
        await platform.publish(platform.next_cycle())
        # All made before the clock runs: making them would hold up what is measured.
        events: list[Any] = []
        while len(events) < count * RATE:
            events += await asyncio.to_thread(platform.next_cycle)
        stop, address = asyncio.Event(), asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(
            serve(platform.site.settings, _bridge(), stop, address.set_result, page=False)
        )
        playing = asyncio.create_task(_play(platform, events))
        try:
            async with aiohttp.ClientSession(await address) as session:
                assets = await _assets(session)
                await _ask(session, assets, warm)
                load = OtherLoad()
                times = await _ask(session, assets, count)
                others = load.cores()
        finally:
            playing.cancel()
            stop.set()
            await asyncio.gather(playing, serving, return_exceptions=True)
        layout = platform.layout
    found = percentiles(times)
    figures = f"p50 {found['p50']} ms, p99 {found['p99']} ms, longest {found['max']} ms"
    note = f"other processes kept {others:.2f} cores busy"
    print(f"  {layout}; {found['n']} answers: {figures}; {note}")
    detail: dict[str, Any] = {**found, "layout": layout, "other_processes_cores": others}
    goal = f"< {GOAL_MS:g} ms"
    met = found["p99"] < GOAL_MS
    return Result(
        name, found["p99"], "ms p99, request to signal", goal, met, detail=detail, note=note
    )


def _bridge() -> BridgeSettings:
    people = json.dumps({_TOKEN: {"name": "benchmark", "role": "trader"}})
    return BridgeSettings(port=0, tokens=SecretStr(people), requests_minute=1_000_000)


async def _play(platform: live.Platform, events: list[Any]) -> None:
    """Publish the market's events one by one until cancelled."""
    for event in events:
        await platform.publisher.publish(event)
        await asyncio.sleep(1 / RATE)


async def _assets(session: aiohttp.ClientSession) -> list[str]:
    async with session.get("/api/v1/assets", headers=_headers()) as answer:
        return [one["asset"] for one in (await answer.json())["items"]]


async def _ask(session: aiohttp.ClientSession, assets: list[str], count: int) -> list[float]:
    """Ask so often; return how long each took, in ms."""
    times = []
    for number in range(count):
        body: dict[str, Any] = {"asset": assets[number % len(assets)]}
        if number % _DRY_EVERY:
            body["strategy_id"] = PREBUILT[number % len(PREBUILT)].strategy_id
        else:
            body["strategy"] = _OWN
        began = time.perf_counter()
        async with session.post(_PATH, json=body, headers=_headers()) as answer:
            found = await answer.json(content_type=None)
            if answer.status != 200:
                msg = f"{body['asset']} was answered with {answer.status}: {found}"
                raise RuntimeError(msg)
        times.append((time.perf_counter() - began) * 1000)
    return times


def _headers() -> dict[str, str]:
    return {"Authorization": f"Bearer {_TOKEN}"}
