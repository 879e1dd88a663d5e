"""Cursors of pages: opaque to clients; the place after which the next page begins.

A page is a range of keys in one order, never an offset, so rows that come in between move nothing.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, TypeVar

import msgspec

from sinks.bridge.api.values import Page, Paged
from sinks.bridge.problems import wrong_parameter

T = TypeVar("T", bound=msgspec.Struct)
Item = TypeVar("Item")
_LAYOUT = 1
_DAMAGED = "The cursor cannot be read: send it as it came, or leave it out to begin anew."
_FOREIGN = "The cursor belongs to another question: keep the filters, or leave the cursor out."


def page(found: Sequence[Item], query: Paged, end: Callable[[Item], msgspec.Struct]) -> Page[Item]:
    """Return a page of what was found with one item more than the limit; `end` is its place."""
    items = tuple(found[: query.limit])
    return Page(items, cursor(end(items[-1]), query) if len(found) > len(items) else None)


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
        raise wrong_parameter(_DAMAGED, "cursor") from None
    if question != _question(query):
        raise wrong_parameter(_FOREIGN, "cursor")
    return found  # type: ignore[no-any-return]


def _question(query: msgspec.Struct) -> str:
    """Return a digest of the filters: what is asked for, without where and how much."""
    asked = {
        name: value
        for name, value in msgspec.structs.asdict(query).items()
        if name not in {"cursor", "limit"}
    }
    return sha256(msgspec.json.encode([type(query).__name__, asked])).hexdigest()[:12]
