"""ccxt's errors and an exchange's refusals as the one error of the upstreams."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import aiohttp

from producers.http_client.errors import Kind, UpstreamError
from producers.http_client.headers import retry_after_s
from schemas.redact import redacted

_KINDS: dict[str, Kind] = {
    "RequestTimeout": "timeout",
    "RateLimitExceeded": "limit",
    "DDoSProtection": "limit",
    "ExchangeNotAvailable": "server",
    "NetworkError": "connection",
    "OperationFailed": "server",
    "AuthenticationError": "auth",
    "BadSymbol": "not_found",
    "BadRequest": "bad_request",
    "ArgumentsRequired": "bad_request",
    "NotSupported": "bad_request",
    "TimeoutError": "timeout",
    "ClientPayloadError": "connection",
    "OSError": "connection",
}
"""By the name of the class or its nearest base: ccxt takes half a second to import."""
_BUSY = ('"retCode":10016', '"code":-1000', '"code":-1001', '"code":-1008')
"""Bodies that mean "try again", which ccxt takes for a lasting error."""
_LEFT_ALONE_S = {418: 120.0, 429: 10.0, 403: 600.0}
"""How long an exchange is left alone that refuses us and does not say how long."""
_PLACE = re.compile(r"\b(?:country|countries|regions?|jurisdictions?|restricted location)\b", re.I)
"""What a 403 names that goes by where we are, not by how much we asked."""
_TEXT = 160
_NOISE = re.compile(r"\b(?:GET|POST) \S+://\S+ ?|<.*", re.DOTALL)
"""The address that ccxt begins its texts with, and pages of HTML."""


def upstream_error(exchange: str, error: Exception) -> UpstreamError:
    """Return what ccxt or the network raised as an UpstreamError, in a short sentence."""
    if isinstance(error, UpstreamError):
        return error
    cause = error.__cause__
    if isinstance(cause, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError | OSError):
        return UpstreamError(exchange, "connection", _broken(cause))
    text = str(error)
    names = (base.__name__ for base in type(error).__mro__)
    kinds: Iterator[Kind] = (_KINDS[name] for name in names if name in _KINDS)
    kind: Kind = next(kinds, "bad_answer")
    if kind == "bad_answer" and any(body in text.replace(" ", "") for body in _BUSY):
        kind = "server"
    said = _NOISE.sub("", redacted(text).removeprefix(f"{exchange} "))[:_TEXT].strip()
    return UpstreamError(exchange, kind, f"{type(error).__name__}: {said}")


def _broken(cause: BaseException) -> str:
    if isinstance(cause, aiohttp.ClientPayloadError):
        return "the connection ended in the middle of an answer"
    return f"it cannot be reached ({type(cause).__name__})"


def refusal(
    exchange: str, status: int, headers: Mapping[str, str], body: str, now_ms: int
) -> UpstreamError | None:
    """Return the error of an answer with 429, 418, 403 or 451; None for any other answer.

    429, 418 (a ban) and 403 (too many requests of an address) have `retry_after_s`: the
    exchange's, or one of ours.
    """
    if status == 451 or (status == 403 and _PLACE.search(body)):
        text = f"it does not serve this place (HTTP {status}); QUANTIVA_EXCHANGES names others"
        return UpstreamError(exchange, "auth", text)
    if status not in _LEFT_ALONE_S:
        return None
    pause_s = retry_after_s(headers, now_ms)
    pause_s = _LEFT_ALONE_S[status] if pause_s is None else pause_s
    text = f"too many requests (HTTP {status}); left alone for {pause_s:.0f} s"
    return UpstreamError(exchange, "limit", text, retry_after_s=pause_s)
