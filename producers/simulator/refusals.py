"""How each vendor says no: the body of an error in its own shape, by status."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, TypeAlias

import orjson
from aiohttp import web

_Body: TypeAlias = dict[str, Any] | None
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


def refusal(upstream: str, status: int, code: str | None = None) -> web.Response:
    """Return the vendor's answer of a status; `code` is its own error code where it has such.

    HTML where the vendor has no body of its own for the status.
    """
    body = _BODIES.get(upstream, _plain)(status, code)
    return html_response(status) if body is None else json_response(body, status)


def retry_after(seconds: float, now_ms: int, *, http_date: bool) -> str:
    """Return the value of a Retry-After header: seconds rounded up, or a date."""
    if http_date:
        until = datetime.fromtimestamp(now_ms / 1000.0 + seconds, UTC)
        return format_datetime(until, usegmt=True)
    return str(int(-(-seconds // 1)))


def _reason(status: int) -> str:
    return _REASONS.get(status, "Error")


def _plain(status: int, code: str | None) -> _Body:
    return None


def _lunarcrush(status: int, code: str | None) -> _Body:
    if status >= 500:
        return None
    return {"error": code or ("Invalid API key" if status == 401 else _reason(status))}


def _news(status: int, code: str | None) -> _Body:
    if status >= 500:
        return None
    texts = {403: "Invalid token.", 429: "You have reached your monthly limit of API calls."}
    return {"message": code or texts.get(status, _reason(status))}


def _coingecko(status: int, code: str | None) -> _Body:
    if status >= 500 or status == 403:
        return None
    if status == 404:
        return {"error": code or "coin not found"}
    if status == 422:
        return {"error": code or "Missing parameter vs_currency"}
    if status == 429:
        text = "You've exceeded the Rate Limit. Please visit https://www.coingecko.com/en/api/"
        return {"status": {"error_code": 429, "error_message": text}}
    number = int(code) if code is not None and code.isdigit() else 10_011
    return {"status": {"error_code": number, "error_message": _reason(status)}}


def _coinmarketcal(status: int, code: str | None) -> _Body:
    texts = {403: "Forbidden", 429: "Limit Exceeded", 500: "Internal server error"}
    return {"message": code or texts.get(status, _reason(status))}


_CHAT_ERRORS: dict[int, tuple[str, str, str | None]] = {
    400: ("The request is not valid.", "invalid_request_error", None),
    401: ("Incorrect API key provided: sim***.", "invalid_request_error", "invalid_api_key"),
    404: ("The model does not exist.", "invalid_request_error", "model_not_found"),
    429: ("Rate limit reached for requests.", "requests", "rate_limit_exceeded"),
    500: ("The server had an error while processing your request.", "server_error", None),
    503: ("The engine is currently overloaded, please try again later.", "server_error", None),
}


def _chat(status: int, code: str | None) -> _Body:
    if status in (502, 504):
        return None
    message, kind, usual = _CHAT_ERRORS.get(status, (_reason(status), "server_error", None))
    if code == "insufficient_quota":
        message, kind = "You exceeded your current quota, please check your plan.", code
    return {"error": {"message": message, "type": kind, "param": None, "code": code or usual}}


def _binance(status: int, code: str | None) -> _Body:
    if status in (418, 429):
        return {"code": -1003, "msg": "Too much request weight used; please use the websocket."}
    if status >= 500 or status == 403:
        return None
    number = int(code) if code is not None and code.lstrip("-").isdigit() else -1000
    return {"code": number, "msg": _reason(status)}


def _bybit(status: int, code: str | None) -> _Body:
    if status >= 500 or status == 403:
        return None
    number = int(code) if code is not None and code.isdigit() else 10_006
    return {"retCode": number, "retMsg": _reason(status), "result": {}, "retExtInfo": {}, "time": 0}


_BODIES: dict[str, Callable[[int, str | None], _Body]] = {
    "lunarcrush": _lunarcrush,
    "cryptonews": _news,
    "stocknews": _news,
    "coingecko": _coingecko,
    "coinmarketcal": _coinmarketcal,
    "chat": _chat,
    "binance": _binance,
    "bybit": _bybit,
}
