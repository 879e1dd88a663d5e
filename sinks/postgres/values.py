"""From the contract's values to PostgreSQL's. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from schemas.times import EPOCH

_encode = msgspec.json.Encoder(order="deterministic").encode


def time(ms: int) -> datetime:
    """Return the time of ms since 1970 UTC, exactly; OverflowError beyond the year 9999."""
    return EPOCH + timedelta(milliseconds=ms)


def time_or_none(ms: int | None) -> datetime | None:
    """Return the time of ms since 1970 UTC, or None."""
    return None if ms is None else time(ms)


def json(value: Any) -> str:
    """Return JSON text of structs, dicts and lists; a number that is none becomes null.

    msgspec and not orjson: it writes our structs as they are, without a dict of each in between.
    """
    return _encode(value).decode()
