"""Signed requests: HMAC-SHA256 over timestamp, key, window and the query or the JSON body."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import orjson
from aiohttp import web

from simulator.bybit.answers import BybitError, whole
from simulator.exchange.venue import VENUE

_AHEAD_MS = 1_000
_DEFAULT_WINDOW_MS = 5_000


async def signed(request: web.Request) -> dict[str, Any]:
    """Return the parameters, of the query or out of the body; BybitError if not signed right."""
    venue, headers = request.app[VENUE], request.headers
    if headers.get("X-BAPI-API-KEY") != venue.credentials.key:
        raise BybitError(10003, "API key is invalid.")
    posted = request.method == "POST"
    payload = await request.text() if posted else request.url.raw_query_string
    stamp = headers.get("X-BAPI-TIMESTAMP", "")
    window = headers.get("X-BAPI-RECV-WINDOW", str(_DEFAULT_WINDOW_MS))
    text = f"{stamp}{venue.credentials.key}{window}{payload}"
    expected = hmac.new(venue.credentials.secret.encode(), text.encode(), hashlib.sha256)
    given = headers.get("X-BAPI-SIGN", "")
    if not hmac.compare_digest(given.encode(), expected.hexdigest().encode()):
        raise BybitError(10004, "error sign! please check your signature generation algorithm.")
    late_ms = venue.clock.now_ms() - whole({"timestamp": stamp}, "timestamp", 0)
    window_ms = whole({"recvWindow": window}, "recvWindow", _DEFAULT_WINDOW_MS)
    if not -_AHEAD_MS * venue.slack < late_ms <= window_ms * venue.slack:
        text = "invalid request, please check your server timestamp or recv_window param"
        raise BybitError(10002, text)
    return _body(payload) if posted else dict(request.query)


def _body(payload: str) -> dict[str, Any]:
    try:
        body = orjson.loads(payload or "{}")
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise BybitError(10001, "params error: the body is no JSON object")
    return body
