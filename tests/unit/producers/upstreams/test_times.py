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
        pytest.param(1750604568123456, 1750604568123, id="unix us"),
        pytest.param(1750604568123456789, 1750604568123, id="unix ns"),
        pytest.param("1750604568123", 1750604568123, id="ms in text"),
        pytest.param(20241231, None, id="a date as a number"),
        pytest.param("20241231235959", None, id="a date and a time as a number"),
        pytest.param("2024-04-07T16:49", None, id="ISO without zone"),
        pytest.param("2024-04-07", None, id="a date alone"),
        pytest.param("20240407T164931Z", ms("2024-04-07T16:49:31"), id="ISO, basic"),
        pytest.param("2024-04-07 18:49:31.5 CEST", ms("2024-04-07T16:49:31.5"), id="ISO, name"),
        pytest.param("2024-04-07t16:49:31z", ms("2024-04-07T16:49:31"), id="ISO, small letters"),
        pytest.param("Mon, 17 Jun 2024 05:03:59 -0400", ms("2024-06-17T09:03:59"), id="RFC 2822"),
        pytest.param("Fri, 24 May 2019 00:54:38 +0000", ms("2019-05-24T00:54:38"), id="+0000"),
        pytest.param("Fri, 24 May 2019 00:54:38 GMT", ms("2019-05-24T00:54:38"), id="GMT"),
        pytest.param("Fri, 24 May 2019 00:54:38 EST", ms("2019-05-24T05:54:38"), id="EST"),
        pytest.param("Fri, 24 May 2019 00:54:38", None, id="no zone"),
        pytest.param("Fri, 24 May 2019 00:54:38 -0000", ms("2019-05-24T00:54:38"), id="-0000"),
        pytest.param("Fri, 24 May 2019 00:54:38.250 GMT", ms("2019-05-24T00:54:38"), id="parts"),
        pytest.param("24-May-2019 00:54:38 GMT", ms("2019-05-24T00:54:38"), id="dashes"),
        pytest.param("Friday, May 24, 2019 1:54 PM EST", ms("2019-05-24T18:54"), id="afternoon"),
        pytest.param("May 24, 2019 12:05 a.m. UTC", ms("2019-05-24T00:05"), id="after midnight"),
        pytest.param("May 24, 2019 13:05 PM UTC", None, id="no such hour"),
        pytest.param("May 24, 2019 1:05 PM", None, id="afternoon without a zone"),
        pytest.param("24/05/2019 00:54 GMT", None, id="day or month first"),
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


SUMMER, WINTER = "Thu, 30 Apr 2026 08:57:00 ", "Mon, 30 Nov 2026 09:00:00 "


@pytest.mark.parametrize(
    ("written", "found"),
    [
        pytest.param(SUMMER + "MEST", "2026-04-30T06:57", id="MEST"),
        pytest.param(SUMMER + "CEST", "2026-04-30T06:57", id="CEST"),
        pytest.param(WINTER + "JST", "2026-11-30T00:00", id="JST"),
        pytest.param(WINTER + "CET", "2026-11-30T08:00", id="CET"),
        pytest.param(WINTER + "EST", "2026-11-30T14:00", id="EST"),
        pytest.param(SUMMER + "BST", "2026-04-30T07:57", id="British summer"),
        pytest.param(WINTER + "BST", None, id="no British summer"),
        pytest.param(SUMMER + "KST", "2026-04-29T23:57", id="KST, the day before"),
        pytest.param(SUMMER + "MSK", "2026-04-30T05:57", id="MSK"),
        pytest.param(SUMMER + "eest", "2026-04-30T05:57", id="small letters"),
        pytest.param(SUMMER + "ACST", "2026-04-29T23:27", id="half an hour"),
        pytest.param(SUMMER + "NPT", "2026-04-30T03:12", id="quarter of an hour"),
        pytest.param(SUMMER + "ET", "2026-04-30T12:57", id="ET in summer"),
        pytest.param(WINTER + "ET", "2026-11-30T14:00", id="ET in winter"),
        pytest.param(SUMMER + "Europe/Berlin", "2026-04-30T06:57", id="a place"),
        pytest.param("2026-04-30 08:57 America/New_York", "2026-04-30T12:57", id="ISO, a place"),
        pytest.param("Sun, 01 Nov 2026 01:30:00 ET", None, id="an hour that comes twice"),
        pytest.param(SUMMER + "+02:00", "2026-04-30T06:57", id="RFC 2822 with a colon"),
        pytest.param(SUMMER + "+2", "2026-04-30T06:57", id="hours"),
        pytest.param(SUMMER + "GMT+2", "2026-04-30T06:57", id="GMT+2"),
        pytest.param(SUMMER + "UTC-05:30", "2026-04-30T14:27", id="UTC-05:30"),
        pytest.param(SUMMER + "\u22120400", "2026-04-30T12:57", id="a minus that is none"),
        pytest.param(SUMMER + "+0200 (CEST)", "2026-04-30T06:57", id="offset and name"),
        pytest.param(SUMMER + "(CEST)", "2026-04-30T06:57", id="a name in brackets"),
        pytest.param("Thu Apr 30 08:57:00 CEST 2026", "2026-04-30T06:57", id="as `date` prints"),
        pytest.param("Thu Apr 30 08:57:00 +0200 2026", "2026-04-30T06:57", id="as Twitter does"),
        pytest.param("Thu Apr 30 08:57:00 2026", None, id="as C does, without a zone"),
        pytest.param(SUMMER + "IST", None, id="India, Israel or Ireland"),
        pytest.param(SUMMER + "XYZ", None, id="nobody knows it"),
        pytest.param(SUMMER + "B", None, id="a military letter"),
        pytest.param(SUMMER + "Mars/Olympus", None, id="no such place"),
        pytest.param(SUMMER + "../../etc", None, id="a path"),
        pytest.param(SUMMER + "+2500", None, id="no such offset"),
        pytest.param(SUMMER + "Ortszeit", None, id="another language"),
        pytest.param(SUMMER + "Central European Time", None, id="in words"),
    ],
)
def test_case_rss_zone_names_give_the_right_moment_or_none(written, found):
    assert time_ms(written) == (None if found is None else ms(found))
    if written.endswith(("XYZ", "IST")):
        assert time_ms(written, is_utc=True) is None, "that it names a zone is known"


def test_what_is_known_to_be_utc_needs_no_zone():
    assert time_ms("2024-04-07T16:49", is_utc=True) == ms("2024-04-07T16:49")
    assert time_ms("2024-04-07", is_utc=True) == ms("2024-04-07")
    assert time_ms("2024-04-07T16:49+02:00", is_utc=True) == ms("2024-04-07T14:49")


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
        pytest.param("2026-10-05T14:30:00", None, Due(END_OF_5TH, "day"), id="no zone: that day"),
        pytest.param("2026-10-05 14:30 XYZ", None, None, id="a zone that nobody knows"),
        pytest.param(
            "2026-10-05 14:30 XYZ", "05 Oct 2026", Due(END_OF_5TH, "day"), id="but the words"
        ),
        pytest.param(20261005, None, None, id="a date as a number"),
        pytest.param(None, "31 Feb 2026", None, id="no such day"),
        pytest.param(None, "soon", None, id="soon"),
        pytest.param(None, None, None, id="nothing"),
    ],
)
def test_due(date, displayed, found):
    assert due(date, displayed) == found
