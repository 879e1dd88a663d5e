"""Cursors of pages: opaque to clients; the place after which the next page begins.

A page is a range of keys in one order, never an offset, so rows that come in between move nothing.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any, TypeVar

import msgspec

from sinks.bridge.api.problems import ProblemError, Wrong

T = TypeVar("T", bound=msgspec.Struct)
_LAYOUT = 1
_DAMAGED = "The cursor cannot be read: send it as it came, or leave it out to begin anew."
_FOREIGN = "The cursor belongs to another question: keep the filters, or leave the cursor out."


def cursor(place: msgspec.Struct, query: msgspec.Struct) -> str:
    """Return the cursor of a place in the answers to a query."""
    text = msgspec.json.encode([_LAYOUT, _question(query), place])
    return urlsafe_b64encode(text).decode().rstrip("=")


def place(text: str | None, kind: type[T], query: msgspec.Struct) -> T | None:
    """Return the place of a cursor; None for None. 400 when it is none, or another query's."""
    if text is None:
        return None
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        whole: Any = tuple[int, str, kind]  # type: ignore[valid-type]
        _, question, found = msgspec.json.decode(raw, type=whole)
    except (ValueError, msgspec.DecodeError):
        raise _wrong(_DAMAGED) from None
    if question != _question(query):
        raise _wrong(_FOREIGN)
    return found  # type: ignore[no-any-return]


def _question(query: msgspec.Struct) -> str:
    """Return a digest of the filters: what is asked for, without where and how much."""
    asked = {
        name: value
        for name, value in msgspec.structs.asdict(query).items()
        if name not in {"cursor", "limit"}
    }
    return sha256(msgspec.json.encode([type(query).__name__, asked])).hexdigest()[:12]


def _wrong(detail: str) -> ProblemError:
    return ProblemError(400, detail, errors=[Wrong(detail, parameter="cursor")])
