"""A run that is killed and started again in its folder: all that was acknowledged is there."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import asyncpg
import psutil
import pytest

from quantiva.demo.folder import FolderInUseError, default_folder, run_folder
from streams.archive.reader import Archive
from tests.integration.quantiva.test_demo_ends import Demo

pytestmark = [pytest.mark.embedded, pytest.mark.slow]
Start = Callable[[float], Awaitable[Demo]]
_TOKEN = "the-token-of-a-test-1"


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    started: list[Demo] = []
    tokens = json.dumps({_TOKEN: {"name": "me", "role": "admin"}})

    async def begin(cycle_s: float) -> Demo:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "quantiva.cli", "demo", "--direct", "--assets", "4"),
            *("--cycle-seconds", str(cycle_s)),
            *("--directory", str(tmp_path / "kept")),
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": "200", "QUANTIVA_BRIDGE_TOKENS": tokens},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        started.append(Demo(process))
        return started[-1]

    yield begin
    for demo in started:
        if demo.process.returncode is None:
            demo.process.kill()
            await demo.process.wait()
        for left in demo.left_over():
            left.kill()


def ends(folder: Path) -> dict[tuple[str, int], int]:
    """Return the end of every partition in the durable log."""
    with sqlite3.connect(f"file:{folder}/broker/log.sqlite?mode=ro", uri=True) as log:
        found = log.execute("SELECT topic, number, next FROM part").fetchall()
    return {(topic, number): end for topic, number, end in found}


async def cycles(demo: Demo, count: int) -> None:
    async with asyncio.timeout(600 + 20 * count):
        while demo.said.count("cycle 20") < count:
            assert demo.process.returncode is None, demo.said
            await asyncio.sleep(0.1)


def resident_mb(demo: Demo) -> dict[str, int]:
    """Return what each process of the demo has in memory, the largest first."""
    found: dict[str, int] = {}
    for one in psutil.Process(demo.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            words = [word for word in one.cmdline() if not word.startswith("-")]
            name = next((word for word in words if "." in word and "/" not in word), one.name())
            name = one.name() if one.name() in ("tansu", "postgres") else name
            found[name] = found.get(name, 0) + one.memory_info().rss // 2**20
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


async def change_strategies(demo: Demo) -> None:
    """Make a strategy, and delete one of those that ship."""
    await demo.until("page at ")
    base = demo.said.partition("page at ")[2].split("/#")[0].split()[0].rstrip("/")
    headers = {"Authorization": f"Bearer {_TOKEN}"}
    body = {"name": "Mine", "timeframe": "1h", "weights": {"technical": 1.0}}
    async with aiohttp.ClientSession(base, headers=headers) as session:
        async with session.put("/api/v1/strategies/mine", json=body) as answer:
            assert answer.status == 201, await answer.text()
        async with session.delete("/api/v1/strategies/defensive") as answer:
            assert answer.status == 204, await answer.text()


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(
    ("apart", "cycle_s"),
    [pytest.param(3, 2.0, id="a few cycles"), pytest.param(336, 0.5, id="a week of cycles")],
)
async def test_case_reliability_8_two_kills_lose_nothing(
    start: Start, tmp_path: Path, apart: int, cycle_s: float
) -> None:
    folder = tmp_path / "kept"
    demo = await start(cycle_s)
    await cycles(demo, 2)
    await change_strategies(demo)
    count = demo.said.count("cycle 20")
    await cycles(demo, max(apart, count + 2))
    before: dict[tuple[str, int], int] = {}
    for _ in range(2):
        demo.process.kill()
        after = ends(folder)
        assert all(after.get(place, 0) >= end for place, end in before.items())
        before = after
        demo = await start(cycle_s)
        await cycles(demo, apart)
        memory = resident_mb(demo)
        print(f"\nafter {demo.said.count('cycle 20')} cycles, in MB: {memory}")
        assert memory["tansu"] < 500
        assert "         mine " in demo.said, "the strategy of the first run is ranked"
        assert "         defensive " not in demo.said, "and the deleted one is not"
    dsn = json.loads((folder / "stack.json").read_text())["environment"]["DATABASE_URL"]
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch("SELECT signal_id FROM strategy_signals")
    await connection.close()
    assert await demo.end(signal.SIGTERM) < 12
    stored = {row["signal_id"] for row in rows}
    assert len(stored) == len(rows)

    archive = Archive(str(folder / "archive"))
    codec = archive.codec()
    published = {
        codec.decode(record.value).signal_id
        for partition in range(archive.partitions["signals"])
        for record in archive.records("signals", partition)
        if record.value is not None
    }
    assert stored <= published, "what the database has, the archive has"
    checked = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "quantiva.cli", "verify", str(folder / "archive")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await checked.communicate()
    assert checked.returncode == 0, "every digit as without the kills:\n" + said.decode()


def test_a_folder_in_use_is_said(tmp_path: Path) -> None:
    with run_folder(tmp_path / "kept") as folder:
        assert folder == tmp_path / "kept"
        with (
            pytest.raises(FolderInUseError, match=f"in use by process {os.getpid()}"),
            run_folder(folder),
        ):
            pass
    with run_folder(folder):
        pass


def test_a_temporary_folder_is_removed() -> None:
    with run_folder(None) as folder:
        (folder / "broker" / "file").write_text("x")
    assert not folder.exists()


def test_the_default_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "quantiva"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_folder() == tmp_path / ".local" / "share" / "quantiva"
