"""Lag, rates and states from offsets that were read twice."""

from __future__ import annotations

from typing import Any

import pytest

from quantiva.status.lag import Snapshot, StageState, next_offsets, progress, state, topic_rate

A, B = ("market.news", 0), ("market.news", 1)


@pytest.mark.parametrize(
    ("committed", "begins", "wanted"),
    [
        pytest.param({A: 5}, {A: 0}, 5, id="the commit"),
        pytest.param({A: -1}, {A: 3}, 3, id="no commit: the first offset"),
        pytest.param({}, {}, 0, id="nothing known"),
        pytest.param({A: 5}, {A: 9}, 9, id="what it would read has expired"),
    ],
)
def test_a_group_reads_next(committed: Any, begins: Any, wanted: int) -> None:
    assert next_offsets(committed, [A], begins) == {A: wanted}


def test_two_snapshots_give_lag_and_rate() -> None:
    first = Snapshot(10.0, {A: 100, B: 10}, {"g": {A: 50, B: 10}})
    second = Snapshot(12.0, {A: 104, B: 10}, {"g": {A: 90, B: 10}})
    move = progress(first, second, "g", [A, B], {A: 0, B: 0})
    assert (move.lag, move.rate_per_s, move.moved) == (14, 20.0, True)
    assert topic_rate(first, second, [A, B]) == 2.0


def test_a_topic_recreated_has_no_negative_rate_and_no_negative_lag() -> None:
    first, second = Snapshot(0, {A: 100}, {"g": {A: 100}}), Snapshot(1, {A: 2}, {"g": {A: 100}})
    assert topic_rate(first, second, [A]) == 0.0
    assert progress(first, second, "g", [A], {A: 0}).lag == 0


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        pytest.param({"members": 0, "lag": 0}, StageState.NOT_RUNNING, id="no members"),
        pytest.param({"members": 2, "lag": 0}, StageState.OK, id="nothing to read"),
        pytest.param({"lag": 9, "waiting_ms": 2_000}, StageState.OK, id="a moment ago"),
        pytest.param(
            {"lag": 9, "waiting_ms": 20_000}, StageState.BEHIND, id="for 20 s, not moving"
        ),
        pytest.param({"lag": 9, "waiting_ms": 60_000}, StageState.STALLED, id="for a minute"),
        pytest.param(
            {"lag": 9, "waiting_ms": 60_000, "moved": True}, StageState.BEHIND, id="but it moves"
        ),
        pytest.param(
            {"lag": 9, "waiting_ms": 20_000, "waits": True}, StageState.OK, id="it waits on purpose"
        ),
        pytest.param({"members": None, "lag": 0}, StageState.OK, id="Tansu, nothing to read"),
    ],
)
def test_the_state_of_a_group(facts: dict[str, Any], wanted: StageState) -> None:
    defaults = {"members": 1, "moved": False, "waiting_ms": 0.0, "stall_ms": 30_000.0}
    assert state(**{**defaults, **facts}) is wanted
