"""Times of the contract: ms since 1970 UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def ms(time: datetime) -> int:
    """Return ms since 1970 UTC of a time with a zone, exactly; a part of a ms is left out."""
    return (time - EPOCH) // _MILLISECOND
