"""The bridge's client, in node and in a real browser: a snapshot, changes, and nothing missed."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
import pytest
import pytest_asyncio

from schemas.signals import Signal
from tests.conftest import skip_or_fail

from .bridge import TOKEN, running_bridge
from .programs import EXAMPLES, expected, require_node, run, shown, started
from .running import Market

pytestmark = [pytest.mark.embedded, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
FOLDER = EXAMPLES / "browser_client"


def node(script: str, *options: str, token: str = TOKEN) -> tuple[str, ...]:
    """Return the command line of a script; skip where node has no WebSocket."""
    require_node()
    flag = () if _has_websocket() else ("--experimental-websocket",)
    if not _has_websocket(*flag):
        skip_or_fail("no WebSocket in this node: 20.10 has one", "QUANTIVA_REQUIRE_NODE")
    return ("node", *flag, str(FOLDER / script), "--token", token, *options)


def _has_websocket(*flags: str) -> bool:
    command = ["node", *flags, "-e", "process.exit(typeof WebSocket === 'function' ? 0 : 1)"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def latest(signals: list[Signal]) -> list[Signal]:
    """Return the newest signal of each asset and strategy: one asset is in one partition."""
    return list({(one.asset, one.strategy_id): one for one in signals}.values())


def another(like: Signal) -> Signal:
    return msgspec.structs.replace(like, signal_id=uuid4().hex)


def cursor_of(errors: str) -> str:
    """Return the cursor that the client printed at its end."""
    return errors.splitlines()[-1].removeprefix("cursor ")


async def publish(running_market: Market, *signals: Signal) -> None:
    await running_market.publish(*(running_market.running.codec.encode(one) for one in signals))


async def test_a_snapshot_and_then_what_was_missed(running_market: Market, tmp_path: Path) -> None:
    known = latest(running_market.signals)
    missed = [another(known[0]) for _ in range(3)]
    async with running_bridge(running_market.running) as base:
        command = node("watch.js", "--base", base, "--count", str(len(known)))
        output, errors = await run(*command, cwd=tmp_path)
        assert shown(output) == expected(known)
        cursor = cursor_of(errors)
        await publish(running_market, *missed)
        command = node("watch.js", "--base", base, "--count", "3", "--cursor", cursor)
        output, errors = await run(*command, cwd=tmp_path)
    assert shown(output) == expected(missed)
    assert "gap" not in errors
    running_market.signals += missed


async def test_filters(running_market: Market, tmp_path: Path) -> None:
    wanted = [
        one
        for one in latest(running_market.signals)
        if one.asset == "BTC" and one.strategy_id in {"trend-following", "defensive"}
    ]
    assert wanted
    options = (
        "--asset",
        "btc",
        "--strategy",
        "trend-following",
        "--strategy",
        "defensive",
        "--count",
        "1",
    )
    async with running_bridge(running_market.running) as base:
        output, _ = await run(*node("watch.js", "--base", base, *options), cwd=tmp_path)
    assert shown(output) == expected(wanted)


@pytest.mark.long
async def test_a_restart_of_the_bridge_loses_nothing(
    running_market: Market, tmp_path: Path
) -> None:
    known = latest(running_market.signals)
    during, after = another(known[0]), another(known[0])
    async with running_bridge(running_market.running) as base:
        process_of = started(*node("watch.js", "--base", base), cwd=tmp_path)
        process = await process_of.__aenter__()
        lines = await read_lines(process, len(known))
    try:
        await publish(running_market, during)  # while there is no bridge
        async with running_bridge(running_market.running, urlsplit(base).port or 0):
            await publish(running_market, after)
            lines += await read_lines(process, 2)
            process.terminate()
            rest, errors = await process.communicate()
    finally:
        await process_of.__aexit__(None, None, None)
    assert rest == b""
    assert shown("\n".join(lines)) == expected([*known, during, after])
    assert b"bye: going_away" in errors
    running_market.signals += [during, after]


async def read_lines(process: asyncio.subprocess.Process, count: int) -> list[str]:
    assert process.stdout is not None
    async with asyncio.timeout(40):
        return [(await process.stdout.readline()).decode().rstrip("\n") for _ in range(count)]


async def test_a_wrong_token_is_said_once(running_market: Market, tmp_path: Path) -> None:
    async with running_bridge(running_market.running) as base:
        command = node("watch.js", "--base", base, token="wrong")
        output, errors = await run(*command, cwd=tmp_path)
    assert (output, errors) == ("", "the bridge does not know this token\n")


@pytest_asyncio.fixture(loop_scope="module")
async def browser() -> AsyncIterator[Any]:
    """Chromium from the system's packages."""
    api = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    chromium = shutil.which("chromium")
    if chromium is None:
        skip_or_fail("no chromium on the PATH", "QUANTIVA_REQUIRE_BROWSER")
    async with api.async_playwright() as playwright:
        made = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield made
        await made.close()


async def test_the_page_shows_the_latest_signals(running_market: Market, browser: Any) -> None:
    known = latest(running_market.signals)
    new = another(known[0])
    page = await browser.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    require_node()
    port = free_port()
    serve = ("node", str(FOLDER / "serve.js"), "--token", TOKEN, "--port", str(port))
    async with (
        running_bridge(running_market.running, origins=(f"http://127.0.0.1:{port}",)) as base,
        started(*serve, "--base", base, cwd=FOLDER) as server,
    ):
        (url,) = await read_lines(server, 1)
        await page.goto(url)
        await page.wait_for_function(
            f"document.querySelectorAll('#rows tr').length === {len(known)}"
        )
        assert await ids(page) == {one.signal_id for one in known}
        assert await page.text_content("#state") == "connected"
        await publish(running_market, new)
        await page.wait_for_selector(f"tr[data-signal-id='{new.signal_id}']")
        running_market.signals.append(new)
        assert await ids(page) == {one.signal_id for one in latest(running_market.signals)}
    assert problems == []


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def ids(page: Any) -> set[str]:
    found: list[str] = await page.eval_on_selector_all(
        "#rows tr", "rows => rows.map((row) => row.dataset.signalId)"
    )
    return set(found)
