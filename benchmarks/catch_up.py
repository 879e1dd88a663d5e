"""`catch_up`: clients that ask the bridge for everything since the log's beginning, beside others.

On the embedded broker, with a log of signals. 100 clients ping five times a second each; the delay
is to the pong. Rounds in turn: alone, and with 60 more that come at once, half of them reading what
they asked for and half never reading. The bridge, who pings, and who catches up are processes of
their own.
"""

from __future__ import annotations

import asyncio
import os
from statistics import median
from typing import Any

import msgspec

from benchmarks.brokers import Site, preload, site
from benchmarks.fanout import Process, worker
from benchmarks.machine import OtherLoad
from benchmarks.report import Result, heading
from benchmarks.workers.fanout_server import signal
from schemas.topics import SIGNALS

NAME = "catch_up"
UNIT = "x the p99 of pings"
GOAL = "< 2x with 60 clients since the log's beginning"
_MOVES = 2.0
_T0 = 1_767_225_600_000
_READING, _STUCK = 30, 30
_LIMIT_S = 60.0
"""Who has not caught up by then is not waited for."""

Row = dict[str, Any]


async def measure(*, quick: bool) -> Result:
    """Measure by how much clients that catch up move the pings of others."""
    heading(NAME, "pings of 100 websockets while 60 others ask for all of the log")
    records, rounds, seconds = (2_000, 1, 1.0) if quick else (40_000, 3, 10.0)
    other = OtherLoad()
    async with site("embedded") as where:
        await _fill(where, records)
        os.environ.update(where.environment)
        async with worker("catch_up_server", core=None) as server:
            port = (await server.answer())["port"]
            async with (
                worker("catch_up_clients", port=port, core=None) as pinging,
                worker("catch_up_clients", port=port, core=None) as behind,
            ):
                await pinging.ask(connect=100)
                rows = await _rounds(server, pinging, behind, rounds, seconds)
    return _result(rows, records, other.cores())


async def _fill(where: Site, records: int) -> None:
    values = []
    for number in range(records):
        event = signal(number)
        values.append((event.asset.encode(), where.codec.encode(event), _T0 + number))
    await preload(where.bootstrap, SIGNALS.name, values)


async def _rounds(
    server: Process, pinging: Process, behind: Process, rounds: int, seconds: float
) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {"alone": [], "beside": [], "memory": []}
    await pinging.ask(ping=min(seconds, 2.0))
    for _ in range(rounds):
        found["alone"].append(await pinging.ask(ping=seconds))
        before = await server.ask(look=True)
        await pinging.ask(ping_until=True)
        began_s = asyncio.get_running_loop().time()
        await behind.ask(since_begin=_READING, never_read=_STUCK)
        peak = before["rss_mb"]
        took_s = 0.0
        while took_s < _LIMIT_S:
            state = await server.ask(look=True)
            peak = max(peak, state["rss_mb"])
            took_s = asyncio.get_running_loop().time() - began_s
            if state["live"] >= _READING:
                break
            await asyncio.sleep(0.2)
        await asyncio.sleep(max(0.0, min(seconds, 3.0) - took_s))
        beside = await pinging.ask(enough=True)
        cpu_s = round(state["cpu_s"] - before["cpu_s"], 1)
        found["beside"].append(
            {**beside, "took_s": round(took_s, 1), "cpu_s": cpu_s, "live": state["live"]}
        )
        got = await behind.ask(leave=True)
        await asyncio.sleep(min(2 * seconds, 16.0))  # what was kept for them is given back
        after = await server.ask(look=True)
        memory = {"before": before["rss_mb"], "peak": peak, "after": after["rss_mb"]}
        found["memory"].append({**memory, "megabytes_sent": got["megabytes"]})
        _show(found)
    return found


def _show(found: dict[str, list[Row]]) -> None:
    alone, beside, memory = (found[name][-1] for name in ("alone", "beside", "memory"))
    print(
        f"  alone p50 {alone['p50_ms']:.1f} p99 {alone['p99_ms']:.1f} ms; beside p50 "
        f"{beside['p50_ms']:.1f} p99 {beside['p99_ms']:.1f} ms for {beside['took_s']} s "
        f"({beside['cpu_s']} of computing), "
        f"{beside['live']} of {_READING} caught up; "
        f"{memory['megabytes_sent']:.0f} MB sent; RSS "
        f"{memory['before']:.0f} to {memory['peak']:.0f}, then {memory['after']:.0f} MB",
        flush=True,
    )


def _result(rows: dict[str, list[Row]], records: int, cores: float) -> Result:
    p99 = {name: median(one["p99_ms"] for one in rows[name]) for name in ("alone", "beside")}
    moves = round(p99["beside"] / p99["alone"], 2)
    note = (
        f"{records:,} signals: p99 {p99['alone']:.1f} ms alone, {p99['beside']:.1f} beside; "
        f"other processes kept {cores:.2f} cores busy"
    )
    print(f"  {note}")
    detail = msgspec.to_builtins({"rows": rows, "other_processes_cores": cores})
    return Result(NAME, moves, UNIT, GOAL, moves < _MOVES, detail=detail, note=note)
