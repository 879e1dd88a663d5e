"""Requests of the last minute, however long each of them takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.http_client.request_counts import RollingWindow
from schemas.times import MINUTE_MS

EDGE = 100  # both clocks may round


@given(
    limit=st.integers(1, 6),
    requests=st.lists(st.tuples(st.integers(0, 30_000), st.integers(0, 90_000)), max_size=40),
)
def test_no_minute_of_the_upstream_gets_more_than_its_limit(
    limit: int, requests: list[tuple[int, int]]
) -> None:
    """Each request is begun when it may, so long after the one before it, and takes so long.

    It may arrive at any time between its begin and its end: at the worst one of both.
    """
    window, now_ms, ends, arrivals = RollingWindow(limit), 0, [], []
    for gap_ms, takes_ms in requests:
        now_ms += gap_ms
        while True:
            for end_ms in sorted(end for end in ends if end <= now_ms):
                window.end(end_ms, 1)
                ends.remove(end_ms)
            free_ms = window.free_at(now_ms, 1)
            if free_ms <= now_ms:
                break
            now_ms = min([free_ms, *ends])
        window.begin(1)
        ends.append(now_ms + takes_ms)
        arrivals.append((now_ms, now_ms + takes_ms))
    # The latest arrival of one against the earliest of the one `limit` places after it.
    for (_, late), (early, _) in zip(arrivals, arrivals[limit:], strict=False):
        begun_before = [
            span for span in arrivals if span[0] <= early and span[1] > early - MINUTE_MS
        ]
        assert late <= early - MINUTE_MS or len(begun_before) <= limit


@pytest.mark.parametrize(
    ("spent", "cost", "expected"),
    [
        pytest.param([], 1, 0, id="empty"),
        pytest.param([(-10, 1), (-5, 1)], 1, 0, id="room"),
        pytest.param([(-10, 1), (-5, 2)], 1, 60_000 - 10 + EDGE, id="the oldest ends"),
        pytest.param([(-10, 1), (-5, 2)], 2, 60_000 - 5 + EDGE, id="two must end"),
        pytest.param([(-10, 3)], 4, 120_000 - 10 + 2 * EDGE, id="one that has not begun"),
        pytest.param([], 7, 120_000 + 2 * EDGE, id="three minutes' worth"),
        pytest.param([(-70_000, 3)], 3, 0, id="long ago"),
    ],
)
def test_when_more_fit(spent: list[tuple[int, int]], cost: int, expected: int) -> None:
    assert RollingWindow(3, spent).free_at(0, cost) == expected


def test_what_is_under_way_counts_however_long_it_takes() -> None:
    window = RollingWindow(1)
    window.begin(1)
    assert window.used(10 * MINUTE_MS) == 1
    assert window.free_at(10 * MINUTE_MS, 1) > 10 * MINUTE_MS
    window.end(10 * MINUTE_MS, 1)
    assert window.free_at(11 * MINUTE_MS - 1, 1) > 11 * MINUTE_MS - 1
    assert window.free_at(11 * MINUTE_MS + EDGE, 1) == 11 * MINUTE_MS + EDGE


def test_what_was_not_made_does_not_count() -> None:
    window = RollingWindow(1)
    window.begin(1)
    window.end(0, 1, made=False)
    assert (window.used(0), window.free_at(0, 1)) == (0, 0)


def test_a_clock_that_is_put_back_does_not_stop_it_for_longer_than_a_minute() -> None:
    window = RollingWindow(1, [(3_600_000, 1)])
    assert window.free_at(0, 1) == MINUTE_MS + EDGE


def test_no_limit_and_no_sense() -> None:
    assert RollingWindow(None, [(0, 10_000)]).free_at(0, 50) == 0
    with pytest.raises(ValueError, match="allows none"):
        RollingWindow(0)
