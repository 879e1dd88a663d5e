"""Quotas: the minute is waited for, the day is not, and both survive a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from producers.http_client.errors import UpstreamError
from producers.http_client.quota import Quota
from producers.http_client.request_counts import load
from producers.http_client.upstream import Limits
from tests.unit.producers.http_client.harness import DAY_MS, T0, StepClock
from transport.clock import scaled

MINUTE = Limits(per_minute=2)
DAY = Limits(per_day=3)
MIDNIGHT = (T0 // DAY_MS + 1) * DAY_MS


async def spend(quota: Quota, count: int) -> None:
    for _ in range(count):
        await quota.take()


async def refused(quota: Quota, kind: str) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await quota.take()
    assert caught.value.kind == kind
    return caught.value


def of_month(store: Path, clock: StepClock) -> int:
    return load(store).of_month(clock.at_ms)


async def test_it_waits_for_the_minute(clock: StepClock) -> None:
    quota = Quota(MINUTE, clock)
    await spend(quota, 5)
    assert 120_000 < clock.at_ms - T0 < 121_000
    assert (quota.used_minute(), quota.used_day()) == (1, 5)


async def test_first_come_first_served() -> None:
    quota, order = Quota(MINUTE, scaled(T0, 5000.0), max_wait_s=36_000.0), []

    async def ask(place: int) -> None:
        await quota.take()
        order.append(place)

    await asyncio.gather(*(ask(place) for place in range(12)))
    assert order == list(range(12))


async def test_who_would_wait_too_long_is_told_at_once(clock: StepClock) -> None:
    quota = Quota(MINUTE, clock, upstream="rss", max_wait_s=30)
    await spend(quota, 2)
    error = await refused(quota, "limit")
    assert str(error) == (
        "rss: its requests of a minute are taken for the next 60 s, longer than the 30 s that a "
        "request may wait; ask for less at once"
    )
    assert error.retry_after_s is not None
    await clock.sleep(error.retry_after_s)
    await quota.take()


async def test_a_cancelled_waiter_leaves_the_queue() -> None:
    quota = Quota(MINUTE, scaled(T0, 1000.0))
    await spend(quota, 2)
    waiter = asyncio.create_task(quota.take())
    await asyncio.sleep(0)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    await quota.take()
    assert quota.used_day() == 3


async def test_costs_count_and_too_great_a_cost_is_a_mistake(clock: StepClock) -> None:
    quota = Quota(Limits(per_minute=5, per_day=9), clock)
    await quota.take(4)
    await quota.take(4)
    assert clock.at_ms > T0 + 60_000
    assert (quota.used_day(), quota.left_day()) == (8, 1)
    with pytest.raises(UpstreamError, match="the 9 requests of today are spent"):
        await quota.take(2)
    for cost in (0, 6):
        with pytest.raises(ValueError, match="requests at once"):
            await quota.take(cost)


async def test_the_day_is_spent_until_midnight(clock: StepClock) -> None:
    quota = Quota(DAY, clock, upstream="coinmarketcal")
    await spend(quota, 3)
    error = await refused(quota, "quota")
    assert str(error) == (
        "coinmarketcal: the 3 requests of today are spent; "
        "it is asked again after 2026-01-02 00:00 UTC"
    )
    assert error.retry_after_s == (MIDNIGHT - T0) / 1000
    clock.at_ms = MIDNIGHT
    assert (quota.used_day(), quota.left_day()) == (0, 3)
    await quota.take()


async def test_a_request_that_is_not_made_counts_on_no_day(
    clock: StepClock, tmp_path: Path
) -> None:
    store = tmp_path / "x.json"
    quota = Quota(Limits(per_day=3), clock, store)
    clock.at_ms = MIDNIGHT - 1
    async with quota.reserve() as turn:
        clock.at_ms = MIDNIGHT
        await quota.take()
        turn.cancel()
    assert (quota.used_day(), of_month(store, clock)) == (1, 1)


async def test_a_month_is_any_31_days(clock: StepClock, tmp_path: Path) -> None:
    store = tmp_path / "x.json"
    quota = Quota(Limits(per_month=62), clock, store)
    assert quota.limit_day == 2
    for _ in range(31):
        await spend(quota, 2)
        assert quota.left_day() == 0  # of its share; more is not refused
        clock.at_ms += DAY_MS
    await spend(quota, 2)
    assert of_month(store, clock) == 62
    await refused(quota, "quota")
    clock.at_ms += DAY_MS
    assert of_month(store, clock) == 60


async def test_counts_survive_a_restart(clock: StepClock, tmp_path: Path) -> None:
    store = tmp_path / "state" / "lunarcrush.json"
    limits = Limits(per_minute=4, per_day=5, per_month=100)
    await spend(Quota(limits, clock, store), 4)
    clock.at_ms += 10_000
    again = Quota(limits, clock, store)
    assert (again.used_minute(), again.used_day(), of_month(store, clock)) == (4, 4, 4)
    await again.take()
    assert clock.at_ms >= T0 + 60_000  # the minute before the restart is not forgotten either
    await refused(Quota(limits, clock, store), "quota")
    clock.at_ms = MIDNIGHT
    after = Quota(limits, clock, store)
    assert (after.used_day(), of_month(store, clock)) == (0, 5)


@pytest.mark.parametrize("content", [b"", b"{", b'{"days": 4}', b"\xff\xfe", b"[]"])
async def test_a_broken_store_counts_from_zero_and_says_so(
    clock: StepClock, tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    store = tmp_path / "rss.json"
    store.write_bytes(content)
    quota = Quota(DAY, clock, store)
    assert "rss.json cannot be read" in caplog.text
    await quota.take()
    assert Quota(DAY, clock, store).used_day() == 1


async def test_a_store_that_cannot_be_written_stops_nobody(
    clock: StepClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    quota = Quota(DAY, clock, tmp_path / "file" / "rss.json")
    await spend(quota, 3)
    assert caplog.text.count("rss.json cannot be written") == 1
    await refused(quota, "quota")


async def test_what_is_under_way_at_midnight_counts_on_both_days(
    clock: StepClock, tmp_path: Path
) -> None:
    store = tmp_path / "x.json"
    quota = Quota(DAY, clock, store)
    clock.at_ms = MIDNIGHT - 1
    async with quota.reserve():
        clock.at_ms = MIDNIGHT + 1
    assert (quota.used_day(), of_month(store, clock)) == (1, 2)


async def test_a_turn_that_is_not_used_is_given_back(clock: StepClock, tmp_path: Path) -> None:
    quota = Quota(Limits(per_minute=1, per_day=3), clock, tmp_path / "x.json")
    async with quota.reserve() as turn:
        turn.cancel()
    assert (quota.used_minute(), quota.used_day(), quota.left_day()) == (0, 0, 3)
    await quota.take()
    assert clock.at_ms == T0
    assert Quota(DAY, clock, tmp_path / "x.json").used_day() == 1


ADOPTED = [
    pytest.param({"x-rate-limit-minute-remaining": "3"}, 0, 9, id="as we count: nothing"),
    pytest.param({"x-rate-limit-minute-remaining": "1"}, 0, 9, id="two more of another"),
    pytest.param({"x-rate-limit-minute-remaining": "0"}, 60, 9, id="nothing left: a minute"),
    pytest.param(
        {"x-rate-limit-minute-remaining": "0", "x-rate-limit-minute-reset": "25"},
        25,
        9,
        id="nothing left until it says",
    ),
    pytest.param(
        {"x-rate-limit-minute-remaining": "0", "x-rate-limit-minute-reset": "9000"},
        60,
        9,
        id="a minute is a minute",
    ),
    pytest.param({"ratelimit-remaining": "0", "ratelimit-reset": "90"}, 90, 9, id="the draft's"),
    pytest.param({"ratelimit-remaining": "0"}, 0, 9, id="the draft's without an end"),
    pytest.param({"x-rate-limit-day-remaining": "4"}, 0, 4, id="less of the day"),
    pytest.param({"x-rate-limit-day-remaining": "99"}, 0, 9, id="more of the day: ours counts"),
    pytest.param({"x-rate-limit-day-remaining": "?"}, 0, 9, id="nonsense"),
]


@pytest.mark.parametrize(("headers", "wait_s", "left_day"), ADOPTED)
async def test_it_obeys_what_the_upstream_says_is_left(
    clock: StepClock, headers: dict[str, str], wait_s: float, left_day: int
) -> None:
    quota = Quota(Limits(per_minute=4, per_day=10), clock)
    async with quota.reserve():
        quota.adopt(headers)
    assert quota.left_day() == left_day
    await quota.take()
    assert (clock.at_ms - T0) / 1000 == wait_s


async def test_others_use_of_the_same_key_counts_in_the_minute(clock: StepClock) -> None:
    quota = Quota(Limits(per_minute=4), clock)
    async with quota.reserve():
        quota.adopt({"x-rate-limit-minute-remaining": "1"})
    assert (quota.used_minute(), quota.used_day()) == (3, 1)
    await spend(quota, 2)
    assert clock.at_ms >= T0 + 60_000


async def test_a_day_that_the_upstream_calls_spent_is_spent_until_it_says(
    clock: StepClock, tmp_path: Path
) -> None:
    limits, store = Limits(per_minute=4), tmp_path / "x.json"
    quota = Quota(limits, clock, store)
    async with quota.reserve():
        quota.adopt({"x-rate-limit-day-remaining": "1", "x-rate-limit-day-reset": "3600"})
    await quota.take()
    for counting in (quota, Quota(limits, clock, store)):
        error = await refused(counting, "quota")
        assert error.retry_after_s == 3600.0
        assert "as the upstream counts them" in str(error)
    clock.at_ms += 3_600_000
    await quota.take()
    assert quota.left_day() is None
