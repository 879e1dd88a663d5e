"""What clients may say: JSON objects with a `type`, checked to the letter."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from schemas.names import in_capitals, wrong_symbol
from sinks.bridge.hub.channels import CHANNELS
from sinks.bridge.hub.filters import Filter

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Names = Annotated[tuple[Name, ...], msgspec.Meta(max_length=500)]
Channel = Literal[
    "signals", "scores", "explanations", "top", "trades", "equity", "prices", "status"
]
Pair = tuple[Annotated[int, msgspec.Meta(ge=0)], Annotated[int, msgspec.Meta(ge=-1)]]


class Subscribe(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="subscribe"
):
    """Wants the events of channels, filtered; `since` goes on where the client was."""

    id: Name
    channels: Annotated[tuple[Channel, ...], msgspec.Meta(min_length=1, max_length=8)]
    assets: Names = ()
    strategies: Names = ()
    actions: Annotated[tuple[Literal["BUY", "SELL", "HOLD"], ...], msgspec.Meta(max_length=3)] = ()
    min_confidence: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    since: str | tuple[str, ...] | dict[str, tuple[Pair, ...]] | None = None

    def filter(self) -> Filter:
        """Return the filter; symbols in capitals, as all of the log are."""
        return Filter(
            frozenset(map(in_capitals, self.assets)),
            frozenset(self.strategies),
            frozenset(self.actions),
            self.min_confidence,
        )


class Unsubscribe(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="unsubscribe"
):
    """Ends a subscription, named by the id of its request."""

    id: Name
    subscription: Name


class Ping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="ping"):
    """Asks for a pong."""

    id: Name


Request: TypeAlias = Subscribe | Unsubscribe | Ping
_TYPES: dict[str, type[Request]] = {
    "subscribe": Subscribe,
    "unsubscribe": Unsubscribe,
    "ping": Ping,
}
_EXAMPLE = '{"type": "subscribe", "id": "1", "channels": ["signals"]}'
_HINTS = {
    "id": "a text of 1 to 64 characters that names the request",
    "channels": f"a list of {', '.join(CHANNELS)}",
    "assets": 'a list of symbols, for example ["BTC", "ETH"], or left out for all',
    "strategies": "a list of strategy ids, or left out for all",
    "actions": "a list of BUY, SELL, HOLD, or left out for all",
    "min_confidence": "a number from 0 to 1",
    "since": "a cursor, for example signals:2:145 (more after commas, or a list), or "
    '{"signals": [[2, 145]]}',
    "subscription": "the id of the subscribe request",
}


class Code(StrEnum):
    """Codes of errors."""

    BAD_JSON = "bad_json"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_FIELD = "unknown_field"
    MISSING_FIELD = "missing_field"
    WRONG_FIELD = "wrong_field"
    UNKNOWN_SUBSCRIPTION = "unknown_subscription"
    DUPLICATE_ID = "duplicate_id"
    TOO_MANY = "too_many"
    TOO_FAST = "too_fast"
    TOO_LARGE = "too_large"


class BadRequestError(Exception):
    """A request that is refused: `code` for programs, the text for people, `id` if it had one."""

    def __init__(self, code: Code, message: str, request_id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.request_id = request_id


def parse(text: str | bytes) -> Request:
    """Return the request in a message. Raises BadRequestError: what, where, what to do."""
    try:
        found = msgspec.json.decode(text)
    except (ValueError, RecursionError) as error:  # no JSON, no text, or nested too deeply
        message = f"This is no JSON: {error}. Send an object, for example {_EXAMPLE}."
        raise BadRequestError(Code.BAD_JSON, message) from None
    if not isinstance(found, dict):
        message = f"This is no JSON object. Send one with a type, for example {_EXAMPLE}."
        raise BadRequestError(Code.BAD_JSON, message)
    given = found.get("id")
    request_id = given if isinstance(given, str) and len(given) <= 64 else None
    kind = found.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        said = "there is none" if kind is None else f"this is {str(kind)[:40]!r}"
        message = f"The field type is one of {', '.join(_TYPES)}; {said}."
        raise BadRequestError(Code.UNKNOWN_TYPE, message, request_id)
    return _converted(found, _TYPES[kind], request_id)


def _converted(found: dict[str, Any], kind: type[Request], request_id: str | None) -> Request:
    unknown = [name for name in found if name != "type" and name not in kind.__struct_fields__]
    if unknown:
        there = ", ".join(kind.__struct_fields__)
        message = f"Unknown field {unknown[0][:40]!r}. A {found['type']} has type, {there}."
        raise BadRequestError(Code.UNKNOWN_FIELD, message, request_id)
    for name in kind.__struct_fields__:
        if name in kind.__struct_fields__[: _required(kind)] and name not in found:
            message = f"The field {name} is missing: {_HINTS[name]}."
            raise BadRequestError(Code.MISSING_FIELD, message, request_id)
    try:
        request = msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        name = next((n for n in kind.__struct_fields__ if f"`$.{n}" in str(error)), "")
        hint = f" The field {name} is {_HINTS[name]}." if name else ""
        raise BadRequestError(Code.WRONG_FIELD, f"{error}.{hint}", request_id) from None
    for asset in getattr(request, "assets", ()):
        if wrong := wrong_symbol(in_capitals(asset)):
            message = f"assets: {wrong}. The field assets is {_HINTS['assets']}."
            raise BadRequestError(Code.WRONG_FIELD, message, request_id)
    return request


def _required(kind: type[Request]) -> int:
    return len(kind.__struct_fields__) - len(
        [one for one in kind.__struct_defaults__ if one is not msgspec.NODEFAULT]
    )
