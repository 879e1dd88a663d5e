"""What an error of the model's API means for the signal, the money and the next request. Pure.

The question is whether the request may have been served, for then it may have been paid for, and
asking again would be asking twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
import openai

from sinks.explanations.outcomes import Kind, ModelError

ERRORS: tuple[type[Exception], ...] = (
    openai.OpenAIError,
    httpx2.HTTPError,
    json.JSONDecodeError,
    UnicodeDecodeError,
    TimeoutError,
    OSError,
)
"""What the client can raise; 200 with broken JSON raises none of its own."""

_DENIED_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
_DENIED_STATUSES = frozenset({401, 402, 403, 404})
_REFUSED_STATUSES = frozenset({408, 409, 425, 429, 500, 502, 503, 529})
_BEFORE_SENDING = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


def model_error(error: Exception, now: datetime, refused: str = "") -> ModelError:
    """Return what one of ERRORS means; `now` is the wall clock, for a Retry-After that is a date.

    `refused` names the part of the request that is meant. The vendor's message is left out: some
    repeat the key.
    """
    if isinstance(error, openai.APIStatusError):
        return _of_status(error, now, refused)
    if isinstance(error, openai.APIConnectionError) and isinstance(
        error.__cause__, _BEFORE_SENDING
    ):
        return ModelError(Kind.REFUSED, "The model's API cannot be reached.")
    if isinstance(error, openai.APITimeoutError | TimeoutError):
        return ModelError(Kind.LOST, "The model did not answer in time.")
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return ModelError(Kind.LOST, "The model's API answered what is not JSON.")
    if isinstance(error, openai.APIConnectionError | httpx2.HTTPError | OSError):
        return ModelError(Kind.LOST, "The connection to the model's API broke.")
    return ModelError(Kind.LOST, f"The model's answer cannot be read ({type(error).__name__}).")


def cause(error: openai.APIStatusError) -> str:
    """Return status and code of an answer, for people: "400, unsupported_value"."""
    status, code = error.status_code, error.code
    return f"{status}, {code}" if isinstance(code, str) and code.isidentifier() else f"{status}"


def _of_status(error: openai.APIStatusError, now: datetime, refused: str) -> ModelError:
    status, code = error.status_code, error.code
    what = f"refuses {refused}" if refused else "refuses"
    reason = f"The model's API {what}: {cause(error)}."
    if code in _DENIED_CODES or error.type in _DENIED_CODES or status in _DENIED_STATUSES:
        return ModelError(Kind.DENIED, reason)
    if status in _REFUSED_STATUSES:
        return ModelError(Kind.REFUSED, reason, retry_after_s(error.response.headers, now))
    return ModelError(Kind.LOST if status >= 500 else Kind.REJECTED, reason)


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds of `retry-after-ms` or `Retry-After` (a number or a date), or None."""
    for name, scale in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * scale
        except ValueError:
            continue
        return seconds if 0.0 < seconds < float("inf") else None
    try:
        until = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    aware = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds()) or None
