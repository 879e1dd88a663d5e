"""A broker that is away costs every process of ours some lines, not megabytes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from embedded.stack import Stack
from transport import admin
from transport.settings import Settings
from transport.supervision.processes import Child, Command

pytestmark = [pytest.mark.embedded, pytest.mark.slow]

AWAY_S = 20.0
MOST_BYTES = 40_000
"""Without the counting one worker wrote 71,000 bytes a second."""
COMMANDS = {
    "worker": (["streams.agents.process", "technical", "fusion", "watchdog"], "READY"),
    "sink": (["quantiva.cli", "sink", "postgres"], "Ctrl-C"),
    "bridge": (["quantiva.cli", "bridge", "--port", "0"], "READY"),
}


@pytest.mark.long
async def test_a_broker_away_for_20_s_costs_a_few_lines(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("QUANTIVA_LOG", raising=False)
    async with Stack(fast=True) as stack:
        tokens = json.dumps({"t" * 20: {"name": "desk", "role": "viewer"}})
        environment = {
            **os.environ,
            **stack.env(),
            "QUANTIVA_SESSION_TIMEOUT_S": "3",
            "QUANTIVA_STATE_DIR": str(folder),
            "QUANTIVA_BRIDGE_TOKENS": tokens,
            "COLUMNS": "200",
        }
        for name, value in stack.env().items():
            monkeypatch.setenv(name, value)
        await asyncio.to_thread(admin.create, Settings())
        children = {
            name: await Child.start(_command(name, folder, environment)) for name in COMMANDS
        }
        try:
            await asyncio.gather(*(_until_ready(name, folder) for name in COMMANDS))
            before = _sizes(folder)
            await stack.broker.kill()
            await asyncio.sleep(AWAY_S)
            grown = {name: size - before[name] for name, size in _sizes(folder).items()}
            ended = [name for name, child in children.items() if not child.is_running()]
            assert ended == [], "\n".join((folder / f"{name}.log").read_text() for name in ended)
        finally:
            for child in children.values():
                await child.kill()
    print(grown)
    assert max(grown.values()) < MOST_BYTES, grown


def _command(name: str, folder: Path, environment: dict[str, str]) -> Command:
    argv = (sys.executable, "-m", *COMMANDS[name][0])
    return Command(name=name, argv=argv, log=folder / f"{name}.log", environment=environment)


async def _until_ready(name: str, folder: Path) -> None:
    async with asyncio.timeout(120):
        while COMMANDS[name][1] not in (folder / f"{name}.log").read_text():
            await asyncio.sleep(0.1)


def _sizes(folder: Path) -> dict[str, int]:
    return {name: (folder / f"{name}.log").stat().st_size for name in COMMANDS}
