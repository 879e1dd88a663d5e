"""Signed requests: the key in a header, HMAC-SHA256 over query and body, and a fresh timestamp."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qsl

from aiohttp import web

from simulator.binance.answers import BinanceError, required, whole
from simulator.exchange.venue import VENUE, Venue

_AHEAD_MS = 1_000
_DEFAULT_WINDOW_MS, _LARGEST_WINDOW_MS = 5_000, 60_000


async def signed(request: web.Request) -> dict[str, str]:
    """Return the parameters of query and body; BinanceError if the signature does not fit."""
    venue = request.app[VENUE]
    key = request.headers.get("X-MBX-APIKEY")
    if not key:
        raise BinanceError(401, -2014, "API-key format invalid.")
    if key != venue.credentials.key:
        raise BinanceError(401, -2015, "Invalid API-key, IP, or permissions for action.")
    text = request.url.raw_query_string + await request.text()
    payload, _, _ = text.rpartition("&signature=")
    parameters = dict(parse_qsl(text, keep_blank_values=True))
    signature = required(parameters, "signature")
    expected = hmac.new(venue.credentials.secret.encode(), payload.encode(), hashlib.sha256)
    if not hmac.compare_digest(signature.encode(), expected.hexdigest().encode()):
        raise BinanceError(400, -1022, "Signature for this request is not valid.")
    _check_time(parameters, venue)
    return parameters


def _check_time(parameters: dict[str, str], venue: Venue) -> None:
    required(parameters, "timestamp")
    sent_ms = whole(parameters, "timestamp", 0)
    window_ms = whole(parameters, "recvWindow", _DEFAULT_WINDOW_MS)
    if window_ms > _LARGEST_WINDOW_MS:
        raise BinanceError(400, -1131, "recvWindow must be less than 60000")
    late_ms = venue.clock.now_ms() - sent_ms
    if late_ms < -_AHEAD_MS * venue.slack:
        text = "Timestamp for this request was 1000ms ahead of the server's time."
        raise BinanceError(400, -1021, text)
    if late_ms > window_ms * venue.slack:
        text = "Timestamp for this request is outside of the recvWindow."
        raise BinanceError(400, -1021, text)
