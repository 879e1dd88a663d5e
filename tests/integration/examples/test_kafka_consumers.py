"""The Kafka examples, run as a newcomer runs them, beside a platform that makes real signals."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from .programs import EXAMPLES, RUN_TIMEOUT_S, expected, require_node, run, shown, started
from .running import Market

pytestmark = [pytest.mark.embedded, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
PYTHON = (sys.executable, str(EXAMPLES / "python_consumer.py"))


def javascript(folder: Path) -> tuple[str, ...]:
    return ("node", str(folder / "consumer.js"))


@pytest.fixture(params=["python", "javascript"])
def command(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The command line of an example."""
    if request.param == "python":
        return PYTHON
    require_node()
    return javascript(request.getfixturevalue("javascript_consumer"))


async def test_it_shows_every_signal_of_the_topic(
    running_market: Market, command: tuple[str, ...], tmp_path: Path
) -> None:
    want = expected(running_market.signals)
    assert len(want) >= 3 * 4 * 2
    output, _ = await run(
        *command, "--count", str(len(want)), cwd=tmp_path, environment=running_market.environment
    )
    assert shown(output) == want


async def test_it_goes_on_where_it_ended(
    running_market: Market, command: tuple[str, ...], tmp_path: Path
) -> None:
    want = expected(running_market.signals)
    found: dict[str, tuple[str, ...]] = {}
    for count in (5, len(want) - 5):
        options = ("--group", f"parts-{Path(command[0]).name}", "--count", str(count))
        output, _ = await run(
            *command, *options, cwd=tmp_path, environment=running_market.environment
        )
        assert len(shown(output)) == count
        found |= shown(output)
    assert found == want


async def test_a_running_demo_is_found_and_followed(
    running_market: Market, command: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / ".quantiva").mkdir()
    stack = {"pid": 1, "environment": running_market.environment}
    (tmp_path / ".quantiva" / "stack.json").write_text(json.dumps(stack), "utf-8")
    group = f"follow-{Path(command[0]).name}"
    async with started(*command, "--group", group, cwd=tmp_path) as process:
        assert process.stdout is not None
        known = len(running_market.signals)
        lines = [await _line(process.stdout) for _ in range(known)]
        # What no consumer can read, a signal for the second time, and one that is new.
        last = running_market.signals[-1]
        new = msgspec.structs.replace(last, signal_id=uuid4().hex)
        encode = running_market.running.codec.encode
        broken = (b"junk", b"\0\0\0\x03\xe7x", encode(last)[:40], encode(last))
        await running_market.publish(*broken, encode(new))
        lines.append(await _line(process.stdout))
        assert shown("\n".join(lines)) == expected([*running_market.signals, new])
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(RUN_TIMEOUT_S):
            rest, errors = await process.communicate()
        assert (process.returncode, rest) == (0, b"")
    running_market.signals.append(new)
    running_market.broken += len(broken) - 1
    assert len(re.findall(rb"^0:\d+: ", errors, re.MULTILINE)) == running_market.broken


async def _line(stream: asyncio.StreamReader) -> str:
    async with asyncio.timeout(RUN_TIMEOUT_S):
        return (await stream.readline()).decode().rstrip("\n")


async def test_without_addresses_it_says_what_to_do(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    async with started(*command, cwd=tmp_path) as process:
        _, errors = await process.communicate()
    assert process.returncode == 1
    assert errors.decode().endswith("or start `quantiva demo`.\n")
