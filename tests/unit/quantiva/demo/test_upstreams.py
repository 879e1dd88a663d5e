"""When a demo has shown as many cycles as it was asked for."""

from __future__ import annotations

import pytest

from quantiva.demo.upstreams import CycleCount
from schemas.signals import TopSignals


def top(cycle: int, strategy: str) -> TopSignals:
    return TopSignals(strategy, cycle, True, 8, 8, ())


@pytest.mark.parametrize(
    ("cycles", "ranked", "reached"),
    [
        pytest.param(1, [(1, "a")], False, id="a strategy is lacking"),
        pytest.param(1, [(1, "a"), (1, "b")], True, id="whole"),
        pytest.param(1, [(1, "a"), (2, "b")], False, id="of two cycles"),
        pytest.param(1, [(1, "a"), (1, "a")], False, id="a correction counts once"),
        pytest.param(2, [(1, "a"), (1, "b"), (2, "b")], False, id="one and a half"),
        pytest.param(2, [(1, "a"), (2, "a"), (2, "b"), (1, "b")], True, id="in any order"),
        pytest.param(None, [(1, "a"), (1, "b")], False, id="without an end"),
    ],
)
def test_cycles_are_counted_once_all_strategies_ranked_them(
    cycles: int | None, ranked: list[tuple[int, str]], reached: bool
) -> None:
    count = CycleCount(cycles, strategies=2)
    for one in ranked:
        count(top(*one))
    assert count.reached.is_set() is reached
