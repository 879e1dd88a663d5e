"""What the rules of every event are made of: times, amounts, lists of values, names and texts.

Each returns a sentence for people that begins with the field's name, or None.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from schemas.names import wrong_id, wrong_symbol, wrong_text
from schemas.times import DAY_MS, HOUR_MS, MINUTE_MS

TIMEFRAME_MS = {"1h": HOUR_MS, "4h": 4 * HOUR_MS, "1d": DAY_MS}
"""Length of a candle by timeframe: those that every asset has, and that the score is made of."""
SHORT_MS = {"5m": 5 * MINUTE_MS, "15m": 15 * MINUTE_MS}
"""Those that an asset has where an active strategy's timeframe is one of them."""
CANDLE_MS = {**SHORT_MS, **TIMEFRAME_MS}
"""All of them, the shortest first."""
LEAST_PRICE, MOST_PRICE = 1e-18, 1e15
"""What a price may be, the least included: a million times beyond any market's, and so near that
no engine's sums, ratios and squares overflow."""
MOST_AMOUNT = 1e33
"""What sizes, volumes, supplies and counts stay below; hash rates are the largest, at 1e21."""
LATEST_MS = 253_402_300_800_000  # the year 10000
PRICES = f"from {LEAST_PRICE:g} to below {MOST_PRICE:g}"
AMOUNTS = f"from 0 to below {MOST_AMOUNT:g}"
_MOST_SHOWN = 60


def asset(event: Any) -> str | None:
    """Check that the asset is a symbol."""
    wrong = wrong_symbol(event.asset)
    return None if wrong is None else f"asset {wrong}"


def time(event: Any, name: str) -> str | None:
    """Check a time in ms since 1970: above 0, before the year 10000."""
    if 0 < getattr(event, name) < LATEST_MS:
        return None
    return f"{name} {getattr(event, name)} is no time in ms since 1970"


def time_or_none(event: Any, name: str) -> str | None:
    """Check a time that may be unknown: None, or 0."""
    return time(event, name) if getattr(event, name) else None


def one_of(event: Any, name: str, known: Collection[str]) -> str | None:
    """Check a text that has a list of values."""
    value = getattr(event, name)
    if value in known:
        return None
    return f"{name} {value[:_MOST_SHOWN]!r} is not one of {', '.join(sorted(known))}"


def share(event: Any, name: str, least: float = 0.0, most: float = 1.0) -> str | None:
    """Check a number of a range, its ends included; None passes."""
    value = getattr(event, name)
    if value is None or least <= value <= most:
        return None
    return f"{name} {value} is not in {least:g} to {most:g}"


def amounts(event: Any, names: Iterable[str]) -> str | None:
    """Check sizes, volumes, supplies and counts; None passes."""
    for name in names:
        value = getattr(event, name)
        if value is not None and not 0.0 <= value < MOST_AMOUNT:
            return f"{name} {value} is not a number {AMOUNTS}"
    return None


def ids(event: Any, *names: str) -> str | None:
    """Check ids and short names; None passes."""
    for name in names:
        value = getattr(event, name)
        wrong = None if value is None else wrong_id(value)
        if wrong is not None:
            return f"{name} {wrong}"
    return None


def texts(event: Any, *names: str, most: int | None = None) -> str | None:
    """Check texts, and all of a list's or all keys of a map together; None passes."""
    for name in names:
        value = getattr(event, name)
        if value is None:
            continue
        wrong = wrong_text(value if isinstance(value, str) else "".join(value), most)
        if wrong is not None:
            return f"{name} {wrong}"
    return None


def detail(event: Any) -> str | None:
    """Check the texts of a detail."""
    wrong = wrong_text("".join(event.detail.values())) if event.detail else None
    return None if wrong is None else f"detail {wrong}"
