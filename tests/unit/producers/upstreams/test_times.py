"""Times in every form that an upstream uses, and dates as exact as they are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from producers.upstreams.times import Due, due, time_ms


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        pytest.param(1750604568, 1750604568000, id="unix seconds"),
        pytest.param(1750604568123, 1750604568123, id="unix ms"),
        pytest.param("1750604568", 1750604568000, id="seconds in text"),
        pytest.param("2024-04-07T16:49:31.736Z", ms("2024-04-07T16:49:31.736"), id="ISO, Z"),
        pytest.param("2024-04-07T16:49:31+02:00", ms("2024-04-07T14:49:31"), id="ISO, offset"),
        pytest.param("2024-04-07T16:49", ms("2024-04-07T16:49"), id="ISO without zone: UTC"),
        pytest.param("2024-04-07", ms("2024-04-07"), id="date"),
        pytest.param("Mon, 17 Jun 2024 05:03:59 -0400", ms("2024-06-17T09:03:59"), id="RFC 2822"),
        pytest.param("Fri, 24 May 2019 00:54:38 +0000", ms("2019-05-24T00:54:38"), id="+0000"),
        pytest.param("Fri, 24 May 2019 00:54:38 GMT", ms("2019-05-24T00:54:38"), id="GMT"),
        pytest.param("Fri, 24 May 2019 00:54:38 EST", ms("2019-05-24T05:54:38"), id="EST"),
        pytest.param("Fri, 24 May 2019 00:54:38", ms("2019-05-24T00:54:38"), id="no zone: UTC"),
        pytest.param("yesterday", None, id="words"),
        pytest.param("Fri, 99 May 2019 00:54:38 GMT", None, id="no such day"),
        pytest.param(0, None, id="0 is never"),
        pytest.param("1970-01-01T00:00:00Z", None, id="nor is 1970"),
        pytest.param(-5, None, id="before 1970"),
        pytest.param(1e30, None, id="beyond the year 10000"),
        pytest.param(-1e306, None, id="long before 1970"),
        pytest.param(True, None, id="boolean"),
        pytest.param(None, None, id="null"),
        pytest.param({"date": 1}, None, id="object"),
    ],
)
def test_time(value, found):
    assert time_ms(value) == found


END_OF_5TH = ms("2026-10-05T23:59:59.999")
END_OF_OCTOBER = ms("2026-10-31T23:59:59.999")
END_OF_YEAR = ms("2026-12-31T23:59:59.999")
MIDNIGHT = "2026-10-05T00:00:00Z"


@pytest.mark.parametrize(
    ("date", "displayed", "found"),
    [
        pytest.param("2026-10-05T14:30:00Z", None, Due(ms("2026-10-05T14:30"), "minute"), id="min"),
        pytest.param(MIDNIGHT, "05 Oct 2026", Due(END_OF_5TH, "day"), id="midnight is a day"),
        pytest.param("2026-10-05", None, Due(END_OF_5TH, "day"), id="date alone"),
        pytest.param(None, "05 Oct 2026", Due(END_OF_5TH, "day"), id="words alone"),
        pytest.param(None, "October 5, 2026", Due(END_OF_5TH, "day"), id="words, American"),
        pytest.param(MIDNIGHT, "October 2026", Due(END_OF_OCTOBER, "month"), id="month"),
        pytest.param(MIDNIGHT, "2026-10", Due(END_OF_OCTOBER, "month"), id="month in digits"),
        pytest.param(MIDNIGHT, "Late Oct 2026", Due(END_OF_OCTOBER, "month"), id="late month"),
        pytest.param(
            MIDNIGHT, "March 2026", Due(ms("2026-03-31T23:59:59.999"), "month"), id="h 2 is no half"
        ),
        pytest.param(MIDNIGHT, "Q4 2026", Due(END_OF_YEAR, "quarter"), id="quarter"),
        pytest.param(
            MIDNIGHT, "2026-Q1", Due(ms("2026-03-31T23:59:59.999"), "quarter"), id="first quarter"
        ),
        pytest.param(
            MIDNIGHT, "H1 2026", Due(ms("2026-06-30T23:59:59.999"), "half"), id="first half"
        ),
        pytest.param(MIDNIGHT, "2026", Due(END_OF_YEAR, "year"), id="year"),
        pytest.param(MIDNIGHT, "End of 2026", Due(END_OF_YEAR, "year"), id="end of a year"),
        pytest.param(
            MIDNIGHT, "05 Oct 2026 (or earlier)", Due(END_OF_5TH, "day", deadline=True), id="by"
        ),
        pytest.param(
            None, "by October 2026", Due(END_OF_OCTOBER, "month", deadline=True), id="by a month"
        ),
        pytest.param(MIDNIGHT, "", Due(END_OF_5TH, "day"), id="words empty"),
        pytest.param(MIDNIGHT, 5, Due(END_OF_5TH, "day"), id="words of an odd type"),
        pytest.param(None, "31 Feb 2026", None, id="no such day"),
        pytest.param(None, "soon", None, id="soon"),
        pytest.param(None, None, None, id="nothing"),
    ],
)
def test_due(date, displayed, found):
    assert due(date, displayed) == found
