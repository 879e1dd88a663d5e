"""Times and dates of the upstreams as ms since 1970 UTC."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from producers.upstreams.fields import number
from schemas.times import DAY_MS

_LATEST_MS = 253_402_300_800_000  # the year 10000
_SECONDS_BELOW = 100_000_000_000  # the year 5138 in seconds, the year 1973 in milliseconds
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


def time_ms(value: Any) -> int | None:
    """Return a time: unix seconds or ms, ISO 8601, or RFC 2822 with any offset; without one, UTC.

    None for a null, an odd type and what is no time between 1970 and the year 10000.
    """
    if isinstance(value, str):
        at_ms = _iso_ms(value.strip()) or _mail_ms(value)
        if at_ms is not None:
            return at_ms if 0 < at_ms < _LATEST_MS else None
    found = number(value)
    if found is None:
        return None
    since_ms = found * 1000.0 if found < _SECONDS_BELOW else found
    return int(since_ms) if 1.0 <= since_ms < _LATEST_MS else None


def _iso_ms(value: str) -> int | None:
    try:
        # Digits alone are unix seconds, although "20261005" is ISO 8601, too.
        return None if value.isdigit() else _ms(datetime.fromisoformat(value))
    except (ValueError, OverflowError):
        return None


def _mail_ms(value: str) -> int | None:
    try:
        return _ms(parsedate_to_datetime(value))
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _ms(time: datetime) -> int:
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return round(time.timestamp() * 1000.0)


def due(date: Any, displayed: Any = None) -> Due | None:
    """Return when an event is due, by its date and by the words in which people are told it.

    The words are the honest precision ("Q4 2026"); the date then is any day of the period. A date
    at midnight or without a time means that day, since nobody would know the minute. None where
    neither says a date.
    """
    said = displayed.strip().lower() if isinstance(displayed, str) else ""
    deadline = _EARLIER.search(said) is not None
    vague = _period(said)
    if vague is not None:
        return vague._replace(deadline=deadline)
    at_ms = time_ms(date)
    if at_ms is None:
        at_ms = time_ms(_EARLIER.sub("", said).strip(" ()")) or _named_day_ms(said)
    if at_ms is None:
        return None
    if at_ms % DAY_MS:
        return Due(at_ms, "minute", deadline)
    return Due(at_ms + DAY_MS - 1, "day", deadline)


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
