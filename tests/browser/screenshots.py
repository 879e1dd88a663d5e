"""`python -m tests.browser.screenshots [OUT]`: pictures of the page.

With a folder: desktop and phone, dark and light. Without: the one of the README.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from playwright.async_api import Browser, Page

from embedded.database import Database
from sinks.postgres import migrate
from tests.browser.chromium import DESKTOP, PHONE, browser, watched
from tests.browser.stand.__main__ import fill
from tests.browser.stand.bridge import TOKEN, Stand

README_PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "page.png"
_README_SIZE = {"width": 1280, "height": 720}
_BOOK = '.cards [data-strategy="sentiment-momentum"]'
_FULL = ".spark[data-way] >> nth=40"


async def make(out: Path | None) -> None:
    """Make all pictures in a folder, or without one the README's."""
    (out or README_PICTURE.parent).mkdir(parents=True, exist_ok=True)
    database = Database(fast=True)
    await migrate(await database.start())
    stand = Stand(database)
    try:
        await fill(stand)
        await stand.start()
        async with browser() as opened:
            if out is None:
                await _readme(opened, stand)
                return
            for theme in ("dark", "light"):
                await _desktop(opened, stand, out, theme)
                await _phone(opened, stand, out, theme)
            await _trouble(opened, stand, out)
    finally:
        await stand.close()
        await database.stop()


async def _open(page: Page, stand: Stand, ready: str = _FULL) -> None:
    await page.goto(f"{stand.address}/#token={TOKEN}")
    await page.locator(ready).wait_for(state="attached")
    await page.wait_for_timeout(1_500)


async def _readme(opened: Browser, stand: Stand) -> None:
    async with watched(opened, stand.address, _README_SIZE) as desk:
        await _open(desk.page, stand)
        await desk.page.screenshot(path=README_PICTURE)
        _report(desk.problems)


async def _desktop(opened: Browser, stand: Stand, out: Path, theme: str) -> None:
    async with watched(opened, stand.address, DESKTOP, theme) as desk:
        page = desk.page
        await _open(page, stand)
        await page.screenshot(path=out / f"desktop-{theme}.png")
        await page.locator("#detail").evaluate("one => one.scrollTo(0, 620)")
        await page.screenshot(path=out / f"desktop-{theme}-panel.png")
        await page.locator("#detail .position").scroll_into_view_if_needed()
        await page.screenshot(path=out / f"desktop-{theme}-position.png")
        await page.keyboard.press("2")
        await page.keyboard.press("h")
        await page.wait_for_timeout(1_200)
        await page.screenshot(path=out / f"desktop-{theme}-health.png")
        await page.keyboard.press("Escape")
        await page.keyboard.press("?")
        await page.screenshot(path=out / f"desktop-{theme}-keys.png")
        await page.keyboard.press("Escape")
        await page.keyboard.press("p")
        await page.locator(_BOOK).click()
        await page.wait_for_timeout(1_500)
        await page.screenshot(path=out / f"desktop-{theme}-portfolios.png")
        _report(desk.problems)


async def _phone(opened: Browser, stand: Stand, out: Path, theme: str) -> None:
    async with watched(opened, stand.address, PHONE, theme, device_scale_factor=2) as phone:
        page = phone.page
        await _open(page, stand, "#grid tbody tr >> nth=40")
        await page.screenshot(path=out / f"phone-{theme}.png")
        await page.locator("#grid tbody tr").first.tap()
        await page.wait_for_timeout(800)
        await page.screenshot(path=out / f"phone-{theme}-panel.png")
        await page.get_by_role("button", name="Close").tap()
        await page.get_by_role("link", name="Portfolios").tap()
        await page.locator(_BOOK).tap()
        await page.wait_for_timeout(1_500)
        await page.screenshot(path=out / f"phone-{theme}-portfolios.png")
        await page.locator("#portfolios").evaluate("one => one.scrollTo(0, 620)")
        await page.screenshot(path=out / f"phone-{theme}-portfolios-more.png")
        _report(phone.problems)


async def _trouble(opened: Browser, stand: Stand, out: Path) -> None:
    async with watched(opened, stand.address, DESKTOP) as desk:
        page = desk.page
        await page.goto(stand.address)
        await page.screenshot(path=out / "desktop-dark-token.png")
        await page.fill("#token", TOKEN)
        await page.keyboard.press("Enter")
        await page.locator(_FULL).wait_for(state="attached")
        await stand.stop()
        await page.wait_for_selector("#banner:not([hidden])")
        await page.wait_for_timeout(2_500)
        await page.screenshot(path=out / "desktop-dark-disconnected.png")


def _report(problems: list[str]) -> None:
    for problem in problems:
        print(problem, file=sys.stderr)


def main() -> None:
    """Read the arguments and make the pictures."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.browser.screenshots", description=__doc__
    )
    parser.add_argument("out", type=Path, nargs="?", help="folder for the pictures")
    asyncio.run(make(parser.parse_args().out))


if __name__ == "__main__":
    main()
