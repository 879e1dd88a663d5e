"""Endpoints: `@routes("GET", "/signals")` above a handler makes it one, `serve` is what is called.

A handler's arguments say what it takes, by their names: `principal` who asks, parts of the path,
`query` and `body` the structs of parameters and body, `if_match` the header. What it returns is
the reply's body; its docstring is the summary of the OpenAPI document.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, Generic, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

import asyncpg
import msgspec
from aiohttp import web

from schemas.control import SignalRequest, Strategy
from schemas.names import wrong_symbol
from schemas.signals import Decision
from schemas.strategy_changes import Limits
from sinks.bridge.api.kept import Kept
from sinks.bridge.api.values import Nothing
from sinks.bridge.auth import Auth, Principal, Role
from sinks.bridge.connections import BROKEN
from sinks.bridge.hub.answers import MOST_ANSWERS
from sinks.bridge.hub.views import Latest, Recent
from sinks.bridge.problems import ProblemError, Wrong, wrong_parameter
from sinks.bridge.settings import BridgeSettings
from transport.clock import wall_ms

T = TypeVar("T")
H = TypeVar("H", bound=Callable[..., Awaitable[Any]])
Pool: TypeAlias = "asyncpg.Pool[Any]"
BASE = "/api/v1"
PRINCIPAL = web.RequestKey("principal", Principal)
_LEAST_COMPRESSED = 1_024
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Api:
    """Everything a handler may use. A part that is None is not configured: 503 where needed.

    `latest` is the hub's memory: read without waiting, never changed here, and empty at the start.
    `publish_strategy` publishes a strategy under its id, None deletes it; all publishers return
    when the broker has it and may raise anything. `now_ms` is the wall clock in ms since 1970.
    `changing` is held from the look at a strategy to its change. `limits` are each user's.
    `asked` are the newest requests of this bridge by id, `kept` answers that take long to make.
    """

    settings: BridgeSettings
    auth: Auth
    latest: Latest
    database: Pool | None = None
    publish_strategy: Callable[[str, Strategy | None], Awaitable[None]] | None = None
    publish_request: Callable[[SignalRequest], Awaitable[None]] | None = None
    publish_decision: Callable[[Decision], Awaitable[None]] | None = None
    now_ms: Callable[[], int] = wall_ms
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)
    limits: Limits = Limits()  # noqa: RUF009 - it is frozen
    asked: Recent[str, SignalRequest] = field(default_factory=lambda: Recent(MOST_ANSWERS))
    kept: Kept = field(default_factory=Kept)


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
    def query(self) -> Any:
        """Type of the query's parameters."""
        return self.takes.get("query", Nothing)


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


def serve(api: Api, route: Route) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return aiohttp's handler of a route."""
    takes, query = route.takes, route.query

    async def handle(request: web.Request) -> web.Response:
        principal = request[PRINCIPAL]
        principal.require(route.role)
        given: dict[str, Any] = _path(request, takes)
        given |= {"principal": principal, "if_match": request.headers.get("If-Match")}
        given["query"] = _query(request, query)
        if "body" in takes:
            given["body"] = await _body(request, takes["body"], api.settings.request_s)
        answer = await route.handler(api, **{name: given[name] for name in takes})
        if not isinstance(answer, Answer):
            answer = Answer(answer)
        status = answer.status or route.statuses[0]
        return respond(api, request, answer.body, answer.headers, status)

    return handle


def respond(
    api: Api, request: web.Request, content: Any, headers: dict[str, str], status: int = 200
) -> web.Response:
    """Return the reply with its body in JSON; 304 without one where the client has it already."""
    if content is None:
        return web.Response(status=status, headers=headers)
    body = _encode(content)
    if request.method in {"GET", "HEAD"}:
        headers = {"Cache-Control": "private, no-cache", "ETag": etag(body), **headers}
        known = {tag.value for tag in request.if_none_match or ()}
        if known & {"*", headers["ETag"].removeprefix("W/").strip('"')}:
            return web.Response(status=304, headers={"Vary": "Authorization", **headers})
    response = web.Response(
        status=status,
        body=body,
        content_type="application/json",
        headers={"Cache-Control": "no-store", "Vary": "Authorization", **headers},
    )
    if api.settings.compression and len(body) >= _LEAST_COMPRESSED:
        response.enable_compression()
    return response


def etag(body: bytes) -> str:
    """Return the tag of a body; weak, since the bytes on the wire may be compressed."""
    return f'W/"{hashlib.sha256(body).hexdigest()[:24]}"'


def _path(request: web.Request, takes: dict[str, Any]) -> dict[str, Any]:
    for name, text in request.match_info.items():
        try:
            msgspec.convert(text, type=takes[name])
        except msgspec.ValidationError as error:
            detail = f"{name} {text[:80]!r}: {error}"
            raise wrong_parameter(detail, name) from None
    _check_symbol(request.match_info.get("asset"))
    return dict(request.match_info)


def _query(request: web.Request, kind: type[msgspec.Struct]) -> msgspec.Struct:
    given = dict(request.query)
    if twice := sorted(name for name in given if len(request.query.getall(name)) > 1):
        detail = f"Send each parameter once; {', '.join(twice)} came more often."
        raise wrong_parameter(detail, *twice)
    try:
        found = msgspec.convert(given, type=kind, strict=False)
    except msgspec.ValidationError as error:
        text, _, where = str(error).partition(" - at `$.")
        if not where:
            text = text.replace("Object contains unknown field", "There is no parameter")
            known = ", ".join(kind.__struct_fields__) or "none"
            raise ProblemError(400, f"{text}; there are: {known}.") from None
        name = where.rstrip("`")
        detail = f"{name}: {text}"
        raise wrong_parameter(detail, name) from None
    for name, text in given.items():
        if getattr(found, name) is None:  # msgspec takes the word null for nothing
            detail = f"{name}: {text!r} is no value; leave the parameter out for all."
            raise wrong_parameter(detail, name)
    _check_symbol(given.get("asset"))
    return found


def _check_symbol(asset: str | None) -> None:
    """Refuse what looks like a symbol and is none: small letters of another script."""
    wrong = None if asset is None else wrong_symbol(asset)
    if wrong is not None:
        detail = f"asset {wrong}"
        raise wrong_parameter(detail, "asset")


_ENCODINGS = {"", "identity", "gzip", "deflate"}
"""Those that aiohttp undoes."""


async def _body(
    request: web.Request, kind: type[msgspec.Struct], within_s: float
) -> msgspec.Struct:
    if request.content_type != "application/json":
        raise ProblemError(415, "Send the body as JSON, with Content-Type: application/json.")
    raw = await _read(request, within_s)
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        text, _, where = str(error).partition(" - at ")
        place = Wrong(text, pointer(where.removeprefix("`key` in ").strip("`$")))
        detail = f"The body is not what is asked for: {error}"
        raise ProblemError(422, detail, errors=[place]) from None
    except (ValueError, RecursionError) as error:  # no JSON, no text, or nested too deeply
        raise ProblemError(400, f"The body is not JSON: {error}") from None


async def _read(request: web.Request, within_s: float) -> bytes:
    encoding = request.headers.get("Content-Encoding", "")
    if encoding.strip().lower() not in _ENCODINGS:
        detail = f"Send the body as it is, or as gzip or deflate; not as {encoding[:40]!r}."
        raise ProblemError(415, detail, headers={"Accept-Encoding": "gzip, deflate"})
    try:
        async with asyncio.timeout(within_s):
            return await request.read()  # 413 above the application's client_max_size
    except TimeoutError:
        detail = f"The body did not come within {within_s:g} s."
        raise ProblemError(408, detail, headers={"Connection": "close"}) from None
    except BROKEN:
        detail = "The body is not what its Content-Encoding or Transfer-Encoding says."
        raise ProblemError(400, detail) from None


def pointer(path: str) -> str:
    """Return the JSON pointer of msgspec's path: `.assets[2]` is `#/assets/2`."""
    return "#" + path.replace("[...]", ".*").replace("[", ".").replace("]", "").replace(".", "/")
