"""A route: what it takes, what it answers and who may ask. The table of them is the interface."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from sinks.bridge.api.parts import Api
from sinks.bridge.api.values import Nothing
from sinks.bridge.auth import Principal, Role

Q = TypeVar("Q", bound=msgspec.Struct)
BASE = "/api/v1"


@dataclass(frozen=True, slots=True)
class Call(Generic[Q]):
    """One request, checked: who asks, parts of the path, parameters, body.

    `if_match` is the header of that name, for changes.
    """

    principal: Principal
    path: dict[str, str]
    query: Q
    body: Any = None
    if_match: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is not plainly 200: another status, or headers."""

    body: msgspec.Struct | msgspec.Raw | None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Handler: TypeAlias = Callable[[Api, Call[Any]], Awaitable["msgspec.Struct | Answer"]]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint.

    `answer` is the type of a success's body, None for none; `statuses` are those of a success.
    `problems` are the statuses of failures beside 401, 429 and, with parameters, 400.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    answer: Any
    tag: str
    role: Role = Role.VIEWER
    query: type[msgspec.Struct] = Nothing
    body: type[msgspec.Struct] | None = None
    statuses: tuple[int, ...] = (200,)
    problems: tuple[int, ...] = ()
    detail: str = ""
