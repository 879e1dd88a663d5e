"""Running an example as a newcomer does: npm packages, and a process with addresses."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from schemas.signals import Signal
from tests.conftest import ROOT, skip_or_fail

EXAMPLES = ROOT / "examples"
INSTALL_TIMEOUT_S = 180
RUN_TIMEOUT_S = 180.0
"""Only an example that hangs takes so long, also on a busy machine."""
_LINE = re.compile(
    r"([0-9a-f]{32}) (\w+) +([\w-]+) +(BUY|SELL|HOLD) +([+-]\d\.\d{3}) conf (\d\.\d\d)"
)
_ADDRESS = re.compile("KAFKA_|SCHEMA_REGISTRY_|DATABASE_|QUANTIVA_")


def require_node() -> None:
    """Skip without node and npm."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        skip_or_fail("no node or npm on the PATH", "QUANTIVA_REQUIRE_NODE")


def npm_install(manifest: str) -> Path:
    """Return a folder with the packages of a package.json; kept between runs of the tests."""
    require_node()
    name = f"quantiva-npm-{hashlib.sha256(manifest.encode()).hexdigest()[:12]}-{os.geteuid()}"
    folder = Path(tempfile.gettempdir()) / name
    if folder.exists():
        return folder
    workspace = Path(tempfile.mkdtemp(prefix="quantiva-npm-"))
    (workspace / "package.json").write_text(manifest, "utf-8")
    options = ("--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock")
    try:
        subprocess.run(
            ["npm", "install", *options],
            cwd=workspace,
            check=True,
            capture_output=True,
            timeout=INSTALL_TIMEOUT_S,
        )
        workspace.rename(folder)
    except (subprocess.SubprocessError, OSError) as error:
        shutil.rmtree(workspace, ignore_errors=True)
        if not folder.exists():  # another run may have been quicker
            skip_or_fail(f"npm could not install the packages: {error}", "QUANTIVA_REQUIRE_NODE")
    return folder


async def run(
    *command: str, cwd: Path, environment: Mapping[str, str] | None = None
) -> tuple[str, str]:
    """Run an example to its end and return what it printed and what it complained about."""
    async with started(*command, cwd=cwd, environment=environment) as process:
        talking = asyncio.create_task(process.communicate())
        done, _ = await asyncio.wait({talking}, timeout=RUN_TIMEOUT_S)
        if not done:
            process.kill()
        output, errors = await talking
    assert done, f"not done after {RUN_TIMEOUT_S:g} s: {errors.decode()[-2000:]}"
    assert process.returncode == 0, errors.decode()[-2000:]
    return output.decode(), errors.decode()


@contextlib.asynccontextmanager
async def started(
    *command: str, cwd: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start an example with these addresses and no others; ended afterwards if it still runs."""
    inherited = {name: value for name, value in os.environ.items() if not _ADDRESS.match(name)}
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env={**inherited, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def shown(output: str) -> dict[str, tuple[str, ...]]:
    """Return what an example printed of each signal, by id; each line must be one."""
    lines = output.splitlines()
    matches = [_LINE.fullmatch(line) for line in lines]
    assert all(matches), lines
    assert len({match[1] for match in matches if match}) == len(lines), "a signal came twice"
    return {match[1]: match.groups()[1:] for match in matches if match}


def expected(signals: list[Signal]) -> dict[str, tuple[str, ...]]:
    return {
        one.signal_id: (
            one.asset,
            one.strategy_id,
            one.action,
            f"{one.final_score:+.3f}",
            f"{one.confidence:.2f}",
        )
        for one in signals
    }
