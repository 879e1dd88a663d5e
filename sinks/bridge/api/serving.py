"""From a route to what aiohttp calls: check what came in, call, encode, tag."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from sinks.bridge.api.parts import Api
from sinks.bridge.api.problems import ProblemError, Wrong
from sinks.bridge.api.route import Answer, Call, Route
from sinks.bridge.api.values import PATH
from sinks.bridge.auth import Principal

PRINCIPAL = web.RequestKey("principal", Principal)
_LEAST_COMPRESSED = 1_024
_encode = msgspec.json.Encoder().encode


def serve(api: Api, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return aiohttp's handler of a route."""

    async def handle(request: web.Request) -> web.StreamResponse:
        principal = request[PRINCIPAL]
        principal.require(route.role)
        call = Call(
            principal,
            _path(request),
            _query(request, route.query),
            await _body(request, route.body, api.settings.max_body_bytes),
            request.headers.get("If-Match"),
        )
        answer = await route.handler(api, call)
        if not isinstance(answer, Answer):
            answer = Answer(answer)
        return respond(request, answer, compress=api.settings.compression)

    return handle


def respond(request: web.Request, answer: Answer, *, compress: bool) -> web.Response:
    """Return the response; 304 where the client has it already."""
    if answer.body is None:
        return web.Response(status=answer.status, headers=answer.headers)
    body = _encode(answer.body)
    headers = {"Cache-Control": "private, no-cache", "Vary": "Authorization", **answer.headers}
    if request.method in {"GET", "HEAD"}:
        tag = headers.setdefault("ETag", etag(body))
        if _matches(request.headers.get("If-None-Match"), tag):
            return web.Response(status=304, headers=headers)
    else:
        headers["Cache-Control"] = "no-store"
    response = web.Response(
        status=answer.status, body=body, content_type="application/json", headers=headers
    )
    if compress and len(body) >= _LEAST_COMPRESSED:
        response.enable_compression()
    return response


def etag(body: bytes) -> str:
    """Return the tag of an answer; weak, since the bytes on the wire may be compressed."""
    return f'W/"{hashlib.sha256(body).hexdigest()[:24]}"'


def _matches(header: str | None, tag: str) -> bool:
    if header is None:
        return False
    known = {one.strip().removeprefix("W/") for one in header.split(",")}
    return "*" in known or tag.removeprefix("W/") in known


def _path(request: web.Request) -> dict[str, str]:
    found = dict(request.match_info)
    for name, value in found.items():
        try:
            msgspec.convert(value, type=PATH[name])
        except msgspec.ValidationError as error:
            detail = f"{name} {value[:80]!r}: {_said(error)}"
            raise ProblemError(400, detail, errors=[Wrong(detail, parameter=name)]) from None
    return found


def _query(request: web.Request, kind: type[msgspec.Struct]) -> msgspec.Struct:
    given = dict(request.query)
    if len(given) != len(request.query):
        twice = sorted({name for name in request.query if len(request.query.getall(name)) > 1})
        msg = f"Send each parameter once; {', '.join(twice)} came more often."
        raise ProblemError(400, msg, errors=[Wrong(msg, parameter=name) for name in twice])
    try:
        found = msgspec.convert(given, type=kind, strict=False)
    except msgspec.ValidationError as error:
        raise _wrong_parameter(error, kind) from None
    for name, text in given.items():
        if getattr(found, name) is None:  # msgspec takes the word null for nothing
            msg = f"{name}: {text!r} is no value; leave the parameter out for all."
            raise ProblemError(400, msg, errors=[Wrong(msg, parameter=name)])
    return found


def _wrong_parameter(error: msgspec.ValidationError, kind: type[msgspec.Struct]) -> ProblemError:
    text, _, where = str(error).partition(" - at `$.")
    if "unknown field" in text:
        known = ", ".join(kind.__struct_fields__) or "none"
        text = text.replace("Object contains unknown field", "There is no parameter")
        return ProblemError(400, f"{text}; there are: {known}.")
    name = where.rstrip("`")
    detail = f"{name}: {text}"
    return ProblemError(400, detail, errors=[Wrong(detail, parameter=name)])


async def _body(request: web.Request, kind: type[msgspec.Struct] | None, most: int) -> Any:
    if kind is None:
        return None
    if request.content_type != "application/json":
        raise ProblemError(415, "Send the body as JSON, with Content-Type: application/json.")
    raw = await _limited(request, most)
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        text, _, where = str(error).partition(" - at `$")
        place = Wrong(text, pointer=pointer(where.rstrip("`")))
        raise ProblemError(
            422, f"The body is not what is asked for: {error}", errors=[place]
        ) from None
    except (ValueError, RecursionError) as error:  # no JSON, no text, or nested too deeply
        raise ProblemError(400, f"The body is not JSON: {error}") from None


async def _limited(request: web.Request, most: int) -> bytes:
    """Read the body, but never more than `most` bytes."""
    body = bytearray()
    too_large = (request.content_length or 0) > most
    while not too_large and (part := await request.content.readany()):
        body += part
        too_large = len(body) > most
    if too_large:
        raise ProblemError(413, f"The body is larger than {most} bytes.")
    return bytes(body)


def pointer(path: str) -> str:
    """Return the JSON pointer of msgspec's path: `.assets[2]` is `#/assets/2`."""
    return "#" + path.replace("[...]", ".*").replace("[", ".").replace("]", "").replace(".", "/")


def _said(error: msgspec.ValidationError) -> str:
    return str(error).partition(" - at `")[0]
