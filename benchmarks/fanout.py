"""`fanout`: the bridge's websockets beside a bare aiohttp broadcast, with thousands of clients.

Three processes: this one, a server (the bridge's hub on a log in memory, or a bare loop over
`send_str`), and all clients in one (raw protocols that parse every frame). Both sides send the
same 1.1 kB signals to clients that want all of them; the hub decodes each out of Avro first. At 20
messages a second the delay is from before the encoding to the client's parser. `burst` sends as
fast as it goes and asks how many a second arrive. Then, to one server, rounds with and without 20
clients that never read, in turn: what do the others notice?
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from statistics import median
from typing import Any

from benchmarks.machine import OtherLoad
from benchmarks.report import Result, heading

NAME = "fanout"
UNIT = "delivered/s"
GOAL = ">= 0.77x bare aiohttp, also in a burst; 20 stalled clients: p99 < +5 %"
RATE = 20
SIDES = ("ours", "bare")
STALLED = 20
_LEAST = 0.77
_MOVES = 1.05
_LIMIT_S = 60.0

Row = dict[str, Any]


class Process:
    """A worker that follows orders."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, **order: Any) -> Row:
        """Send an order and return the answer."""
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(json.dumps(order).encode() + b"\n")
        return await self.answer()

    async def answer(self) -> Row:
        """Return the next answer; RuntimeError when the worker is gone."""
        stdout = self._process.stdout
        assert stdout is not None
        async with asyncio.timeout(2 * _LIMIT_S):
            line = await stdout.readline()
        if not line:
            msg = "a worker ended early"
            raise RuntimeError(msg)
        found: Row = json.loads(line)
        return found


@contextlib.asynccontextmanager
async def worker(module: str, **order: Any) -> AsyncIterator[Process]:
    """Run a worker's process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"benchmarks.workers.{module}",
        json.dumps(order),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Process(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def pair(
    side: str, clients: int, queue_frames: int = 1024
) -> AsyncIterator[tuple[Process, Process]]:
    """Run a server and its clients, connected; each on a core of its own where there are two."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    one, two = (cores[0], cores[-1]) if len(cores) > 1 else (None, None)
    async with worker("fanout_server", side=side, core=one, queue_frames=queue_frames) as server:
        port = (await server.answer())["port"]
        async with worker("fanout_clients", port=port, core=two) as load:
            await load.ask(connect=clients)
            yield server, load


async def round_of(server: Process, load: Process, clients: int, messages: int, rate: float) -> Row:
    """Publish messages and return what came: delivered/s, delays, CPU of the server."""
    began = await load.ask(expect=clients * messages)
    sent = await server.ask(publish=messages, rate=rate)
    found = await load.ask(read=_LIMIT_S if rate == 0 else 10.0)
    took_s = found["last_s"] - began["at_s"]
    return {
        "clients": clients,
        "delivered_per_s": round(found["got"] / took_s),
        "missing": found["expected"] - found["got"],
        "p50_ms": round(found["p50_ms"], 2),
        "p99_ms": round(found["p99_ms"], 2),
        "server_cpu": round(sent["cpu_s"] / took_s, 2),
    }


async def at_rate(side: str, clients: int, seconds: float, burst: int) -> tuple[Row, Row]:
    """Return a round at the rate, and one of so many frames as fast as it goes, after a warm-up."""
    async with pair(side, clients) as (server, load):
        await round_of(server, load, clients, int(RATE * min(seconds, 1.0)), RATE)
        steady = await round_of(server, load, clients, int(RATE * seconds), RATE)
        at_once = await round_of(server, load, clients, max(20, burst // clients), 0)
    return steady, at_once


async def stalled(clients: int, seconds: float, rounds: int) -> dict[str, list[Row]]:
    """Return rounds without and with clients that never read, in turn, to one server."""
    found: dict[str, list[Row]] = {"without": [], "with": []}
    async with pair("ours", clients, queue_frames=64) as (server, load):
        await round_of(server, load, clients, int(RATE * min(seconds, 1.0)), RATE)
        for number in range(2 * rounds):
            # without, with, with, without, ...: what drifts falls on both.
            kind = "with" if (number % 4) in {1, 2} else "without"
            if kind == "with":
                await load.ask(stall=STALLED)
            found[kind].append(await round_of(server, load, clients, int(RATE * seconds), RATE))
            await load.ask(unstall=True)
    return found


async def measure(*, quick: bool) -> Result:
    """Measure all and return the row of 5,000 clients (50 in a quick run)."""
    heading(NAME, f"websocket fan-out at {RATE} messages/s, beside a bare aiohttp broadcast")
    sizes, seconds, repetitions = ((50,), 0.25, 1) if quick else ((1_000, 5_000), 6.0, 3)
    burst = 10_000 if quick else 200_000
    other, load = OtherLoad(), os.getloadavg()[0]
    print(f"  {'':<22}{'delivered/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'CPU':>7}{'burst/s':>12}")
    rows: dict[str, dict[str, Row]] = {}
    for clients in sizes:
        runs: dict[str, list[tuple[Row, Row]]] = {side: [] for side in SIDES}
        for _ in range(repetitions):
            for side in SIDES:
                runs[side].append(await at_rate(side, clients, seconds, burst))
        rows[str(clients)] = {side: _middle(runs[side]) for side in SIDES}
        for side in SIDES:
            _show(f"{clients:,} clients, {side}", rows[str(clients)][side])
    stuck = await _stuck(sizes[0], min(seconds, 4.0), 1 if quick else 10)
    cores = other.cores()
    print(f"  other processes kept {cores:.2f} cores busy; load before: {load:.1f}")
    busy = {"other_processes_cores": cores, "load_before": round(load, 1)}
    return _result(rows, stuck, busy, sizes)


async def _stuck(clients: int, seconds: float, rounds: int) -> Row:
    found = await stalled(clients, seconds, rounds)
    row: Row = {kind: _p99s(of_kind) for kind, of_kind in found.items()}
    row["moves"] = round(median(row["with"]) / median(row["without"]), 3)
    row["missing"] = sum(one["missing"] for of_kind in found.values() for one in of_kind)
    for kind in ("without", "with"):
        name = f"{clients:,} clients, {kind} {STALLED} stalled"
        each = " ".join(f"{value:.0f}" for value in row[kind])
        print(f"  {name:<37}p99 ms {median(row[kind]):>7.2f}   of {each}", flush=True)
    print(f"  {STALLED} stalled clients move the p99 of the others by {row['moves'] - 1:+.1%}")
    return row


def _p99s(rows: list[Row]) -> list[float]:
    return [row["p99_ms"] for row in rows]


def _middle(runs: list[tuple[Row, Row]]) -> Row:
    """Return the medians of some runs, value by value."""
    names = ("delivered_per_s", "missing", "p50_ms", "p99_ms", "server_cpu")
    row: Row = {name: median(steady[name] for steady, _ in runs) for name in names}
    row["burst_per_s"] = median(burst["delivered_per_s"] for _, burst in runs)
    row["burst_missing"] = max(burst["missing"] for _, burst in runs)
    row["p99_ms_runs"] = [steady["p99_ms"] for steady, _ in runs]
    row["burst_per_s_runs"] = [burst["delivered_per_s"] for _, burst in runs]
    return row


def _show(name: str, row: Row) -> None:
    print(
        f"  {name:<22}{row['delivered_per_s']:>12,.0f}{row['p50_ms']:>9.2f}{row['p99_ms']:>9.2f}"
        f"{row['server_cpu']:>7.0%}{row['burst_per_s']:>12,.0f}",
        flush=True,
    )


def _result(
    rows: dict[str, dict[str, Row]], stuck: Row, busy: Row, sizes: tuple[int, ...]
) -> Result:
    last = rows[str(sizes[-1])]
    ours, bare = last["ours"], last["bare"]
    ratio = round(ours["delivered_per_s"] / bare["delivered_per_s"], 2)
    near = all(
        row["ours"][name] >= _LEAST * row["bare"][name]
        for row in rows.values()
        for name in ("delivered_per_s", "burst_per_s")
    )
    whole = stuck["missing"] == 0 and all(
        row["ours"][name] == 0 for row in rows.values() for name in ("missing", "burst_missing")
    )
    note = (
        f"{sizes[-1]:,} clients: p99 {ours['p99_ms']:.0f} ms (bare {bare['p99_ms']:.0f}); burst "
        f"{ours['burst_per_s']:,.0f}/s (bare {bare['burst_per_s']:,.0f}); stalled: p99 "
        f"{stuck['moves'] - 1:+.1%}"
    )
    print(f"  {note}")
    return Result(
        NAME,
        ours["delivered_per_s"],
        UNIT,
        GOAL,
        near and whole and stuck["moves"] < _MOVES,
        {"bare aiohttp": bare["delivered_per_s"]},
        {"bare aiohttp": ratio},
        {"rows": rows, "stalled": stuck, **busy},
        note,
    )
