"""Times of the contract: ms since 1970 UTC, and lengths in ms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
CYCLE_MS = 10 * MINUTE_MS
"""Between two trending records of an asset."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
"""The units of times that others write as a number since 1970."""
EARLIEST_S, LATEST_S = 946_684_800, 4_102_444_800
"""2000 and 2100: in these bounds the size of a number tells its unit, for the ranges lie apart."""
_MILLISECOND = timedelta(milliseconds=1)


def ms(time: datetime) -> int:
    """Return ms since 1970 UTC of a time with a zone, exactly; a part of a ms is left out."""
    return (time - EPOCH) // _MILLISECOND


def epoch_ms(number: float) -> int | None:
    """Return ms since 1970 UTC of a time in s, ms, us or ns, recognised by its size.

    None where no unit puts it between 2000 and 2100, such as for 20261005.
    """
    for per_s in PER_SECOND.values():
        if EARLIEST_S * per_s <= number < LATEST_S * per_s:
            return round(number * 1_000 / per_s)
    return None
