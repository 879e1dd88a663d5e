"""What the tests look at in the page: its table, and its own memory of the signals."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.chromium import APPEARS_MS, DESKTOP, watched
from tests.browser.stand.bridge import TOKEN
from tests.conftest import slowdown

SOON_S = 2.0
TRIES = 5
"""One quick load shows that the page can; the machine may be busy in the others."""
_IDS = "async () => [...(await import('/assets/js/store.js')).store.ids]"
_SHOWN = """() => Object.fromEntries([...document.querySelectorAll('#grid tr[data-signal]')]
    .map((row) => [row.dataset.key, row.dataset.signal]))"""


async def sign_in(page: Page, address: str) -> None:
    """Open the page with a token in the address, and wait for its first signals."""
    await page.goto(f"{address}/#token={TOKEN}")
    await expect(page.locator("#link")).to_have_attribute("data-state", "live")
    await page.locator("#grid tr[data-signal]").first.wait_for()


async def quickest_load(chromium: Browser, address: str, rows: int = 1) -> float:
    """Return the seconds from the load of a fresh page to its live signals, of a few tries.

    They are seconds of a machine that is idle: half of them where another program has the other
    half of the processor.
    """
    took = []
    for _ in range(TRIES):
        shared = slowdown()
        async with watched(chromium, address, DESKTOP) as desk:
            begun = time.monotonic()
            await desk.page.goto(f"{address}/#token={TOKEN}", wait_until="commit")
            await desk.page.locator("#grid tr[data-signal]").nth(rows - 1).wait_for()
            took.append((time.monotonic() - begun) / max(shared, slowdown()))
            assert await desk.page.locator("#link b").inner_text() == "Live"
        if took[-1] < SOON_S:
            break
    return min(took)


async def ids(page: Page) -> set[str]:
    """Return the ids of all signals that the page has heard of."""
    return set(await page.evaluate(_IDS))


async def until_page_has(page: Page, wanted: set[str]) -> None:
    """Wait until the page has heard of all these signals."""
    until_s = time.monotonic() + APPEARS_MS / 1000
    while time.monotonic() < until_s:
        if wanted <= await ids(page):
            return
        await asyncio.sleep(0.1)
    missing = sorted(wanted - await ids(page))
    pytest.fail(f"{len(missing)} of {len(wanted)} signals never came, the first is {missing[0]}")


async def shown(page: Page) -> dict[str, str]:
    """Return which signal each row of the table shows, by `asset|strategy`."""
    found: dict[str, str] = await page.evaluate(_SHOWN)
    return found


async def column(page: Page, name: str) -> list[str]:
    """Return the texts of a column from top to bottom."""
    return await page.locator(f"#grid tbody td.c-{name}").all_inner_texts()


def number(text: str) -> float:
    """Return the number in a text of the page, which has a real minus sign."""
    return float(text.replace("\N{MINUS SIGN}", "-"))


async def overflow(page: Page) -> dict[str, Any]:
    """Return how much wider than the window the page is, and what sticks out of it."""
    found: dict[str, Any] = await page.evaluate(
        """() => ({
            wider: document.documentElement.scrollWidth - innerWidth,
            out: [...document.querySelectorAll('body *')].filter((one) => {
                const box = one.getBoundingClientRect();
                return box.width && box.right > innerWidth + 1;
            }).map((one) => one.className || one.tagName).slice(0, 5),
        })"""
    )
    return found
