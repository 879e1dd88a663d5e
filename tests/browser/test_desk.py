"""What a person does with the page: keyboard, filters, order, panel, theme, phone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from sinks.bridge import page as bridge_page
from tests.browser.chromium import DESKTOP, PHONE, Watched, watched
from tests.browser.conftest import Scene
from tests.browser.looking import column, number, overflow, sign_in
from tests.browser.stand.bridge import TOKEN

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.embedded]
ASSETS, DATABASE = 10, True


@pytest_asyncio.fixture(loop_scope="module")
async def desk(chromium: Browser, scene: Scene) -> AsyncIterator[Watched]:
    """The page on a desktop, signed in; at the end it must have been quiet."""
    async with watched(chromium, scene.stand.address, DESKTOP) as opened:
        await sign_in(opened.page, scene.stand.address)
        yield opened
        assert opened.problems == []
        assert opened.elsewhere == []


@pytest_asyncio.fixture(loop_scope="module")
async def phone(chromium: Browser, scene: Scene) -> AsyncIterator[Watched]:
    """The page on a phone, signed in."""
    async with watched(chromium, scene.stand.address, PHONE) as opened:
        await sign_in(opened.page, scene.stand.address)
        yield opened
        assert opened.problems == []


async def selected(page: Page) -> str:
    """Return the key of the selected row."""
    return str(await page.locator('#grid tr[aria-selected="true"]').get_attribute("data-key"))


async def keys_of(page: Page) -> list[str]:
    found: list[str] = await page.evaluate(
        "() => [...document.querySelectorAll('#grid tr[data-key]')].map((row) => row.dataset.key)"
    )
    return found


async def test_the_token_is_asked_for_once_and_stands_in_no_address(
    chromium: Browser, scene: Scene
) -> None:
    async with watched(chromium, scene.stand.address, DESKTOP) as opened:
        page = opened.page
        await page.goto(scene.stand.address)
        await page.get_by_label("Token").fill("not a token of ours")
        await page.keyboard.press("Enter")
        await expect(page.locator("#token-dialog")).to_contain_text("does not know this token")
        await page.get_by_label("Token").fill(TOKEN)
        await page.keyboard.press("Enter")
        await page.locator("#grid tr[data-signal]").first.wait_for()
        assert TOKEN not in page.url
        await page.reload()
        await page.locator("#grid tr[data-signal]").first.wait_for()
        await expect(page.locator("#token-dialog")).to_be_hidden()


async def test_a_token_in_the_address_is_taken_out_of_it(desk: Watched) -> None:
    assert TOKEN not in desk.page.url
    assert TOKEN not in await desk.page.evaluate("() => document.documentElement.outerHTML")


async def test_j_and_k_walk_through_the_signals(desk: Watched) -> None:
    order = await keys_of(desk.page)
    assert await selected(desk.page) == order[0]
    await desk.page.keyboard.press("j")
    await desk.page.keyboard.press("j")
    assert await selected(desk.page) == order[2]
    await desk.page.keyboard.press("k")
    assert await selected(desk.page) == order[1]
    await desk.page.keyboard.press("G")
    assert await selected(desk.page) == order[-1]
    asset = order[-1].split("|")[0]
    await expect(desk.page.locator("#detail h2")).to_contain_text(asset)


async def test_enter_opens_the_panel_and_escape_comes_back(desk: Watched) -> None:
    await desk.page.keyboard.press("j")
    await desk.page.keyboard.press("Enter")
    await expect(desk.page.locator("#detail")).to_be_focused()
    await desk.page.keyboard.press("Escape")
    await expect(desk.page.locator('#grid tr[aria-selected="true"]')).to_be_focused()


async def test_letters_typed_into_the_search_are_no_commands(desk: Watched) -> None:
    theme = await desk.page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    await desk.page.keyboard.press("/")
    await expect(desk.page.locator("#search")).to_be_focused()
    await desk.page.keyboard.type("doge")
    await expect(desk.page.locator("#search")).to_have_value("doge")
    await expect(desk.page.locator("#grid tr[data-signal]")).to_have_count(4)
    now = await desk.page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert now == theme
    await desk.page.keyboard.press("Escape")
    await desk.page.keyboard.press("c")
    await expect(desk.page.locator("#grid tr[data-signal]")).to_have_count(4 * ASSETS)


@pytest.mark.parametrize("key", ["?", "h"])
async def test_a_dialog_opens_by_its_key_and_closes_by_escape(desk: Watched, key: str) -> None:
    await desk.page.keyboard.press(key)
    await expect(desk.page.locator("dialog[open]")).to_have_count(1)
    await desk.page.keyboard.press("Escape")
    await expect(desk.page.locator("dialog[open]")).to_have_count(0)


async def test_d_changes_the_theme_and_a_reload_keeps_it(desk: Watched) -> None:
    background = "() => getComputedStyle(document.body).backgroundColor"
    dark = await desk.page.evaluate(background)
    await desk.page.keyboard.press("d")
    light = await desk.page.evaluate(background)
    assert light != dark
    await desk.page.reload()
    assert await desk.page.evaluate(background) == light


async def test_the_theme_follows_the_system_at_first(chromium: Browser, scene: Scene) -> None:
    found = set()
    for theme in ("dark", "light"):
        async with watched(chromium, scene.stand.address, DESKTOP, theme) as opened:
            await opened.page.goto(scene.stand.address)
            found.add(
                await opened.page.evaluate("() => getComputedStyle(document.body).backgroundColor")
            )
    assert len(found) == 2


async def test_filters_narrow_the_table_and_stand_in_the_address(desk: Watched) -> None:
    page = desk.page
    await page.get_by_role("button", name="Defensive").first.click()
    await expect(page.locator("#grid tr[data-signal]")).to_have_count(ASSETS)
    assert set(await column(page, "strategy")) == {"Defensive"}
    await page.keyboard.press("4")
    await expect(page.locator(".choices.action [aria-pressed=true]")).to_have_text("■ Hold")
    await expect(page.locator(".clear")).to_be_visible()
    assert {text.strip("*") for text in await column(page, "action")} <= {"■ HOLD"}
    assert "strategy=defensive" in page.url
    assert "action=HOLD" in page.url
    shown = await keys_of(page)
    await page.reload()
    await page.locator("#grid tr[data-signal]").first.wait_for()
    await expect(page.locator("#grid tr[data-signal]")).to_have_count(len(shown))


async def test_the_least_confidence_is_a_filter(desk: Watched) -> None:
    values = [int(text.rstrip("%")) for text in await column(desk.page, "confidence")]
    least = sorted(values)[len(values) // 2] // 5 * 5
    await desk.page.locator("#confidence").fill(str(least / 100))
    await expect(desk.page.locator(".slide output")).to_have_text(f"≥ {least}%")
    left = [int(text.rstrip("%")) for text in await column(desk.page, "confidence")]
    assert left
    assert min(left) >= least


async def test_a_click_on_a_head_orders_by_it_and_a_second_the_other_way(desk: Watched) -> None:
    head = desk.page.locator("#grid th.c-score")
    for said in ("descending", "ascending"):
        await head.get_by_role("button").click()
        await expect(head).to_have_attribute("aria-sort", said)
        texts = await column(desk.page, "score")
        scores = [number(text) for text in texts]
        assert scores == sorted(scores, reverse=said == "descending")


async def test_the_panel_says_everything_about_the_signal(desk: Watched) -> None:
    panel = desk.page.locator("#detail")
    await expect(panel.locator(".contributions tbody tr")).to_have_count(5)
    await expect(panel.locator(".why .prose")).to_contain_text("with a final score of")
    for name in ("Entry", "Size", "Stop", "Target"):
        await expect(panel.locator(".position")).to_contain_text(name)
    await expect(panel.locator(".candles canvas").first).to_be_visible()
    await expect(panel.locator(".inputs")).to_contain_text("Places in the log")
    await expect(panel.locator(".past")).to_contain_text("signals since")
    link = panel.locator(".news a").first
    await expect(link).to_have_attribute("rel", "noopener noreferrer")
    adds = await panel.locator(".contributions .sum").all_inner_texts()
    parts = [number(text) for text in adds]
    assert sum(parts[:-1]) == pytest.approx(parts[-1], abs=0.003)


async def test_without_the_chart_library_the_page_says_so_and_works(
    chromium: Browser, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.stand.stop()
    monkeypatch.setattr(bridge_page, "CHART_PACKAGE", "no_such_package")
    await scene.stand.start()
    try:
        async with watched(chromium, scene.stand.address, DESKTOP) as opened:
            await sign_in(opened.page, scene.stand.address)
            await expect(opened.page.locator(".no-chart")).to_contain_text("No chart library")
            await expect(opened.page.locator(".contributions tbody tr")).to_have_count(5)
            assert opened.problems == []
    finally:
        monkeypatch.undo()
        await scene.stand.stop()
        await scene.stand.start()


async def test_a_bridge_that_says_nothing_any_more_is_called_stale(
    chromium: Browser, scene: Scene
) -> None:
    async with watched(chromium, scene.stand.address, DESKTOP) as opened:
        silent = False

        def between(route: object) -> None:
            server = route.connect_to_server()  # type: ignore[attr-defined]
            server.on_message(lambda text: silent or route.send(text))  # type: ignore[attr-defined]

        await opened.page.route_web_socket("**/ws?*", between)
        await sign_in(opened.page, scene.stand.address)
        await opened.page.wait_for_timeout(2_500)  # it learns how often the bridge beats
        silent = True
        await expect(opened.page.locator("#link")).to_have_attribute("data-state", "stale")
        await expect(opened.page.locator("#banner")).to_contain_text("figures may be old")
        silent = False
        await expect(opened.page.locator("#link")).to_have_attribute("data-state", "live")
        await expect(opened.page.locator("#banner")).to_be_hidden()


async def test_on_a_phone_nothing_sticks_out_and_a_tap_opens_the_panel(phone: Watched) -> None:
    page = phone.page
    assert await overflow(page) == {"wider": 0, "out": []}
    await page.locator("#grid tr[data-signal]").nth(2).tap()
    await expect(page.locator("#detail")).to_be_visible()
    await expect(page.locator(".news li").first).to_be_visible()
    assert (await overflow(page))["wider"] == 0
    await page.get_by_role("button", name="Close").tap()
    await expect(page.locator("#detail")).to_be_hidden()


async def test_names_and_news_that_look_like_markup_stay_text(
    chromium: Browser, scene: Scene
) -> None:
    async def spoiled(route: Route) -> None:
        article = {
            "asset": "BTC", "headline": "<img src=x onerror=alert(1)>", "summary": None,
            "url": "javascript:alert(1)", "publisher": "<b>Post</b>", "source": "s",
            "source_id": "1", "sentiment_label": None, "event_time": 1, "observed_at": 1,
            "published_at": None,
        }  # fmt: skip
        await route.fulfill(json={"items": [article]})

    async with watched(chromium, scene.stand.address, DESKTOP) as opened:
        await opened.page.route("**/api/v1/news?*", spoiled)
        await sign_in(opened.page, scene.stand.address)
        news = opened.page.locator(".news li").first
        await expect(news).to_contain_text("<img src=x onerror=alert(1)>")
        await expect(news.locator("a, img, b")).to_have_count(0)
        assert opened.problems == []
