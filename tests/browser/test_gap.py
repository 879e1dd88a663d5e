"""A log that lost its records is said once; the page goes on with the new one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, WebSocket, expect

from tests.browser.chromium import DESKTOP, Watched, watched
from tests.browser.conftest import Scene
from tests.browser.looking import ids, sign_in, until_page_has

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.embedded]
ASSETS, DATABASE = 3, False


class Overheard:
    """The frames of a page's websockets."""

    def __init__(self, desk: Watched) -> None:
        self.frames: list[dict[str, object]] = []
        desk.page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._keep)
        socket.on("framesent", self._keep)

    def _keep(self, text: str | bytes) -> None:
        self.frames.append(json.loads(text))

    def of(self, kind: str) -> list[dict[str, object]]:
        return [frame for frame in self.frames if frame["type"] == kind]

    def cursor(self) -> dict[str, int]:
        """Return what the last subscription asked to go on from, by place."""
        since = str(self.of("subscribe")[-1]["since"])
        return {
            place: int(at) for place, _, at in (one.rpartition(":") for one in since.split(","))
        }


@pytest_asyncio.fixture(loop_scope="module")
async def desk(chromium: Browser, scene: Scene) -> AsyncIterator[Watched]:
    async with watched(chromium, scene.stand.address, DESKTOP) as opened:
        yield opened


async def again(desk: Watched, scene: Scene, heard: Overheard) -> None:
    """Start the bridge again, and wait until the page is back."""
    before = len(heard.of("subscribe"))
    await scene.stand.start()
    async with asyncio.timeout(120):
        while len(heard.of("subscribe")) == before:
            await asyncio.sleep(0.1)
    await expect(desk.page.locator("#link")).to_have_attribute("data-state", "live")


async def test_a_log_recreated_is_a_gap_once(desk: Watched, scene: Scene) -> None:
    heard = Overheard(desk)
    await sign_in(desk.page, scene.stand.address)
    await until_page_has(desk.page, set(scene.stand.sent[-ASSETS:]))
    await scene.stand.stop()
    scene.stand.log.lose()
    fresh = await scene.cycle()
    await again(desk, scene, heard)
    await until_page_has(desk.page, set(fresh))
    await expect(desk.page.locator("#banner")).to_contain_text("Some records will not come")
    told = len(heard.of("gap"))
    assert told > 0

    await scene.stand.stop()
    missed = await scene.cycle()
    heard.frames.clear()
    await again(desk, scene, heard)
    await until_page_has(desk.page, set(missed))
    assert heard.of("gap") == [], "it asked once more for what the log no longer has"
    ends = {
        f"{name}:{number}": len(records) for (name, number), records in scene.stand.log.places()
    }
    assert all(at < ends[place] for place, at in heard.cursor().items())
    resent = {frame["data"]["signal_id"] for frame in heard.of("signal")}  # type: ignore[index]
    assert resent == set(missed), "only what came while the bridge was away"
    assert set(fresh) | set(missed) <= await ids(desk.page)
