"""`quantiva demo` as its user runs it: producers against the simulator, and the page."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

_ADDRESS = re.compile(r"page at (http://127\.0\.0\.1:\d+)/#token=(\S+)")


async def _said(output: asyncio.StreamReader, pattern: re.Pattern[str]) -> re.Match[str]:
    """Return the first line that matches."""
    async for line in output:
        found = pattern.search(line.decode())
        if found:
            return found
    raise AssertionError(f"it ended without a word of {pattern.pattern}")


async def _followed(base: str, token: str) -> tuple[list[str], int]:
    """Follow as the page does, from before the back-fill to the end.

    Returns the kinds of frames, and the number of signals that snapshots had. Who reads too slowly,
    as on a busy machine, is let go with a cursor and comes back with it.
    """
    headers = {"Authorization": f"Bearer {token}"}
    channels = ["signals", "scores", "explanations", "top", "prices", "status"]
    subscribe = {"type": "subscribe", "id": "1", "channels": channels}
    kinds: list[str] = []
    shown = 0
    async with aiohttp.ClientSession(base) as session:
        while kinds[-1:] in ([], ["bye slow"]):
            async with session.ws_connect("/ws", headers=headers, max_msg_size=0) as socket:
                await socket.send_json(subscribe)
                frames = [json.loads(message.data) async for message in socket]
            last = frames[-1]
            shown += sum(len(one["items"]) for one in frames if one.get("channel") == "signals")
            kinds += [one["type"] for one in frames[:-1]]
            kinds.append(f"bye {last['reason']}" if last["type"] == "bye" else last["type"])
            subscribe = {**subscribe, "since": last.get("cursor")}
    return kinds, shown


@pytest.mark.embedded
@pytest.mark.slow
async def test_two_cycles_of_the_real_producers(tmp_path: Path) -> None:
    summary = tmp_path / "summary.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "quantiva.cli", "demo", "--cycles", "2", "--json", str(summary)),
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(500):
            base, token = (await _said(process.stdout, _ADDRESS)).groups()
            following = asyncio.create_task(_followed(base, token))
            async with aiohttp.ClientSession(base) as session:
                async with session.get("/") as page:
                    assert (page.status, page.content_type) == (200, "text/html")
                async with session.get("/api/v1/signals") as refused:
                    assert refused.status == 401
                headers = {"Authorization": f"Bearer {token}"}
                async with session.get("/api/v1/strategies", headers=headers) as answer:
                    assert answer.status == 200
            rest = await process.stdout.read()
            assert await process.wait() == 0, rest.decode()[-2000:]
            followed, shown = await following
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            await process.wait()
    assert followed[-1] == "bye going_away"
    assert "gap" not in followed
    found = json.loads(summary.read_text("utf-8"))
    sent = found["triggers"]["cycle"] + found["triggers"].get("change", 0)
    # A bridge that begins to serve after the first signals, on a busy machine, has the latest of
    # each asset and strategy in the snapshot.
    live = followed.count("signal")
    assert live == sent if shown == 0 else live + shown >= 200
    assert found["events"]["market.trending"] >= 100, "fifty assets in two cycles"
    assert found["events"]["market.candles"] >= 45_000, "300 candles of three timeframes"
    assert all(count > 0 for count in found["events"].values())
    assert found["triggers"]["cycle"] >= 400
    assert found["stored"]["trending_news"] > 0
    assert (found["dead_letters"], found["restarts"]) == (0, 0)
    measured = found["latency_ms"]["p50"] > 0.0
    assert found["behind_backfill"] > 0 or measured, "a cycle is behind the back-fill or live"
