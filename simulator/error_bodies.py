"""The error bodies of each vendor, by status."""

from __future__ import annotations

from collections.abc import Callable, Container
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, NamedTuple, TypeAlias

import orjson
from aiohttp import web

_Body: TypeAlias = dict[str, Any]
_HTML = (
    "<!DOCTYPE html><html><head><title>{status} {reason}</title></head>"
    "<body><center><h1>{status} {reason}</h1></center><hr><center>cloudflare</center></body></html>"
)
_REASONS = {
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


def json_response(data: Any, status: int = 200, **headers: str) -> web.Response:
    """Return plain data as a JSON answer; header names are given with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.Response(
        body=orjson.dumps(data), status=status, headers=named, content_type="application/json"
    )


def html_response(status: int) -> web.Response:
    """Return the page that a proxy in front of a vendor answers with."""
    text = _HTML.format(status=status, reason=_reason(status))
    return web.Response(text=text, status=status, content_type="text/html")


def error_response(upstream: str, status: int, code: str | None = None) -> web.Response:
    """Return the vendor's answer of a status; `code` is its own error code where it has such.

    HTML where the vendor has no errors of its own (rss), and where a proxy in front of it answers
    with the status: a `code` can only come from the vendor itself, so its form is answered then.
    """
    vendor = _VENDORS.get(upstream)
    if vendor is None or (code is None and status in vendor.proxy_answers):
        return html_response(status)
    return json_response(vendor.body(status, code), status)


def retry_after(seconds: float, now_ms: int, *, http_date: bool) -> str:
    """Return the value of a Retry-After header: seconds rounded up, or a date."""
    if http_date:
        until = datetime.fromtimestamp(now_ms / 1000.0 + seconds, UTC)
        return format_datetime(until, usegmt=True)
    return str(int(-(-seconds // 1)))


def _reason(status: int) -> str:
    return _REASONS.get(status, "Error")


def _numbered(code: str | None, usual: int) -> int:
    return int(code) if code is not None and code.removeprefix("-").isdecimal() else usual


def _lunarcrush(status: int, code: str | None) -> _Body:
    return {"error": code or ("Invalid API key" if status == 401 else _reason(status))}


def _news(status: int, code: str | None) -> _Body:
    texts = {403: "Invalid token.", 429: "You have reached your monthly limit of API calls."}
    return {"message": code or texts.get(status, _reason(status))}


def _coingecko(status: int, code: str | None) -> _Body:
    if status == 404:
        return {"error": code or "coin not found"}
    if status == 422:
        return {"error": code or "Missing parameter vs_currency"}
    if status == 429:
        text = "You've exceeded the Rate Limit. Please visit https://www.coingecko.com/en/api/"
        return {"status": {"error_code": _numbered(code, 429), "error_message": text}}
    return {"status": {"error_code": _numbered(code, 10_011), "error_message": _reason(status)}}


def _coinmarketcal(status: int, code: str | None) -> _Body:
    texts = {403: "Forbidden", 429: "Limit Exceeded", 500: "Internal server error"}
    return {"message": code or texts.get(status, _reason(status))}


def _coinmetrics(status: int, code: str | None) -> _Body:
    types = {400: "bad_parameter", 401: "unauthorized", 403: "forbidden", 429: "too_many_requests"}
    return {"error": {"type": code or types.get(status, "internal"), "message": _reason(status)}}


def _feargreed(status: int, code: str | None) -> _Body:
    said = {"error": code or _reason(status)}
    return {"name": "Fear and Greed Index", "data": [], "metadata": said}


_CHAT_ERRORS: dict[int, tuple[str, str, str | None]] = {
    400: ("The request is not valid.", "invalid_request_error", None),
    401: ("Incorrect API key provided: sim***.", "invalid_request_error", "invalid_api_key"),
    404: ("The model does not exist.", "invalid_request_error", "model_not_found"),
    429: ("Rate limit reached for requests.", "requests", "rate_limit_exceeded"),
    500: ("The server had an error while processing your request.", "server_error", None),
    503: ("The engine is currently overloaded, please try again later.", "server_error", None),
}


def _chat(status: int, code: str | None) -> _Body:
    message, kind, usual = _CHAT_ERRORS.get(status, (_reason(status), "server_error", None))
    if code == "insufficient_quota":
        message, kind = "You exceeded your current quota, please check your plan.", code
    return {"error": {"message": message, "type": kind, "param": None, "code": code or usual}}


def _binance(status: int, code: str | None) -> _Body:
    if status in (418, 429):
        text = "Too much request weight used; please use the websocket."
        return {"code": _numbered(code, -1003), "msg": text}
    return {"code": _numbered(code, -1000), "msg": _reason(status)}


def _bybit(status: int, code: str | None) -> _Body:
    said = {"retCode": _numbered(code, 10_006), "retMsg": _reason(status)}
    return {**said, "result": {}, "retExtInfo": {}, "time": 0}


def _kraken(status: int, code: str | None) -> _Body:
    texts = {429: "EGeneral:Too many requests", 451: "EService:Unavailable in your region"}
    return {"error": [code or texts.get(status, "EService:Unavailable")]}


def _okx(status: int, code: str | None) -> _Body:
    codes = {429: 50_011, 503: 50_001}
    return {"code": str(_numbered(code, codes.get(status, 50_026))), "msg": "", "data": []}


class _Vendor(NamedTuple):
    """The error bodies of a vendor, and which statuses are its proxy's."""

    body: Callable[[int, str | None], _Body]
    proxy_answers: Container[int]


_SERVER_ERRORS = range(500, 600)
_AND_FORBIDDEN = (403, *_SERVER_ERRORS)
_VENDORS: dict[str, _Vendor] = {
    "lunarcrush": _Vendor(_lunarcrush, _SERVER_ERRORS),
    "cryptonews": _Vendor(_news, _SERVER_ERRORS),
    "stocknews": _Vendor(_news, _SERVER_ERRORS),
    "coingecko": _Vendor(_coingecko, _AND_FORBIDDEN),
    "coinmarketcal": _Vendor(_coinmarketcal, ()),
    "coinmetrics": _Vendor(_coinmetrics, _SERVER_ERRORS),
    "feargreed": _Vendor(_feargreed, _AND_FORBIDDEN),
    "announcements": _Vendor(_bybit, _AND_FORBIDDEN),
    "chat": _Vendor(_chat, (502, 504)),
    "binance": _Vendor(_binance, _AND_FORBIDDEN),
    "bybit": _Vendor(_bybit, _AND_FORBIDDEN),
    "kraken": _Vendor(_kraken, _AND_FORBIDDEN),
    "okx": _Vendor(_okx, _AND_FORBIDDEN),
}
