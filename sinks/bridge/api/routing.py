"""The table of routes: `@routes("GET", "/signals")` above a handler makes it an endpoint.

A handler's arguments say what it takes, by their names: `principal` who asks, parts of the path,
`query` and `body` the structs of parameters and body, `if_match` the header. What it returns is
the reply's body; its docstring is the summary of the OpenAPI document.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import NoneType
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    TypeAlias,
    TypeVar,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from schemas.control import SignalRequest, Strategy
from sinks.bridge.api.values import Nothing
from sinks.bridge.auth import Auth, Role
from sinks.bridge.auth.auth import wall_ms
from sinks.bridge.settings import BridgeSettings

if TYPE_CHECKING:
    import asyncpg

    from sinks.bridge.hub.views import Latest

T = TypeVar("T")
H = TypeVar("H", bound=Callable[..., Awaitable[Any]])
Pool: TypeAlias = "asyncpg.Pool[Any]"
BASE = "/api/v1"


@dataclass(frozen=True, slots=True)
class Api:
    """Everything a handler may use. A part that is None is not configured: 503 where needed.

    `latest` is the hub's memory: read without waiting, never changed here, and empty at the start.
    `publish_strategy` publishes a strategy under its id, None deletes it; both publishers return
    when the broker has it and may raise anything. `now_ms` is the wall clock in ms since 1970.
    `changing` is held from the look at a strategy to its change.
    """

    settings: BridgeSettings
    auth: Auth
    latest: Latest
    database: Pool | None = None
    publish_strategy: Callable[[str, Strategy | None], Awaitable[None]] | None = None
    publish_request: Callable[[SignalRequest], Awaitable[None]] | None = None
    now_ms: Callable[[], int] = wall_ms
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A reply with headers, or with another status than the first of its route."""

    body: T
    headers: dict[str, str] = field(default_factory=dict)
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint: `takes` are the types of the handler's arguments, `answer` that of its reply.

    `statuses` are those of a success, the usual one first; `problems` those of failures beside
    the ones that every route of its kind may have.
    """

    method: str
    path: str
    tag: str
    role: Role
    statuses: tuple[int, ...]
    problems: tuple[int, ...]
    handler: Callable[..., Awaitable[Any]]
    takes: dict[str, Any]
    answer: Any

    @property
    def query(self) -> type[msgspec.Struct]:
        """Type of the query's parameters."""
        return cast(type[msgspec.Struct], self.takes.get("query", Nothing))


class Routes(list[Route]):
    """The routes of one tag, in their order."""

    def __init__(self, tag: str) -> None:
        super().__init__()
        self._tag = tag

    def __call__(
        self,
        method: str,
        path: str,
        *problems: int,
        role: Role = Role.VIEWER,
        statuses: tuple[int, ...] = (200,),
    ) -> Callable[[H], H]:
        """Return the decorator that adds a handler's route; see `Route`."""

        def add(handler: H) -> H:
            takes = get_type_hints(handler, include_extras=True)
            answer = takes.pop("return")
            if get_origin(answer) is Answer:
                (answer,) = get_args(answer)
            del takes["api"]
            made = (method, BASE + path, self._tag, role, statuses, problems)
            self.append(Route(*made, handler, takes, None if answer is NoneType else answer))
            return handler

        return add
