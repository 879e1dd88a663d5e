"""Numbers and times as people read them at 3 a.m."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from schemas.times import DAY_MS, HOUR_MS, MINUTE_MS

_UNITS_MS = {"s": 1_000, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
_SINCE = re.compile(r"(\d+)\s*(s|min|m|h|d)")


def cut(text: str, width: int) -> str:
    """Return the text on one line of at most `width` columns, an ellipsis where it was cut.

    What no terminal prints (line breaks, escape sequences of a headline) becomes a space.
    """
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"


def age(age_ms: float | None) -> str:
    """Return an age in its largest sensible unit, `-` when it is not known."""
    if age_ms is None:
        return "-"
    seconds = max(age_ms, 0) / 1000
    if seconds < 1:
        return "now"
    for limit, divisor, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / divisor:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"


def big(number: float | None) -> str:
    """Return a large number in three digits, for example 1.25B; `-` for None."""
    if number is None:
        return "-"
    for limit, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= limit:
            return f"{number / limit:.3g}{unit}"
    return f"{number:.3g}"


def price(number: float | None) -> str:
    """Return a price with the digits that matter, `-` for None."""
    if number is None:
        return "-"
    return f"{number:,.2f}" if abs(number) >= 1000 else f"{number:.6g}"


def rate(per_s: float | None) -> str:
    """Return a rate in records a second, `-` when it is not known."""
    if per_s is None:
        return "-"
    return f"{per_s:,.0f}/s" if per_s >= 10 or per_s == 0 else f"{per_s:.1f}/s"


def moment(time_ms: int, form: str = "%m-%d %H:%M:%S") -> str:
    """Return a time in UTC; the number itself where no calendar holds it."""
    try:
        return datetime.fromtimestamp(time_ms / 1000, UTC).strftime(form)
    except (ValueError, OverflowError, OSError):
        return str(time_ms)


def since_ms(text: str, now_ms: int) -> int:
    """Return the moment that `30m`, `2h`, `7d` before now, or an ISO time in UTC, means.

    Raises ValueError with a sentence that shows the forms.
    """
    ago = _SINCE.fullmatch(text.strip().lower())
    if ago:
        return now_ms - int(ago[1]) * _UNITS_MS[ago[2][0]]
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        msg = f"{text!r} is no time: write 30m, 2h, 7d, or 2026-01-31T12:00 (UTC)"
        raise ValueError(msg) from None
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)
