"""Everyone can use the page: axe-core finds nothing, and nothing moves for who wants no motion."""

from __future__ import annotations

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from marketdata.simulated.assets import ASSETS as CATALOGUE
from tests.browser.chromium import DESKTOP, PHONE, watched
from tests.browser.conftest import Scene
from tests.browser.looking import overflow, sign_in

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.embedded]
ASSETS, DATABASE = 4, True
CHINESE = "币安人生"
ALSO = (CATALOGUE[3]._replace(symbol=CHINESE),)


async def complaints(page: Page, part: str | None = None) -> list[str]:
    """Return what axe-core has to say of the page or a part of it, a line for each kind."""
    found = await Axe().run(page, part)
    return [
        f"{one['id']}: {one['help']}; {len(one['nodes'])} times, first {one['nodes'][0]['target']}"
        f" {one['nodes'][0]['failureSummary'][:200]}"
        for one in found.response["violations"]
    ]


@pytest.mark.parametrize(
    ("size", "theme"),
    [
        pytest.param(DESKTOP, "dark", id="desktop-dark"),
        pytest.param(DESKTOP, "light", id="desktop-light", marks=pytest.mark.long),
        pytest.param(PHONE, "dark", id="phone-dark", marks=pytest.mark.long),
        pytest.param(PHONE, "light", id="phone-light"),
    ],
)
async def test_axe_finds_nothing_to_complain_of(
    chromium: Browser, scene: Scene, size: dict[str, int], theme: str
) -> None:
    async with watched(chromium, scene.stand.address, size, theme) as opened:
        page = opened.page
        await sign_in(page, scene.stand.address)
        await page.keyboard.press("j")
        if size == PHONE:
            assert await complaints(page) == []
        await page.keyboard.press("Enter")
        await expect(page.locator(".news li").first).to_be_visible()
        assert await complaints(page) == []
        for key in ("h", "?"):
            await page.keyboard.press(key)
            await expect(page.locator("dialog[open]")).to_have_count(1)
            assert await complaints(page, "dialog[open]") == []
            await page.keyboard.press("Escape")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_case_asset_in_chinese_is_an_asset_like_any_other(
    chromium: Browser, scene: Scene, size: dict[str, int]
) -> None:
    async with watched(chromium, scene.stand.address, size) as opened:
        page = opened.page
        await sign_in(page, scene.stand.address)
        await page.locator(f'#grid tr[data-key^="{CHINESE}|"]').first.click()
        panel = page.locator("#detail")
        await expect(panel).to_contain_text(CHINESE)
        await expect(panel.locator(".candles canvas").first).to_be_visible()
        await expect(panel.locator(".news li").first).to_be_visible()
        assert await complaints(page) == []
        assert (await overflow(page))["wider"] == 0
        assert opened.problems == []


async def test_the_dialog_for_the_token_is_in_order_too(chromium: Browser, scene: Scene) -> None:
    async with watched(chromium, scene.stand.address, DESKTOP) as opened:
        await opened.page.goto(scene.stand.address)
        await expect(opened.page.locator("#token-dialog")).to_be_visible()
        assert await complaints(opened.page) == []


async def test_nothing_moves_for_who_wants_no_motion(chromium: Browser, scene: Scene) -> None:
    async with watched(chromium, scene.stand.address, DESKTOP, reduced_motion="reduce") as opened:
        await sign_in(opened.page, scene.stand.address)
        await scene.cycle()
        await opened.page.wait_for_timeout(300)
        assert await opened.page.evaluate("() => document.getAnimations().length") == 0


async def test_what_is_selected_is_said_to_a_screen_reader(chromium: Browser, scene: Scene) -> None:
    async with watched(chromium, scene.stand.address, DESKTOP) as opened:
        await sign_in(opened.page, scene.stand.address)
        await opened.page.keyboard.press("j")
        await expect(opened.page.locator("#said")).to_contain_text("score")
