"""Times of the contract: ms since 1970 UTC, and lengths in ms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
CYCLE_MS = 10 * MINUTE_MS
"""Between two trending records of an asset."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def ms(time: datetime) -> int:
    """Return ms since 1970 UTC of a time with a zone, exactly; a part of a ms is left out."""
    return (time - EPOCH) // _MILLISECOND
