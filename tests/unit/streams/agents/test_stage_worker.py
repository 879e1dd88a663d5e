"""When a hosted stage is in trouble: it has lag and commits nothing, while the broker answers."""

from __future__ import annotations

from asyncio import Event
from types import SimpleNamespace
from typing import Any

import pytest

from streams.agents import stage_worker
from streams.agents.stage_worker import AWAY_S, StageWorker
from tests.unit.streams.agents.scenes import COUNTING

STALL_S = 30.0
PLACE = ("market.candles", 0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    time = SimpleNamespace(now_s=1_000.0)
    monkeypatch.setattr(stage_worker, "time", SimpleNamespace(monotonic=lambda: time.now_s))
    return time


@pytest.fixture
def worker(clock: Any) -> StageWorker:
    consumer = SimpleNamespace(
        _committed_offset={PLACE: 3}, assignment=lambda: {PLACE}, _is_changelog_tp=lambda tp: False
    )
    made = object.__new__(StageWorker)
    made.stage = COUNTING
    made.app = SimpleNamespace(_crashed=Event(), rebalancing=False, consumer=consumer)
    made.loop = SimpleNamespace(failure=lambda: None)  # type: ignore[assignment]
    made._progress, made._stall_s, made._ends = (clock.now_s, -1), STALL_S, {}
    made._answered_s = clock.now_s
    return made


def test_with_lag_and_an_answering_broker_it_hangs(worker: StageWorker, clock: Any) -> None:
    for _ in range(8):
        worker.note_ends({PLACE: 5})
        trouble = worker.trouble()
        clock.now_s += 5.0
    assert trouble == "technical has 2 records to read and committed none for 30.0 s"


def test_while_the_broker_is_away_it_waits(worker: StageWorker, clock: Any) -> None:
    worker.note_ends({PLACE: 5})
    for _ in range(100):
        clock.now_s += 1.0
        assert worker.trouble() is None
    worker.note_ends({PLACE: 5})
    assert worker.trouble() is None, "it has had no time yet"


def test_a_process_that_slept_does_not_hang(worker: StageWorker, clock: Any) -> None:
    worker.note_ends({PLACE: 5})
    assert worker.trouble() is None
    clock.now_s += 10 * STALL_S  # SIGSTOP, a lid, a pause of the machine
    assert worker.trouble() is None
    worker.note_ends({PLACE: 5})
    clock.now_s += AWAY_S - 1
    assert worker.trouble() is None
