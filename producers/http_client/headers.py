"""Rate limits in a response's headers; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from schemas.times import epoch_ms

DAY_S = 86_400.0

# x-rate-limit-minute-remaining (LunarCrush), x-ratelimit-remaining-minute (Kong),
# ratelimit-remaining (the IETF's draft; its window is not named).
_NAME = re.compile(
    r"(?:x-)?rate-?limit-(?:(minute|day)-(remaining|reset)|(remaining|reset)(?:-(minute|day))?)"
)


@dataclass(frozen=True, slots=True)
class RateLimitHeaders:
    """Requests left in a window, and when it starts again (ms since 1970 UTC); None: unknown."""

    left: int | None = None
    reset_ms: int | None = None


def rate_limits(headers: Mapping[str, str], now_ms: int) -> dict[str, RateLimitHeaders]:
    """Return the limits of the windows "minute", "day" and "" (a window without a name)."""
    found: dict[str, dict[str, str]] = {"minute": {}, "day": {}, "": {}}
    for name, value in headers.items():
        match = _NAME.fullmatch(name.lower())
        if match:
            window, what = match[1] or match[4] or "", match[2] or match[3]
            found[window][what] = value
    return {
        window: RateLimitHeaders(
            _count(texts.get("remaining")), _moment_ms(texts.get("reset"), now_ms)
        )
        for window, texts in found.items()
    }


def retry_header_s(headers: Mapping[str, str], now_ms: int) -> float | None:
    """Return the seconds of Retry-After (a number or an HTTP date), 0 to a day.

    None without one, or where its date names no zone.
    """
    by_name = {name.lower(): value for name, value in headers.items()}
    pause_s = _pause_s(by_name.get("retry-after"), now_ms)
    return None if pause_s is None else min(max(pause_s, 0.0), DAY_S)


def retry_after_s(headers: Mapping[str, str], now_ms: int) -> float | None:
    """Return in how many seconds a limit that was hit is over, a day at most; None: unknown.

    Retry-After comes first, else the reset of the spent minute or of a window without a name; one
    of which something is left is not the spent one.
    """
    pause_s = retry_header_s(headers, now_ms)
    windows = rate_limits(headers, now_ms)
    for window in (windows["minute"], windows[""]):
        if pause_s is None and window.reset_ms is not None and not window.left:
            pause_s = (window.reset_ms - now_ms) / 1000
    return pause_s


def _pause_s(text: str | None, now_ms: int) -> float | None:
    if text is None:
        return None
    seconds = _number(text)
    if seconds is not None:
        return seconds
    try:
        at = parsedate_to_datetime(text)
        return None if at.tzinfo is None else at.timestamp() - now_ms / 1000
    except (ValueError, TypeError, OverflowError):
        return None


def _moment_ms(text: str | None, now_ms: int) -> int | None:
    """Read a reset: seconds from now, or unix time in any unit; a day ahead at most."""
    number = None if text is None else _number(text)
    if number is None:
        return None
    moment = now_ms + number * 1000 if number < 1e8 else epoch_ms(number)
    return None if moment is None else int(min(max(moment, now_ms), now_ms + DAY_S * 1000))


def _count(text: str | None) -> int | None:
    number = None if text is None else _number(text)
    return None if number is None else max(int(number), 0)


def _number(text: str) -> float | None:
    """Return a plain decimal number; no sign, no nan, no inf."""
    return float(text) if re.fullmatch(r"\s*\d{1,19}(?:\.\d{0,9})?\s*", text) else None
