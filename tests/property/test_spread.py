"""The few requests of a day: spread over it to its end, over all assets, the first ones oftener."""

from __future__ import annotations

import sys
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.http_client.budget import (
    LAST_TO_FIRST,
    NEW_AGE_MS,
    allowance,
    chosen,
    expected_refresh_s,
)

DAY_MS = 86_400_000
CADENCE_S = 600.0
CADENCE_MS = 600_000
CYCLES = 144


def names(count: int) -> list[str]:
    return [f"A{place:02d}" for place in range(count)]


def fetches(
    assets: list[str], requests: list[int], lists: list[list[str]] | None = None
) -> dict[str, list[int]]:
    """Return in which cycles each asset was fetched, with so many requests in each cycle."""
    fetched_ms: dict[str, int] = {}
    listed_ms: dict[str, int] = {}
    cycles: dict[str, list[int]] = {asset: [] for asset in assets}
    for cycle, count in enumerate(requests):
        now_ms = cycle * CADENCE_MS
        listed = lists[cycle] if lists else assets
        listed_ms = {asset: listed_ms.get(asset, now_ms) for asset in listed}
        known = listed_ms if lists else {}
        for asset in chosen(listed, fetched_ms, count, now_ms, known):
            fetched_ms[asset] = now_ms
            cycles.setdefault(asset, []).append(cycle)
    return cycles


def waits(cycles: list[int], end: int) -> list[int]:
    """Return the gaps between fetches, those before the first and after the last among them."""
    moments = [-1, *cycles, end]
    return [after - before for before, after in pairwise(moments)]


@settings(max_examples=30)
@given(count=st.integers(1, 40), requests=st.integers(1, 12), data=st.data())
def test_nobody_starves_however_the_ranks_change(
    count: int, requests: int, data: st.DataObject
) -> None:
    assets = names(count)
    chance = data.draw(st.randoms(use_true_random=False))
    total = 12 * (count // requests + 1)
    lists = [chance.sample(assets, count) for _ in range(total)]
    cycles = fetches(assets, [requests] * total, lists)
    round_ = count / requests
    longest = max(max(waits(cycles[asset], total)) for asset in assets)
    assert longest <= LAST_TO_FIRST * round_ + 3


@settings(max_examples=30)
@given(requests=st.integers(1, 4), newcomers=st.integers(1, 8), rank=st.integers(0, 9))
def test_assets_that_come_and_go_do_not_starve_one_that_stays(
    requests: int, newcomers: int, rank: int
) -> None:
    """In each cycle there are new ones, more than can be fetched, and all of a better rank."""
    total, steady = 600, [f"S{place}" for place in range(rank + 1)]
    lists = [
        [*(f"N{cycle}-{place}" for place in range(newcomers)), *steady] for cycle in range(total)
    ]
    cycles = fetches(steady, [requests] * total, lists)
    bound = LAST_TO_FIRST * NEW_AGE_MS / CADENCE_MS + len(steady) + 1
    assert all(max(waits(cycles[asset], total)) <= bound for asset in steady)


@settings(max_examples=60)
@given(count=st.integers(2, 60), requests=st.floats(0.2, 70.0))
def test_the_expected_refresh_is_what_comes(count: int, requests: float) -> None:
    assets = names(count)
    expected = [expected_refresh_s(rank, count, requests, CADENCE_S) for rank in range(count)]
    # It spends what there is, and no asset oftener than once a cycle.
    assert sum(CADENCE_S / refresh for refresh in expected) == pytest.approx(min(requests, count))
    assert expected == sorted(expected)
    total = int(30 * max(expected) / CADENCE_S) + 1
    spread = [int((cycle + 1) * requests) - int(cycle * requests) for cycle in range(total)]
    cycles = fetches(assets, spread)
    for asset, refresh in zip(assets, expected, strict=True):
        mean_s = total * CADENCE_S / len(cycles[asset])
        assert refresh * 0.7 - CADENCE_S <= mean_s <= refresh * 1.3 + CADENCE_S


@given(
    fetched=st.dictionaries(st.sampled_from(names(20)), st.integers(0, DAY_MS)),
    requests=st.integers(-1, 30),
)
def test_a_choice_is_a_function_of_what_is_given(fetched: dict[str, int], requests: int) -> None:
    assets = names(20)
    got = chosen(assets, fetched, requests, DAY_MS)
    backwards = dict(sorted(fetched.items(), reverse=True))
    assert got == chosen(assets, backwards, requests, DAY_MS)
    assert len(set(got)) == len(got) == min(max(requests, 0), 20)


def test_the_unknown_come_first_by_rank_then_the_old() -> None:
    fetched = {"B": DAY_MS - 60_000, "D": DAY_MS - 3_600_000}
    assert chosen("ABCDE", fetched, 5, DAY_MS) == ("A", "C", "E", "D", "B")
    assert chosen("ABCDE", {}, 2, DAY_MS) == ("A", "B")
    assert chosen("ABCDE", fetched, 3, DAY_MS, {"A": DAY_MS, "E": 0}) == ("C", "E", "A")
    assert chosen("", {}, 2, DAY_MS) == ()


def day(
    per_day: int, reserved: int, cadence_s: float, start: int, used: int, **more: int
) -> Counter[int]:
    """Return the requests of each cycle from `start` on; the reserved ones are used evenly."""
    cycles = int(86_400 / cadence_s)
    spent: Counter[int] = Counter()
    for cycle in range(start, cycles):
        used += reserved * (cycle + 1) // cycles - reserved * cycle // cycles
        now_ms = int(cycle * cadence_s * 1000) + 500
        spent[cycle] = allowance(now_ms, used, per_day, cadence_s, reserved, **more)
        used += spent[cycle]
    assert used <= per_day or not spent.total()
    return spent


@given(
    per_day=st.integers(1, 3_000),
    share=st.floats(0.0, 0.9),
    cadence_s=st.sampled_from([60.0, 600.0, 3600.0]),
)
def test_the_quota_lasts_the_day_and_is_used(per_day: int, share: float, cadence_s: float) -> None:
    reserved = int(per_day * share)
    spent = day(per_day, reserved, cadence_s, 0, 0)
    cycles = int(86_400 / cadence_s)
    free = per_day - reserved
    assert free - 1 - free * 0.02 <= spent.total() <= free
    # Evenly: each quarter of the day has a quarter of it.
    for quarter in range(4):
        part = sum(
            spent[cycle] for cycle in range(quarter * cycles // 4, (quarter + 1) * cycles // 4)
        )
        assert abs(part - free / 4) <= 2 + free * 0.05


@given(
    per_day=st.integers(1, 3_000),
    start=st.integers(0, CYCLES - 1),
    used=st.integers(0, 4_000),
    reserved=st.integers(0, 4_000),
    per_minute=st.integers(1, 10),
)
def test_no_cycle_takes_more_than_it_may(
    per_day: int, start: int, used: int, reserved: int, per_minute: int
) -> None:
    """Whenever it begins, whatever is used already."""
    spent = day(per_day, reserved, CADENCE_S, start, used, per_minute=per_minute)
    even = max(per_day - reserved, 0) / CYCLES
    assert all(0 <= count <= max(2 * even, 1) for count in spent.values())
    assert all(count <= per_minute * CADENCE_S / 60 for count in spent.values())


def test_without_a_limit_of_the_day() -> None:
    assert allowance(0, 9, None, 600.0) == sys.maxsize
    assert allowance(0, 9, None, 600.0, per_minute=4) == 40
    assert allowance(0, 9, None, 10.0, per_minute=4) == 1


@pytest.mark.parametrize(("rank", "assets", "requests"), [(3, 3, 1.0), (-1, 3, 1.0), (0, 3, 0.0)])
def test_no_refresh_without_sense(rank: int, assets: int, requests: float) -> None:
    with pytest.raises(ValueError, match="no refresh"):
        expected_refresh_s(rank, assets, requests, 600.0)
