"""Errors of Kafka, HTTP and database clients as one line for people."""

from __future__ import annotations

_REFUSED = ("Unable to bootstrap", "Connect call failed", "Connection refused")


def short_reason(error: Exception, timeout_s: float = 4.0) -> str:
    """Return what a client's error means, on one line; `timeout_s` is how long was waited."""
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout_s:.0f} s"
    text = str(error).partition("\n")[0] or type(error).__name__
    return "nobody accepts connections there" if any(one in text for one in _REFUSED) else text
