"""Signals reach the page soon, and all of them, whatever happens to the bridge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.chromium import DESKTOP, Watched, watched
from tests.browser.conftest import Scene
from tests.browser.looking import SOON_S, ids, quickest_load, shown, sign_in, until_page_has

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.embedded]
ASSETS, DATABASE = 50, False
STRATEGIES = 4


@pytest_asyncio.fixture(loop_scope="module")
async def desk(chromium: Browser, scene: Scene) -> AsyncIterator[Watched]:
    """The page on a desktop, in a fresh profile."""
    async with watched(chromium, scene.stand.address, DESKTOP) as opened:
        yield opened


def latest(scene: Scene) -> dict[str, str]:
    """Return the last signal of each asset and strategy in the log."""
    found = {}
    for record in sorted(scene.stand.log.all("signals"), key=lambda one: one.offset):
        signal = scene.stand.codec.decode(record.value)
        found[f"{signal.asset}|{signal.strategy_id}"] = signal.signal_id
    return found


async def test_the_page_shows_live_signals_within_two_seconds_of_its_load(
    chromium: Browser, scene: Scene
) -> None:
    assert await quickest_load(chromium, scene.stand.address, rows=20) < SOON_S


async def test_each_row_shows_the_latest_signal_of_its_asset_and_strategy(
    desk: Watched, scene: Scene
) -> None:
    await sign_in(desk.page, scene.stand.address)
    rows = desk.page.locator("#grid tr[data-signal]")
    await expect(rows).to_have_count(ASSETS * STRATEGIES)
    assert await shown(desk.page) == latest(scene)


async def test_signals_of_a_new_cycle_take_the_places_of_the_old_ones(
    desk: Watched, scene: Scene
) -> None:
    await sign_in(desk.page, scene.stand.address)
    fresh = await scene.cycle()
    await until_page_has(desk.page, set(fresh))
    last = fresh[-1]
    await expect(desk.page.locator(f'#grid tr[data-signal="{last}"]')).to_have_count(1)
    await asyncio.sleep(1.2)  # the order of the table follows once a second
    assert await shown(desk.page) == latest(scene)


async def test_it_misses_no_signal_and_makes_none_up(desk: Watched, scene: Scene) -> None:
    await sign_in(desk.page, scene.stand.address)
    first = await ids(desk.page)
    sent = [one for _ in range(3) for one in await scene.cycle()]
    await until_page_has(desk.page, set(sent))
    assert await ids(desk.page) == first | set(sent)


@pytest.mark.long
async def test_it_survives_a_restart_of_the_bridge_and_misses_nothing_meanwhile(
    desk: Watched, scene: Scene
) -> None:
    await sign_in(desk.page, scene.stand.address)
    first = await ids(desk.page)
    sent = await scene.cycle()
    await until_page_has(desk.page, set(sent))
    await scene.stand.stop()
    sent += await scene.cycle()
    sent += await scene.cycle()  # of each row two signals come while nobody listens
    await scene.stand.start()
    sent += await scene.cycle()
    await until_page_has(desk.page, set(sent))
    assert await ids(desk.page) == first | set(sent)
    await expect(desk.page.locator("#link")).to_have_attribute("data-state", "live")
    await expect(desk.page.locator("#banner")).to_be_hidden()
    thrown = [one for one in desk.problems if one.startswith("thrown")]
    assert thrown == []


@pytest.mark.long
async def test_it_says_that_it_is_disconnected_and_since_when(desk: Watched, scene: Scene) -> None:
    await sign_in(desk.page, scene.stand.address)
    await scene.stand.stop()
    try:
        banner = desk.page.locator("#banner")
        await expect(banner).to_be_visible()
        await expect(banner).to_contain_text("Disconnected from the bridge")
        await expect(banner).to_contain_text("What you see is from")
        await expect(desk.page.locator("#health-button")).to_have_text("Health not known")
        assert len(await shown(desk.page)) == ASSETS * STRATEGIES  # still there to be read
        await desk.page.get_by_role("button", name="Try now").click()
        await expect(banner).to_be_visible()
    finally:
        await scene.stand.start()
    await expect(banner).to_be_hidden()


async def test_it_is_silent_on_the_console_and_asks_no_other_host(
    desk: Watched, scene: Scene
) -> None:
    await sign_in(desk.page, scene.stand.address)
    await desk.page.locator(".spark[data-way] >> nth=20").wait_for(state="attached")
    await scene.cycle()
    await desk.page.keyboard.press("j")
    await desk.page.locator(".candles canvas").first.wait_for()
    await asyncio.sleep(1)
    assert desk.problems == []
    assert desk.elsewhere == []


@pytest.mark.long
async def test_a_slow_load_of_everything_else_does_not_hold_the_signals_back(
    desk: Watched, scene: Scene
) -> None:
    async def late(route: object) -> None:
        await asyncio.sleep(5)
        await route.abort()  # type: ignore[attr-defined]

    await desk.page.route("**/api/v1/assets/**", late)
    await desk.page.route("**/api/v1/status", late)
    await sign_in(desk.page, scene.stand.address)
    await expect(desk.page.locator("#grid tr[data-signal]")).to_have_count(ASSETS * STRATEGIES)
