"""What runs beside a demo: the bridge with its page, the explanations, the archive."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from quantiva.commands.bridge import READY as BRIDGE_READY
from quantiva.demo.screen import Screen
from quantiva.wiring.sinks import EXPLANATIONS
from transport.supervision.keeper import Keeper
from transport.supervision.ports import free_port
from transport.supervision.processes import Command

TOKENS = "QUANTIVA_BRIDGE_TOKENS"
_PORT = 8088
_ROLL_S = 900.0
"""Age at which records become files, some 50 each time; until then the broker's file has them."""


@contextlib.asynccontextmanager
async def delivering(
    screen: Screen, log_dir: Path, archive: Path | None
) -> AsyncIterator[tuple[Keeper, ...]]:
    """Run bridge, explanations and the archive in separate processes; show the page's address.

    Nothing waits for them; `check` of the keepers raises GivenUpError when one cannot work.
    Without tokens in the environment, one is made that may look and ask.
    """
    log_dir.mkdir(parents=True, exist_ok=True)
    environment = dict(os.environ)
    token = None
    if TOKENS not in environment and f"{TOKENS}_FILE" not in environment:
        token = secrets.token_urlsafe(24)
        environment[TOKENS] = json.dumps({token: {"name": "demo", "role": "trader"}})
    port = _free_near(_PORT)
    address = f"http://127.0.0.1:{port}/" + (f"#token={token}" if token else "")

    def on_bridge(name: str, what: str) -> None:
        screen.part(name, f"page at {address}" if what == "ready" else what)

    bridge = _keeper(
        "bridge", ("bridge", "--port", str(port)), BRIDGE_READY, environment, on_bridge, log_dir
    )
    explanations = _keeper(
        "explanations",
        ("sink", "explanations"),
        EXPLANATIONS.ready_line,
        environment,
        screen.part,
        log_dir,
    )
    keepers = [bridge, explanations]
    if archive is not None:
        words = ("archive", "run", str(archive), "--roll-s", f"{_ROLL_S:.0f}")
        keepers.append(_keeper("archive", words, "archiving", environment, screen.part, log_dir))
    try:
        for keeper in keepers:
            keeper.begin()
        yield tuple(keepers)
    finally:
        await asyncio.gather(*(keeper.stop() for keeper in keepers))


def _keeper(
    name: str,
    words: tuple[str, ...],
    ready_line: str,
    environment: Mapping[str, str],
    on_event: Callable[[str, str], None],
    log_dir: Path,
) -> Keeper:
    command = Command(
        name=name,
        argv=(sys.executable, "-m", "quantiva.cli", *words),
        log=log_dir / f"{name}.log",
        environment={**environment, "COLUMNS": "100"},
        grace_s=15.0,
    )
    return Keeper(command, name=name, ready_line=ready_line, on_event=on_event)


def _free_near(port: int) -> int:
    """Return the port if it is free, else any that is."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return free_port()
    return port
