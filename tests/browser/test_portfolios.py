"""What a person sees of the portfolios: figures that move, a curve, positions, trades; and why."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from schemas.signals import PortfolioEquity, PortfolioTrade, Signal
from schemas.topics import EQUITY, SIGNALS, TRADES
from streams.replay.market import Produced
from tests.browser.chromium import DESKTOP, PHONE, Watched, watched
from tests.browser.conftest import Scene
from tests.browser.looking import number, overflow, sign_in
from tests.contract.sink_samples import trade

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


def latest(scene: Scene) -> dict[str, PortfolioEquity]:
    """Return the last equity of each strategy in the log."""
    found: dict[str, PortfolioEquity] = {}
    for record in scene.stand.log.all(EQUITY.name):
        one = scene.stand.codec.decode(record.value)
        if one.strategy_id not in found or one.as_of >= found[one.strategy_id].as_of:
            found[one.strategy_id] = one
    return found


async def chosen(page: Page) -> str:
    """Return the strategy whose portfolio is shown."""
    card = page.locator('.cards button[aria-pressed="true"]')
    return str(await card.get_attribute("data-strategy"))


def usd(text: str) -> float:
    """Return the number in +$1,234.50."""
    return number(text.replace("$", "").replace(",", "").replace("+", ""))


def sale(scene: Scene, order: int, **changes: object) -> Produced:
    """Return the record of a sale of a strategy in the log."""
    name = sorted(latest(scene))[0]
    made = trade(2 * order + 1, strategy_id=name, **changes)
    return Produced(TRADES.name, 0, 0, name, made.filled_at, made)


async def test_every_strategy_has_its_portfolio_with_positions_and_figures(
    desk: Watched, scene: Scene
) -> None:
    page = desk.page
    await page.keyboard.press("p")
    await expect(page.locator(".cards button")).to_have_count(len(latest(scene)))
    await expect(page.locator("#filters")).to_be_hidden()
    for _ in latest(scene):
        worth = latest(scene)[await chosen(page)]
        rows = page.locator(".ledger.held tbody tr")
        await expect(rows).to_have_count(len(worth.positions))
        figures = page.locator(".figures")
        await expect(figures).to_contain_text(f"of ${worth.invested_usd:,.0f} put in")
        await expect(figures).to_contain_text(f"${worth.cash_usd:,.0f}")
        await page.keyboard.press("j")
    await expect(page.locator(".curve canvas").first).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#filters")).to_be_visible()


async def test_keys_change_the_strategy_and_the_time_and_the_address_keeps_them(
    desk: Watched, scene: Scene
) -> None:
    page = desk.page
    await page.keyboard.press("p")
    first = await chosen(page)
    await page.keyboard.press("j")
    second = await chosen(page)
    assert second != first
    assert page.url.endswith(f"#portfolios/{second}")
    await page.keyboard.press("1")
    await expect(page.locator(".book .frames [aria-pressed=true]")).to_have_text("1 day")
    await page.reload()
    await expect(page.locator(".cards button")).to_have_count(len(latest(scene)))
    assert await chosen(page) == second
    await page.keyboard.press("k")
    assert await chosen(page) == first


async def test_a_new_cycle_moves_the_figures(desk: Watched, scene: Scene) -> None:
    page = desk.page
    await page.keyboard.press("p")
    await scene.cycle()
    hour = latest(scene)[await chosen(page)].as_of // 60_000
    clock = f"{hour // 60 % 24:02d}:{hour % 60:02d}"
    await expect(page.locator("#portfolios .book .as-of")).to_contain_text(
        f"last cycle {clock} UTC"
    )


async def test_closed_trades_come_live_and_older_ones_in_pages(desk: Watched, scene: Scene) -> None:
    page = desk.page
    await scene.stand.publish([sale(scene, order) for order in range(60)])
    await page.keyboard.press("p")
    await page.keyboard.press("g")
    rows = page.locator(".ledger.sold tbody tr")
    await expect(rows).to_have_count(50)
    await expect(rows.first).to_contain_text("target")
    await expect(rows.first).to_contain_text("+$97.90")
    await page.get_by_role("button", name="Show older trades").click()
    await expect(rows).to_have_count(60)
    late = sale(scene, 99, profit_usd=-5.0, reason="stop_loss")
    await scene.stand.publish([late])
    await expect(rows).to_have_count(61)
    await expect(rows.first).to_contain_text("\N{MINUS SIGN}$5.00")
    assert isinstance(late.event, PortfolioTrade)


async def test_a_position_leads_to_its_signal(desk: Watched, scene: Scene) -> None:
    page = desk.page
    held = {name: one.positions for name, one in latest(scene).items() if one.positions}
    name, positions = sorted(held.items())[0]
    await page.goto(f"{scene.stand.address}/#portfolios/{name}")
    await page.locator(f'.cards [data-strategy="{name}"]').click()
    await page.locator(".ledger.held .p-asset button").first.click()
    row = page.locator('#grid tr[aria-selected="true"]')
    await expect(row).to_be_visible()
    assert str(await row.get_attribute("data-key")).split("|")[1] == name
    assert str(await row.get_attribute("data-asset")) in {one.asset for one in positions}


async def test_positions_are_worth_their_size_at_the_price_that_is_shown(
    desk: Watched, scene: Scene
) -> None:
    page = desk.page
    fullest = max(latest(scene).values(), key=lambda one: len(one.positions))
    assert fullest.positions
    await page.keyboard.press("p")
    await page.locator(f'.cards [data-strategy="{fullest.strategy_id}"]').click()
    rows = page.locator(".ledger.held tbody tr")
    await expect(rows).to_have_count(len(fullest.positions))
    for one in fullest.positions:
        row = rows.filter(has=page.get_by_text(one.asset, exact=True)).first
        price, entry, profit = [
            usd(await row.locator(f".p-{name}").first.inner_text())
            for name in ("price", "entry", "profit b")
        ]
        assert entry == pytest.approx(one.entry_price_usd, rel=1e-4)
        made = one.size * (price - one.entry_price_usd)
        assert profit == pytest.approx(made, abs=0.02 + one.value_usd * 1e-4)


async def test_the_panel_shows_step_by_step_how_the_action_came(
    desk: Watched, scene: Scene
) -> None:
    decoded = [scene.stand.codec.decode(one.value) for one in scene.stand.log.all(SIGNALS.name)]
    newest: dict[str, Signal] = {f"{one.asset}|{one.strategy_id}": one for one in decoded}
    key, signal = next(
        (key, one)
        for key, one in newest.items()
        if one.override == "entry_rule" and one.trailing_stop_usd
    )
    await desk.page.locator(f'#grid tr[data-key="{key}"]').click()
    panel = desk.page.locator("#detail")
    parts = panel.locator(".trace ul li")
    await expect(parts).to_have_count(len(signal.trace))
    assert await parts.locator("code").all_inner_texts() == [one.part for one in signal.trace]
    truths = await parts.evaluate_all("all => all.map((one) => one.dataset.truth)")
    assert truths == [one.truth for one in signal.trace]
    saw = await parts.locator("small").all_inner_texts()
    assert saw == [one.values for one in signal.trace if one.values]
    decided = panel.locator('.trace [data-decided="true"] > b')
    await expect(decided).to_have_text("Entry rule made it BUY")
    for name in ("Held", "Entered", "Trailing stop"):
        await expect(panel.locator(".position").get_by_text(name, exact=True)).to_be_visible()
    version = f"by version {signal.strategy_version} of the strategy"
    await expect(panel.locator(".inputs")).to_contain_text(version)


async def test_on_a_phone_nothing_sticks_out(chromium: Browser, scene: Scene) -> None:
    async with watched(chromium, scene.stand.address, PHONE) as opened:
        page = opened.page
        await sign_in(page, scene.stand.address)
        await page.get_by_role("link", name="Portfolios").tap()
        await expect(page.locator(".ledger.sold tbody tr").first).to_be_visible()
        assert (await overflow(page))["wider"] == 0
        wide = await page.locator("#portfolios").evaluate("one => one.scrollWidth - innerWidth")
        assert wide <= 0
        assert opened.problems == []


async def test_without_any_portfolio_the_page_says_when_there_is_one(
    chromium: Browser, scene: Scene
) -> None:
    async with watched(chromium, scene.stand.address, DESKTOP) as opened:
        page = opened.page
        await page.route("**/api/v1/portfolios", lambda route: route.fulfill(json={"items": []}))
        await page.route_web_socket("**/ws?*", lambda socket: None)
        await page.goto(f"{scene.stand.address}/#portfolios")
        await page.get_by_label("Token").fill("viewer-of-the-desk")
        await page.keyboard.press("Enter")
        await expect(page.locator("#portfolios .nothing")).to_contain_text("No portfolio yet")
        await expect(page.locator("#portfolios .book")).to_be_hidden()
