"""The page in front of the whole platform: broker, workers and `quantiva bridge` as a process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from embedded.stack import Stack
from marketdata.simulated.assets import ASSETS
from marketdata.simulated.simulation import backfill, cycle
from quantiva.commands.bridge import READY
from tests.browser.chromium import DESKTOP, Watched, watched
from tests.browser.looking import SOON_S, ids, quickest_load, sign_in, until_page_has
from tests.browser.stand.bridge import TOKEN
from tests.integration.examples.running import signals_of
from tests.integration.streams.agents.rig import CYCLE_MS, Rig, rig
from transport.supervision.ports import free_port

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.embedded]
STARTS_S = 180.0


class Platform:
    """Workers and the sink of a rig, a market that goes on cycle by cycle, and a bridge."""

    def __init__(self, running: Rig) -> None:
        self._running = running
        self._market = backfill(7, time.time_ns() // 1_000_000 // CYCLE_MS * CYCLE_MS, ASSETS[:4])
        self._port = free_port()
        self.address = f"http://127.0.0.1:{self._port}"
        self._bridge: asyncio.subprocess.Process | None = None

    async def cycle(self) -> None:
        """Play the next ten minutes; the signals of them are in the topic and in the database."""
        state, events = self._market
        state, more = cycle(state, state.now_ms)
        self._market = (state, [])
        await self._running.play([*events, *more])
        await self._running.stored()

    async def in_topic(self) -> set[str]:
        """Return the ids of all signals in the topic."""
        return {signal.signal_id for signal in await signals_of(self._running)}

    async def start_bridge(self) -> None:
        tokens = json.dumps({TOKEN: {"name": "desk", "role": "viewer"}})
        self._bridge = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "quantiva.cli", "bridge", "--port", str(self._port)),
            env={**os.environ, "QUANTIVA_BRIDGE_TOKENS": tokens},
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._bridge.stdout is not None
        async with asyncio.timeout(STARTS_S):
            while not (line := await self._bridge.stdout.readline()).startswith(READY.encode()):
                assert line, "the bridge ended before it was ready"

    async def end_bridge(self, *, kill: bool = False) -> None:
        if self._bridge is not None and self._bridge.returncode is None:
            self._bridge.kill() if kill else self._bridge.terminate()
            await self._bridge.communicate()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def platform(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    async with contextlib.AsyncExitStack() as exits:
        patch = exits.enter_context(pytest.MonkeyPatch.context())
        stack = await exits.enter_async_context(Stack(fast=True))
        patch.setenv("QUANTIVA_SESSION_TIMEOUT_S", "3")
        patch.setenv("QUANTIVA_BROKER", "tansu")
        folder: Path = tmp_path_factory.mktemp("whole")
        running = await exits.enter_async_context(rig(stack.env(), folder, name="whole"))
        platform = Platform(running)
        exits.push_async_callback(platform.end_bridge)
        await platform.cycle()
        await platform.start_bridge()
        yield platform


@pytest_asyncio.fixture(loop_scope="module")
async def desk(chromium: Browser, platform: Platform) -> AsyncIterator[Watched]:
    async with watched(chromium, platform.address, DESKTOP) as opened:
        yield opened


async def test_live_signals_within_two_seconds_of_the_load(
    chromium: Browser, platform: Platform
) -> None:
    assert await quickest_load(chromium, platform.address) < SOON_S


@pytest.mark.parametrize(
    "kill",
    [pytest.param(True, id="killed"), pytest.param(False, id="stopped", marks=pytest.mark.long)],
)
async def test_the_page_has_every_signal_of_the_topic(
    desk: Watched, platform: Platform, kill: bool
) -> None:
    earlier = await platform.in_topic()
    await sign_in(desk.page, platform.address)
    await platform.cycle()
    await until_page_has(desk.page, await platform.in_topic() - earlier)
    await platform.end_bridge(kill=kill)
    await platform.cycle()
    await platform.cycle()  # of each row two signals come while nobody listens
    await platform.start_bridge()
    await platform.cycle()
    await until_page_has(desk.page, await platform.in_topic() - earlier)
    assert await ids(desk.page) <= await platform.in_topic(), "none is made up"
    await expect(desk.page.locator("#link")).to_have_attribute("data-state", "live")
    await expect(desk.page.locator("#banner")).to_be_hidden()
    assert [one for one in desk.problems if one.startswith("thrown")] == []
