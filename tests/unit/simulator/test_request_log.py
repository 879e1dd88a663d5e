"""Requests are counted in the clock's minutes and days; broken limits are told."""

from __future__ import annotations

import pytest

from producers.http_client.upstream import Limits
from simulator.request_log import RequestLog
from tests.unit.simulator.stopped_clock import StoppedClock

MIDNIGHT_MS = 1_760_054_400_000
DAY_MS = 86_400_000


def counted(log: RequestLog, times: int) -> list[str | None]:
    return [log.count("feed").violation for _ in range(times)]


def test_the_minute_begins_anew():
    clock = StoppedClock(MIDNIGHT_MS + 59_999)
    log = RequestLog(clock, {"feed": Limits(per_minute=2)})
    assert counted(log, 3) == [None, None, "feed: 3 requests in a minute, 2 are allowed"]
    clock.at_ms += 1
    assert counted(log, 2) == [None, None]
    line = log.report()["upstreams"]["feed"]
    assert (line["requests"], line["minute_max"], line["violations"]) == (5, 3, 1)


@pytest.mark.parametrize(
    ("limits", "later_ms", "window"),
    [
        (Limits(per_day=3), DAY_MS, "day"),
        (Limits(per_month=3), 31 * DAY_MS, "month"),
    ],
    ids=["day", "month"],
)
def test_days_and_months(limits, later_ms, window):
    clock = StoppedClock(MIDNIGHT_MS)
    log = RequestLog(clock, {"feed": limits})
    assert counted(log, 3) == [None] * 3
    clock.at_ms += 3_600_000
    assert counted(log, 1) == [f"feed: 4 requests in a {window}, 3 are allowed"]
    clock.at_ms += later_ms
    assert counted(log, 1) == [None]
    assert log.violations() == 1


@pytest.mark.parametrize(
    ("speed", "allowed"), [(1.0, 20), (60.0, 22), (600.0, 40)], ids=["1x", "60x", "600x"]
)
def test_what_comes_late_by_a_tenth_of_a_wall_second_is_let_through(speed, allowed):
    log = RequestLog(StoppedClock(MIDNIGHT_MS), {"feed": Limits(per_minute=20)}, speed)
    broken = counted(log, 60)
    assert broken[:allowed] == [None] * allowed
    assert None not in broken[allowed:]


def test_use_tells_when_the_windows_end():
    clock = StoppedClock(MIDNIGHT_MS + 90_500)
    use = RequestLog(clock, {"feed": Limits(per_minute=9)}).count("feed")
    assert (use.minute, use.day, use.month) == (1, 1, 1)
    assert use.minute_ends_ms == MIDNIGHT_MS + 120_000
    assert use.day_ends_ms == MIDNIGHT_MS + DAY_MS


def test_documented_limits_are_the_default():
    log = RequestLog(StoppedClock(MIDNIGHT_MS))
    assert log.limits("lunarcrush") == Limits(per_minute=4, per_day=500)
    assert log.limits("nobody") == Limits()


def test_it_is_bounded():
    clock = StoppedClock(MIDNIGHT_MS)
    log = RequestLog(clock)
    for number in range(2000):
        clock.at_ms += DAY_MS // 20
        log.count("feed")
        log.done("feed", "GET", f"/{number}", 200)
        log.violation("feed", "too much")
    report = log.report()
    line = report["upstreams"]["feed"]
    assert line["requests"] == 2000
    assert len(line["by_day"]) == 40
    assert len(report["last"]) == 300
    assert len(report["violations"]) == 50
    assert line["violations"] == 2000
