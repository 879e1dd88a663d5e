"""Signals on demand on the running platform: by the bridge and by the command line."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
import typer
from msgspec.structs import replace
from typer.testing import CliRunner

from marketdata.simulated.assets import ASSETS
from marketdata.simulated.simulation import backfill, cycle
from producers.strategies import PREBUILT
from quantiva.commands.signal_now import NOT_YET, signal
from schemas.sources import UNIVERSE, UNKNOWN
from tests.integration.sinks.bridge.serving import Served, served
from tests.integration.streams.agents.rig import CYCLE_MS, Rig, rig
from tests.unit.sinks.bridge_api.fixtures import source
from transport.clock import wall_ms

pytestmark = pytest.mark.embedded
app = typer.Typer()
app.command()(signal)
ASKED, LONGEST_S = 30, 20.0
OWN = {"name": "Mine", "entry_rule": "RSI > 0", "buy_threshold": 1.0}
OWN_FILE = "strategy_id: mine\nname: Mine\nentry_rule: RSI > 0\nbuy_threshold: 1\n"


async def test_what_is_asked_for_is_answered(embedded_parts: dict[str, str], folder: Path) -> None:
    async with rig(embedded_parts, folder, name="asked") as running:
        await running.play(_market_of_now())
        off = replace(PREBUILT[3], active=False, version=9)
        await running.publisher.publish(off)
        universe = replace(
            source(),
            source=UNIVERSE,
            assets={"NEW": "asked for", "NOSUCH": f"asked for: {UNKNOWN}"},
            unknown=("NOSUCH",),
        )
        await running.publisher.publish(universe)
        await running.publisher.flush()
        async with served(running.settings) as bridge:
            await _the_bridge_answers(running, bridge)
            await _a_dry_run_is_its_askers(running, bridge)
            await _others_are_refused(bridge)
        await _the_command_answers(folder)


def _market_of_now() -> list[Any]:
    """Return a small market up to now: who asks does so by the wall clock."""
    start_ms = (wall_ms() // CYCLE_MS - 1) * CYCLE_MS
    state, events = backfill(7, start_ms, ASSETS[:2])
    return [*events, *cycle(state, state.now_ms)[1]]


async def ask(bridge: Served, **body: Any) -> tuple[int, Any]:
    return await bridge.call("POST", "signals/generate", "trader", json={"asset": "BTC", **body})


async def _the_bridge_answers(running: Rig, bridge: Served) -> None:
    times = []
    for number in range(ASKED):
        began = time.perf_counter()
        strategy_id = PREBUILT[number % 3].strategy_id
        status, found = await ask(bridge, strategy_id=strategy_id)
        times.append((time.perf_counter() - began) * 1000)
        assert (status, found["signal"]["strategy_id"]) == (200, strategy_id)
    times.sort()
    print(f"signals on demand: p50 {times[ASKED // 2]:.0f} ms, longest {times[-1]:.0f} ms")
    polled = await bridge.call("GET", found["signals"].removeprefix("/api/v1/"), "trader")
    assert polled[1]["signal"] == found["signal"]
    assert await _kept(running, found["signal"]["signal_id"])


async def _a_dry_run_is_its_askers(running: Rig, bridge: Served) -> None:
    socket = await bridge.session.ws_connect(
        "/ws?ticket=" + (await bridge.call("POST", "tickets"))[1]["ticket"]
    )
    await socket.send_json({"type": "subscribe", "id": "1", "channels": ["signals"]})
    status, mine = await ask(bridge, strategy=OWN)
    assert (status, mine["signal"]["action"], mine["signal"]["override"]) == (
        200, "BUY", "entry_rule",
    )  # fmt: skip
    _, theirs = await ask(bridge, strategy_id=PREBUILT[0].strategy_id)
    seen = set()
    async with asyncio.timeout(LONGEST_S):
        while theirs["signal"]["signal_id"] not in seen:
            frame = json.loads((await socket.receive()).data)
            items = frame.get("items", [frame]) if frame["type"] != "ack" else []
            seen |= {one["data"]["signal_id"] for one in items if one["type"] == "signal"}
    await socket.close()
    assert mine["signal"]["signal_id"] not in seen
    assert await _kept(running, theirs["signal"]["signal_id"])
    assert not await running.fetch("SELECT 1 FROM strategy_signals WHERE trigger = 'dry_run'")
    latest = (await bridge.call("GET", "signals/latest"))[1]["items"]
    assert {one["strategy_id"] for one in latest} <= {one.strategy_id for one in PREBUILT}


async def _kept(running: Rig, signal_id: str) -> bool:
    """Wait until the sink has stored a signal, and that it is to be explained."""
    found: list[Any] = []
    async with asyncio.timeout(LONGEST_S):
        while not found:
            found = await running.fetch(
                "SELECT 1 FROM strategy_signals JOIN signal_explanations USING (signal_id)"
                f" WHERE signal_id = '{signal_id}' AND rank IS NULL"
            )
    return True


async def _others_are_refused(bridge: Served) -> None:
    known = PREBUILT[0].strategy_id
    assert (await ask(bridge, strategy_id=PREBUILT[3].strategy_id))[0] == 409
    assert (await ask(bridge, strategy_id="none"))[0] == 404
    assert (await ask(bridge, asset="NOSUCH", strategy_id=known))[0] == 404
    status, later = await ask(bridge, asset="NEW", strategy_id=known)
    assert (status, later["tracked"]) == (202, False)
    assert later["data_at"] > later["requested_at"]
    nothing = (await bridge.call("GET", "signals/latest?asset=NEW"))[1]["items"]
    assert nothing == [], "an answer without data is no signal for everybody"


async def _the_command_answers(folder: Path) -> None:
    own = folder / "mine.yaml"
    own.write_text(OWN_FILE, "utf-8")
    known = PREBUILT[0].strategy_id
    for arguments, status, said in (
        (["BTC", known], 0, f"BTC for {known} (version"),
        (["BTC", str(own)], 0, "BUY BTC for mine (version 1, a dry run)"),
        (["BTC", "none"], 1, "there is no strategy none"),
        (["BTC", PREBUILT[3].strategy_id], 1, "is not active"),
        (["NOSUCH", known], 1, "no source knows an asset NOSUCH"),
        (["NEW", known], NOT_YET, "it is from now on"),
        (["btc", known], 2, "not a symbol in capitals"),
    ):
        found = await asyncio.to_thread(CliRunner().invoke, app, arguments)
        output = " ".join(found.output.split())
        assert (found.exit_code, said in output) == (status, True), output
    shown = await asyncio.to_thread(CliRunner().invoke, app, ["BTC", known, "--json"])
    assert json.loads(shown.stdout)["asset"] == "BTC"
