"""What headers say about limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from producers.http_client.headers import (
    RateLimitHeaders,
    rate_limits,
    retry_after_s,
    retry_header_s,
)
from tests.unit.producers.http_client.harness import T0

NOW_S = T0 // 1000


def http_date(after_s: int) -> str:
    return format_datetime(datetime.fromtimestamp(NOW_S, UTC) + timedelta(seconds=after_s), True)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({"Retry-After": "7"}, 7.0, id="seconds"),
        pytest.param({"retry-after": " 1.5 "}, 1.5, id="a fraction, lower case"),
        pytest.param({"Retry-After": http_date(90)}, 90.0, id="date"),
        pytest.param({"Retry-After": http_date(-90)}, 0.0, id="date gone by"),
        pytest.param({"Retry-After": "999999999"}, 86_400.0, id="a day at most"),
        pytest.param({"Retry-After": "Mon, 30 Nov 2026 09:00:00"}, None, id="a date of no zone"),
        pytest.param({"Retry-After": "soon"}, None, id="nonsense"),
        pytest.param({"Retry-After": "-5"}, None, id="negative"),
        pytest.param({"Retry-After": "nan"}, None, id="nan"),
        pytest.param({"x-rate-limit-minute-reset": "12"}, None, id="a reset is none"),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_how_long_to_leave_it_alone(headers: dict[str, str], expected: float | None) -> None:
    assert retry_header_s(headers, T0) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({"x-rate-limit-minute-reset": str(NOW_S + 40)}, 40.0, id="unix s"),
        pytest.param({"x-rate-limit-minute-reset": str(T0 + 9000)}, 9.0, id="unix ms"),
        pytest.param({"x-rate-limit-minute-reset": f"{T0 + 9000}000"}, 9.0, id="unix us"),
        pytest.param({"x-rate-limit-minute-reset": "20261130120000"}, None, id="a date"),
        pytest.param({"x-rate-limit-minute-reset": "12"}, 12.0, id="seconds from now"),
        pytest.param({"ratelimit-reset": "20"}, 20.0, id="the draft's"),
        pytest.param({"ratelimit-remaining": "0", "ratelimit-reset": "20"}, 20.0, id="spent"),
        pytest.param({"ratelimit-remaining": "7", "ratelimit-reset": "20"}, None, id="not spent"),
        pytest.param(
            {
                "x-rate-limit-minute-remaining": "3",
                "x-rate-limit-minute-reset": "12",
                "ratelimit-reset": "20",
            },
            20.0,
            id="the minute is not spent",
        ),
        pytest.param(
            {"Retry-After": "3", "x-rate-limit-minute-reset": "12"}, 3.0, id="Retry-After first"
        ),
        pytest.param({"x-rate-limit-day-reset": "60"}, None, id="the day's"),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_when_a_limit_is_over(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_s(headers, T0) == expected


@pytest.mark.parametrize(
    ("headers", "window", "expected"),
    [
        pytest.param(
            {"X-Rate-Limit-Minute-Remaining": "3"}, "minute", RateLimitHeaders(3), id="lunarcrush"
        ),
        pytest.param({"X-RateLimit-Remaining-Day": "0"}, "day", RateLimitHeaders(0), id="kong"),
        pytest.param({"RateLimit-Remaining": "2"}, "", RateLimitHeaders(2), id="draft"),
        pytest.param(
            {"x-rate-limit-day-remaining": "-4"}, "day", RateLimitHeaders(None), id="nonsense"
        ),
        pytest.param(
            {"x-rate-limit-day-remaining": "9", "x-rate-limit-day-reset": "60"},
            "day",
            RateLimitHeaders(9, T0 + 60_000),
            id="with a reset",
        ),
        pytest.param(
            {"x-rate-limit-minute": "10"}, "minute", RateLimitHeaders(), id="the limit alone"
        ),
    ],
)
def test_what_is_left(headers: dict[str, str], window: str, expected: RateLimitHeaders) -> None:
    assert rate_limits(headers, T0)[window] == expected
