"""The views of the track record and of what scores are worth: figures, keys, accessibility."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.browser.chromium import DESKTOP, PHONE, watched
from tests.browser.conftest import Scene
from tests.browser.looking import overflow, sign_in
from tests.browser.record_samples import outcomes_answer, record_answer
from tests.browser.test_access import complaints

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.embedded]
ASSETS, DATABASE = 4, True
RECORD, OUTCOMES = "**/track-record*", "**/api/v1/outcomes"


def answering(body: bytes) -> Callable[[Route], Awaitable[None]]:
    """Return what answers a request with a body."""

    async def answer(route: Route) -> None:
        await route.fulfill(body=body, content_type="application/json")

    return answer


async def after_months(page: Page) -> None:
    """Let the bridge answer as it does after months."""
    for pattern, body in ((RECORD, record_answer()), (OUTCOMES, outcomes_answer())):
        await page.route(pattern, answering(body))


async def test_the_record_of_a_real_bridge_shows_its_moments(
    chromium: Browser, scene: Scene
) -> None:
    async with watched(chromium, scene.stand.address, DESKTOP) as opened:
        page = opened.page
        await sign_in(page, scene.stand.address)
        await page.keyboard.press("t")
        await expect(page.locator("#record .groups")).to_be_visible()
        await expect(page.locator("#record .as-of")).to_contain_text("moments")
        await expect(page.locator("#record .same code").last).to_contain_text("quantiva backtest")
        cards = page.locator("#record .cards button")
        first = await cards.first.get_attribute("data-strategy")
        assert page.url.endswith(f"#record/{first}")
        await page.keyboard.press("j")
        second = await cards.nth(1).get_attribute("data-strategy")
        assert page.url.endswith(f"#record/{second}")
        await expect(page.locator("#record .groups")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.locator("#grid")).to_be_visible()
        assert opened.problems == []
        assert opened.elsewhere == []


async def test_all_that_the_answer_has_is_shown_in_plain_words(
    chromium: Browser, scene: Scene
) -> None:
    record = msgspec.json.decode(record_answer())
    async with watched(chromium, scene.stand.address, DESKTOP) as opened:
        page = opened.page
        await after_months(page)
        await sign_in(page, scene.stand.address)
        await page.keyboard.press("t")
        shown = page.locator("#record .book")
        for text in ("Sharpe", "Deepest fall (max drawdown)", "Win rate", "Fees paid", "Holding"):
            await expect(shown).to_contain_text(text)
        for doubt in record["doubts"]:
            await expect(shown).to_contain_text(doubt["text"])
        await expect(page.locator("#record .months tbody td[data-side]")).to_have_count(
            len(record["monthly"]) + len(record["yearly"])
        )
        await expect(page.locator("#record .versions li")).to_have_count(2)
        await expect(shown).to_contain_text(record["backtest"])
        assert opened.problems == []


async def test_what_is_bad_or_too_little_is_said_as_plainly(
    chromium: Browser, scene: Scene
) -> None:
    async with watched(chromium, scene.stand.address, DESKTOP) as opened:
        page = opened.page
        await after_months(page)
        await sign_in(page, scene.stand.address)
        await page.keyboard.press("w")
        rows = page.locator(".works tbody tr")
        await expect(rows).to_have_count(5)
        said = {
            "Fundamental": "too few: 12 of 30",
            "Liquidity": "always says the same",
            "Technical": "has foretold something",
        }
        for name, text in said.items():
            await expect(rows.filter(has_text=name)).to_contain_text(text)
        strategy = rows.filter(has_text="strategy")
        await expect(strategy).to_contain_text("has foretold the opposite")
        await expect(page.locator(".one-work")).to_have_count(5)
        await page.keyboard.press("1")
        await expect(page.locator("#outcomes [aria-pressed=true]")).to_have_text("1 hour")
        await page.keyboard.press("j")
        await expect(page.locator("#outcomes [aria-pressed=true]")).to_have_text("4 hours")
        await page.keyboard.press("w")
        await expect(page.locator("#grid")).to_be_visible()
        assert opened.problems == []


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_nothing_and_nothing_sticks_out(
    chromium: Browser, scene: Scene, size: dict[str, int], theme: str
) -> None:
    async with watched(chromium, scene.stand.address, size, theme) as opened:
        page = opened.page
        await after_months(page)
        await sign_in(page, scene.stand.address)
        for key, part, view in (("t", ".groups", "#record"), ("w", ".one-work", "#outcomes")):
            await page.keyboard.press(key)
            await expect(page.locator(part).first).to_be_visible()
            assert await complaints(page) == []
            assert (await overflow(page))["wider"] == 0
            wide = await page.locator(view).evaluate("one => one.scrollWidth - innerWidth")
            assert wide <= 0
        assert opened.problems == []


@pytest.mark.parametrize(
    ("view", "pattern"),
    [pytest.param("record", RECORD, id="record"), pytest.param("outcomes", OUTCOMES, id="worth")],
)
async def test_a_refusal_is_said(chromium: Browser, scene: Scene, view: str, pattern: str) -> None:
    async with watched(chromium, scene.stand.address, DESKTOP) as opened:
        page = opened.page
        problem = {"title": "Away", "detail": "The database is away.", "status": 503}
        await page.route(pattern, lambda route: route.fulfill(json=problem, status=503))
        await sign_in(page, scene.stand.address)
        await page.goto(f"{scene.stand.address}/#{view}")
        await expect(page.locator(f"#{view} .note").first).to_have_text("The database is away.")
