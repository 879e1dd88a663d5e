"""When cycles begin."""

from __future__ import annotations

import pytest

from producers.schedule.cycles import cycle_of, jitter_of, missed
from schemas.times import CYCLE_MS, HOUR_MS, MINUTE_MS

NOON = 1_767_614_400_000
"""2026-01-05 12:00 UTC."""


@pytest.mark.parametrize(
    ("now_ms", "cadence_ms", "start_ms"),
    [
        pytest.param(NOON, CYCLE_MS, NOON, id="at its start"),
        pytest.param(NOON + CYCLE_MS - 1, CYCLE_MS, NOON, id="at its last millisecond"),
        pytest.param(NOON + CYCLE_MS, CYCLE_MS, NOON + CYCLE_MS, id="at the next one's start"),
        pytest.param(NOON + 3 * CYCLE_MS + 5, HOUR_MS, NOON, id="hourly"),
        pytest.param(NOON + 61_000, MINUTE_MS, NOON + MINUTE_MS, id="each minute"),
    ],
)
def test_a_time_lies_in_the_cycle_that_began_last(now_ms, cadence_ms, start_ms) -> None:
    assert cycle_of(now_ms, cadence_ms) == start_ms


@pytest.mark.parametrize(
    ("last_ms", "now_ms", "starts"),
    [
        pytest.param(None, NOON, [], id="nothing ran yet"),
        pytest.param(NOON, NOON + 5, [], id="the present one ran"),
        pytest.param(NOON, NOON + CYCLE_MS, [], id="the one before ran"),
        pytest.param(NOON, NOON + 2 * CYCLE_MS - 1, [], id="up to the end of the next"),
        pytest.param(
            NOON, NOON + 3 * CYCLE_MS + 1, [NOON + CYCLE_MS, NOON + 2 * CYCLE_MS], id="two between"
        ),
        pytest.param(NOON + CYCLE_MS, NOON, [], id="the clock went back"),
    ],
)
def test_what_was_missed(last_ms, now_ms, starts) -> None:
    assert list(missed(last_ms, now_ms)) == starts


def test_jitter_is_the_same_each_time_and_differs_by_job_and_cycle() -> None:
    drawn = [
        [jitter_of(seed, name, NOON + n * CYCLE_MS, 20_000) for n in range(50)]
        for seed, name in [(1, "a"), (1, "a"), (1, "b"), (2, "a")]
    ]
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]
    assert drawn[0] != drawn[3]
    assert len(set(drawn[0])) > 40
    assert all(0 <= one <= 20_000 for one in drawn[0])
    assert jitter_of(1, "a", NOON, 0) == 0
