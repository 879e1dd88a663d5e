"""From a route to what aiohttp calls: check what came in, call, encode, tag."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from sinks.bridge.api.routing import Answer, Api, Route
from sinks.bridge.auth import Principal
from sinks.bridge.problems import ProblemError, Wrong, wrong_parameter

PRINCIPAL = web.RequestKey("principal", Principal)
_LEAST_COMPRESSED = 1_024
_encode = msgspec.json.Encoder().encode


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
            given["body"] = await _body(request, takes["body"])
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
    return found


async def _body(request: web.Request, kind: type[msgspec.Struct]) -> msgspec.Struct:
    if request.content_type != "application/json":
        raise ProblemError(415, "Send the body as JSON, with Content-Type: application/json.")
    raw = await request.read()  # 413 above the application's client_max_size
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        text, _, where = str(error).partition(" - at `$")
        place = Wrong(text, pointer(where.rstrip("`")))
        detail = f"The body is not what is asked for: {error}"
        raise ProblemError(422, detail, errors=[place]) from None
    except (ValueError, RecursionError) as error:  # no JSON, no text, or nested too deeply
        raise ProblemError(400, f"The body is not JSON: {error}") from None


def pointer(path: str) -> str:
    """Return the JSON pointer of msgspec's path: `.assets[2]` is `#/assets/2`."""
    return "#" + path.replace("[...]", ".*").replace("[", ".").replace("]", "").replace(".", "/")
