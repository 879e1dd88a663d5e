"""A real bridge, and Debian's Chromium looking at it. Each module has a stand of its own.

A module says how many assets its market has (ASSETS), whether there is a database (DATABASE), and
perhaps what else is traded there (ALSO).
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

pytest.importorskip("playwright", reason="playwright is not installed: pip install -e '.[dev]'")

from playwright.async_api import Browser, expect

from embedded.database import Database
from marketdata.simulated.assets import ASSETS
from sinks.postgres import migrate
from tests.browser.chromium import APPEARS_MS, browser, find_chromium
from tests.browser.stand.bridge import Stand
from tests.browser.stand.world import CYCLE_MS, World
from tests.conftest import skip_or_fail

HISTORY = 3
expect.set_options(timeout=APPEARS_MS)


@dataclass
class Scene:
    """A bridge that runs, and the market behind it."""

    stand: Stand
    world: World

    async def cycle(self) -> list[str]:
        """Let a cycle happen; return the ids of its signals."""
        before = len(self.stand.sent)
        await self.stand.publish(self.world.cycle())
        return self.stand.sent[before:]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    """The browser."""
    if find_chromium() is None:
        skip_or_fail("no Chromium: apt-get install chromium", "QUANTIVA_REQUIRE_BROWSER")
    async with browser() as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    """A bridge on a market of three cycles, the third one running."""
    database = Database(fast=True) if request.module.DATABASE else None
    if database is not None:
        await migrate(await database.start())
    now_ms = time.time_ns() // 1_000_000
    assets = (*ASSETS[: request.module.ASSETS], *getattr(request.module, "ALSO", ()))
    world = World(now_ms // CYCLE_MS * CYCLE_MS - (HISTORY - 1) * CYCLE_MS, assets)
    scene = Scene(Stand(database), world)
    await scene.stand.publish(world.begin())
    for _ in range(HISTORY):
        await scene.cycle()
    await scene.stand.start()
    yield scene
    await scene.stand.close()
    if database is not None:
        await database.stop()
