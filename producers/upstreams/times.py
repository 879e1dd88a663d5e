"""Times and dates of the upstreams as ms since 1970 UTC."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime
from email.utils import parsedate_tz
from typing import Any, NamedTuple

from producers.upstreams.fields import number
from producers.upstreams.zones import split_zone, zone_at
from schemas.times import DAY_MS, epoch_ms

_LATEST_MS = 253_402_300_800_000  # the year 10000
_HALF_DAY = re.compile(r"(?<=\d)\s*([ap])\.?m\b\.?", re.IGNORECASE)
_DASHES = re.compile(r"\b(\d{1,2})-([A-Za-z]{3,})-(\d{2,4})\b")
_FRACTION = re.compile(r"(:\d\d)[.,]\d+")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_YEAR = re.compile(r"(?<!\d)(20\d\d)(?!\d)")
_QUARTER, _HALF = re.compile(r"\bq\s?([1-4])\b"), re.compile(r"\bh\s?([12])\b")
_DAY = re.compile(r"(?<!\d)\d{1,2}(?!\d)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_YEAR_MONTH = re.compile(r"(?<!\d)20\d\d[-/](0[1-9]|1[0-2])(?!\d)")
_EARLIER = re.compile(r"\b(?:or )?(?:earlier|before|by)\b", re.IGNORECASE)


class Due(NamedTuple):
    """When something is due.

    starts_at  of a date less exact than a minute, the last ms of the period
    precision  minute, day, month, quarter, half or year
    deadline   the words say that it may come earlier
    """

    starts_at: int
    precision: str
    deadline: bool = False


def time_ms(value: Any, *, is_utc: bool = False) -> int | None:
    """Return a time: a number since 1970 in s, ms, us or ns, ISO 8601, RFC 2822 and its like.

    `is_utc`: what is written without a zone, or without a time of day, is UTC. Else it is None, as
    is a time of a zone that nobody knows, a null, an odd type, and what is no time at all.
    """
    found = number(value)
    if found is not None:
        return epoch_ms(found)
    if not isinstance(value, str):
        return None
    half = _HALF_DAY.search(value)
    text, zone = split_zone(_HALF_DAY.sub("", value).strip())
    at = _in_half(_iso(text) or _mail(text), half)
    if at is None or (zone is None and at.tzinfo is None and not is_utc):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC if zone is None else zone_at(zone, at))
    at_ms = 0 if at.tzinfo is None else _ms(at)
    return at_ms if 0 < at_ms < _LATEST_MS else None


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None


def _mail(text: str) -> datetime | None:
    """Read "Thu, 30 Apr 2026 08:57:00" and its like, with names of days and months."""
    plain = _FRACTION.sub(r"\1", _DASHES.sub(r"\1 \2 \3", text))
    try:
        parts = parsedate_tz(plain)
        return None if parts is None else datetime(*parts[:6])  # noqa: DTZ001  it has no zone here
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _in_half(at: datetime | None, half: re.Match[str] | None) -> datetime | None:
    """Return the time of day that AM or PM makes of twelve hours."""
    if at is None or half is None:
        return at
    if not 1 <= at.hour <= 12:
        return None
    return at.replace(hour=at.hour % 12 + (12 if half[1] in "pP" else 0))


def _ms(time: datetime) -> int:
    return round(time.timestamp() * 1000.0)


def due(date: Any, displayed: Any = None, *, is_utc: bool = False) -> Due | None:
    """Return when an event is due, by its date and by the words in which people are told it.

    The words are the honest precision ("Q4 2026"); the date then is any day of the period. A date
    at midnight or without a time means that day, since nobody would know the minute; so does a
    time without a zone, unless it `is_utc`. None where neither says a date.
    """
    said = displayed.strip().lower() if isinstance(displayed, str) else ""
    deadline = _EARLIER.search(said) is not None
    vague = _period(said)
    if vague is not None:
        return vague._replace(deadline=deadline)
    for value in (date, _EARLIER.sub("", said).strip(" ()")):
        at_ms = time_ms(value, is_utc=is_utc)
        if at_ms is not None and at_ms % DAY_MS:
            return Due(at_ms, "minute", deadline)
        day_ms = time_ms(value, is_utc=True)
        if day_ms is not None:
            return Due(_day_end_ms(day_ms), "day", deadline)
    named_ms = _named_day_ms(said)
    return None if named_ms is None else Due(_day_end_ms(named_ms), "day", deadline)


def _day_end_ms(at_ms: int) -> int:
    return at_ms - at_ms % DAY_MS + DAY_MS - 1


def _period(said: str) -> Due | None:
    """Return the period that words name: a year, or a part of one longer than a day."""
    year_match = _YEAR.search(said)
    if year_match is None or _DATE.search(said):
        return None
    year = int(year_match[1])
    if match := _QUARTER.search(said):
        return Due(_end_ms(year, 3 * int(match[1])), "quarter")
    if match := _HALF.search(said):
        return Due(_end_ms(year, 6 * int(match[1])), "half")
    if match := _YEAR_MONTH.search(said):
        return Due(_end_ms(year, int(match[1])), "month")
    month = _month(said)
    if month is None:
        rest = _EARLIER.sub("", said).replace(year_match[1], "")
        return Due(_end_ms(year, 12), "year") if not re.search(r"\d", rest) else None
    return None if _DAY.search(said) else Due(_end_ms(year, month), "month")


def _month(said: str) -> int | None:
    found = (place for place, name in enumerate(_MONTHS, 1) if re.search(rf"\b{name}", said))
    return next(found, None)


def _named_day_ms(said: str) -> int | None:
    """Return the midnight that begins a day such as "05 oct 2026" or "october 5, 2026"."""
    year, month, day = _YEAR.search(said), _month(said), _DAY.search(said)
    if year is None or month is None or day is None:
        return None
    try:
        return _ms(datetime(int(year[1]), month, int(day[0]), tzinfo=UTC))
    except ValueError:
        return None


def _end_ms(year: int, month: int) -> int:
    last_day = calendar.monthrange(year, month)[1]
    return _ms(datetime(year, month, last_day, tzinfo=UTC)) + DAY_MS - 1
