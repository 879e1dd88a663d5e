"""Explanations by two processes, with every fault at once, and SIGKILLs in between."""

from __future__ import annotations

import json
import os
import signal as signals_of_unix
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from simulator.keys import KEYS
from tests.conftest import ROOT
from tests.integration.sinks.bench import until
from tests.integration.sinks.explanations.rig import BAD, GOOD, Model, Stage, serving, settings_of

pytestmark = [pytest.mark.embedded, pytest.mark.slow]

GROUPS = ("first", "second")
"""Each process reads all rankings, as a group of its own: rows are inserted twice, and once."""


class Processes:
    """Sinks in processes of their own."""

    def __init__(self, stage: Stage, model: Model, log: Path) -> None:
        self._stage = stage
        self._model = model
        self._log = log
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, group: str, **changes: Any) -> None:
        chosen = {
            "api_key": KEYS["chat"],
            "base_url": self._model.url,
            "request_limit_s": 5.0,  # a busy machine must not look like a silent model
            "patience_s": 60.0,
            **changes,
        }
        settings = settings_of(self._stage.bench, group).model_dump(mode="json")
        settings["database_url"] = self._stage.bench.dsn
        given = {"settings": settings, "chosen": chosen}
        with self._log.open("ab") as log:
            self._running[group] = subprocess.Popen(
                [sys.executable, "-m", f"{__package__}.process", json.dumps(given)],
                cwd=ROOT,
                env={**os.environ, "QUANTIVA_BROKER": "tansu"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self, group: str) -> None:
        """SIGKILL, and wait until it is gone."""
        process = self._running.pop(group)
        assert process.poll() is None, self._log.read_text("utf-8")[-2000:]
        process.send_signal(signals_of_unix.SIGKILL)
        process.wait()

    def kill_all(self) -> None:
        for group in list(self._running):
            self.kill(group)


def says(asset: str, time: int) -> str:
    """Every tenth asset gets a wrong number first; of these every other one again."""
    number = int(asset.removeprefix("AS"))
    wrong = number % 10 == 3 and (time == 1 or number % 20 == 3)
    return BAD if wrong else GOOD


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "processes.log"


async def until_resolved(stage: Stage, count: int) -> None:
    async def reached() -> bool:
        statuses = await stage.statuses()
        return sum(statuses.get(one, 0) for one in ("done", "failed", "skipped")) >= count

    await until(reached, f"{count} have their text")


class Size(NamedTuple):
    """How many rankings of ten come in each part, at which requests faults strike, how often.

    Without `limited` ones nobody is refused for long: test_explanations.py has that in one process.
    """

    faulty: int
    limited: int
    every: tuple[int, ...]
    times: int | None = None

    @property
    def signals(self) -> int:
        return 10 * (self.faulty + 2 * self.limited)


_SHORT = Size(8, 0, (7, 11, 13, 17, 19, 23, 29), times=2)
_LONG = Size(30, 5, (31, 37, 41, 43, 47, 61, 89))


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(_SHORT, id="80 explanations"),
        pytest.param(_LONG, id="400 explanations", marks=pytest.mark.long),
    ],
)
async def test_explanations_with_faults_and_kills(stage: Stage, log: Path, size: Size) -> None:
    async with serving(Model(says, delay_s=0.1)) as model:
        processes = Processes(stage, model, log)
        try:
            signals = await _every_fault(stage, model, processes, size)
            if size.limited:
                signals += await _a_minute_of_retry_after(stage, model, processes, size)
                signals += await _no_quota(stage, model, processes, size)
            await stage.until_published(size.signals)
            processes.kill_all()
        finally:
            processes.kill_all()
        published = await stage.check_whole(signals)
    assert len(published) == size.signals
    for asset, count in model.served.items():
        assert count <= (2 if int(asset.removeprefix("AS")) % 10 == 3 else 1), asset
    by_status = {status: 0 for status in ("done", "failed")}
    for one in published:
        by_status[one.status] += 1
        assert "99.9" not in one.text
    # How many get a text depends on how the faults and the kills fall: three in ten at the least.
    assert by_status["done"] > 3 * size.faulty
    assert by_status["failed"] >= 20 * size.limited
    spent, _, _ = await stage.money()
    assert model.billed_usd <= spent <= 1


async def _every_fault(stage: Stage, model: Model, processes: Processes, size: Size) -> list[Any]:
    """One process is killed early, the other one later, each starts again."""
    faults: tuple[dict[str, Any], ...] = (
        {"kind": "status", "status": 500},
        {"kind": "reset"},
        {"kind": "html"},
        {"kind": "html", "status": 200},
        {"kind": "broken_json"},
        {"kind": "limit", "retry_after_s": 1},
        {"kind": "silence"},
    )
    for every, fault in zip(size.every, faults, strict=True):
        model.fault(every=every, times=size.times, **fault)
    for group in GROUPS:
        processes.start(group)
    signals = await stage.publish(size.faulty)
    await until_resolved(stage, 2 * size.faulty)
    processes.kill("first")
    await _age_requests(stage)
    processes.start("first")
    await until_resolved(stage, 5 * size.faulty)
    processes.kill("second")
    await _age_requests(stage)
    processes.start("second")
    await stage.until_published(10 * size.faulty)
    struck = [count for _, count in model.faults.script().values()]
    assert all(struck), struck
    return signals


async def _age_requests(stage: Stage) -> None:
    """Let the lease of what a process has left end 9 s earlier: in 11 s, when none is under way."""
    await stage.rows.query(
        "UPDATE signal_explanations SET requested_at = requested_at - interval '9 s'"
        " WHERE status = 'requested'"
    )


async def _a_minute_of_retry_after(
    stage: Stage, model: Model, processes: Processes, size: Size
) -> list[Any]:
    """Signals of which none can be asked for; the positions go on."""
    processes.kill_all()
    model.faults.clear()
    model.fault("limit", retry_after_s=60)
    served = model.served.total()
    for group in GROUPS:
        processes.start(group, patience_s=8.0)
    signals = await stage.publish(size.limited)
    for group in GROUPS:

        async def committed(group: str = group) -> bool:
            return await stage.committed(group) == size.faulty + size.limited

        await until(committed, f"the group {group} has committed all rankings")
    await stage.until_published(10 * (size.faulty + size.limited))
    assert model.served.total() == served
    assert 1 <= model.struck <= 8  # both processes' four requests at once, and none after
    return signals


async def _no_quota(stage: Stage, model: Model, processes: Processes, size: Size) -> list[Any]:
    """Signals of an account that has no quota: nobody waits, nobody asks again."""
    processes.kill_all()
    model.faults.clear()
    model.fault("limit", code="insufficient_quota")
    for group in GROUPS:
        processes.start(group, patience_s=600.0)
    signals = await stage.publish(size.limited)
    await stage.until_published(size.signals)
    assert 1 <= model.struck <= 8
    return signals
