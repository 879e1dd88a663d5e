"""What an upstream's error response means; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from producers.http_client.errors import Kind

LONGEST_MESSAGE = 200
_KINDS: dict[int, Kind] = {
    401: "auth",
    402: "auth",
    403: "auth",
    404: "not_found",
    408: "timeout",
    410: "not_found",
    418: "limit",  # Binance: banned for a while
    425: "limit",
    429: "limit",
}


def kind_of(status: int) -> Kind:
    """Return what kind of error an HTTP status other than 200 is."""
    if status in _KINDS:
        return _KINDS[status]
    if status >= 500:
        return "server"
    return "bad_request" if status >= 400 else "bad_answer"


def refusal(status: int, where: str, said: str, key_env: str | None, *, has_key: bool) -> str:
    """Return a sentence about an HTTP status other than 200: what, where, what to do.

    `said` is the upstream's message, or empty.
    """
    what = f"it answers {status} at {where}"
    if said:
        what += f" and says: {said.rstrip('.')}"
    return f"{what}; {_advice(status, key_env, has_key=has_key)}"


def _advice(status: int, key_env: str | None, *, has_key: bool) -> str:
    kind = kind_of(status)
    if kind == "auth" and key_env is not None:
        if not has_key:
            return f"it wants a key: set {key_env}"
        return f"check the key in {key_env} and what its plan allows"
    return {
        "auth": "it does not let us in",
        "not_found": "it does not know this",
        "bad_request": "the request is not what it understands",
        "bad_answer": "its address may have changed",
        "limit": "it wants fewer requests",
        "timeout": "it was too slow",
    }.get(kind, "the fault is on its side")


def message_of(body: bytes) -> str:
    """Return the message of an error's JSON body in one line, empty if there is none.

    Only whole JSON is looked at: of a cut text, a secret that it repeats might be half there.
    The message may repeat a secret and is not cut yet: redact first, then `shortened`.
    """
    try:
        decoded = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    return " ".join(_message(decoded).split())


def _message(decoded: Any, depth: int = 3) -> str:
    """Find the message in the shapes that the upstreams use."""
    if not isinstance(decoded, Mapping) or depth == 0:
        return ""
    for name in ("error", "message", "info", "error_message", "detail", "Message", "retMsg", "msg"):
        value = decoded.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, Mapping) and (inner := _message(value, depth - 1)):
            return inner
    return _message(decoded.get("status"), depth - 1)


def shortened(text: str) -> str:
    """Return at most 200 printable characters of a text."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    if len(printable) <= LONGEST_MESSAGE:
        return printable
    return printable[: LONGEST_MESSAGE - 1].rstrip() + "…"


def not_json(body: bytes, where: str) -> str:
    """Return a sentence about a body that is no JSON."""
    start = body[:200].lstrip()
    if not start:
        what = "nothing"
    elif start.startswith(b"<"):
        what = "a page (HTML)"
    elif start[:1] in b"{[":
        what = f"half of its JSON ({len(body)} bytes)"
    else:
        what = "no JSON"
    return f"it sends {what} at {where}"
