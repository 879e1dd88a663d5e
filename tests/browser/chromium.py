"""Debian's Chromium, driven by playwright; what a page says on its console is kept."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

DESKTOP = {"width": 1600, "height": 1000}
APPEARS_MS = 120_000
"""What has not appeared by then never will, also on a busy machine."""
PHONE = {"width": 390, "height": 844}
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str | None:
    """Return the path of a Chromium, None where there is none."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Start the browser; RuntimeError says how to install one."""
    path = find_chromium()
    if path is None:
        msg = "There is no Chromium: install it with `apt-get install chromium`."
        raise RuntimeError(msg)
    async with async_playwright() as driver:
        # Started by root, as in a container, Chromium runs without its sandbox or not at all.
        opened = await driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        await opened.close()


@dataclass
class Watched:
    """A page, and everything that it did wrong or asked of another host."""

    page: Page
    host: str
    problems: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.problems.append(f"thrown: {error}"))
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.on("websocket", lambda socket: self._asked(socket.url))

    def _console(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.problems.append(f"{message.type}: {message.text}")

    def _asked(self, url: str) -> None:
        if url.split("/")[2] != self.host:
            self.elsewhere.append(url)


@asynccontextmanager
async def watched(
    opened: Browser, address: str, size: dict[str, int], theme: str = "dark", **options: Any
) -> AsyncIterator[Watched]:
    """Open a fresh profile with an empty page; `size` in CSS pixels."""
    is_phone = size["width"] < 600
    context = await opened.new_context(
        viewport=size,  # type: ignore[arg-type]
        color_scheme=theme,  # type: ignore[arg-type]
        has_touch=is_phone,
        is_mobile=is_phone,
        **options,
    )
    context.set_default_timeout(APPEARS_MS)
    page = await context.new_page()
    yield Watched(page, address.split("/")[2])
    await context.close()
